//! Certificates of agents: when they are renewed, who may have another, and what the identity key signs for it.
//!
//! Source: features.md SES-11; security.md, "Identity and the built-in CA".

mod grant;
mod lifetime;
mod proof;
mod request;

pub use grant::{Denied, Grant, Held, RENEWABLE_FOR, grant, may_renew_expired};
pub use lifetime::Lifetime;
pub use proof::{IdentityKey, IdentityProof, IdentitySignature, Occasion};
pub use request::{CertificateOffer, InvalidSerial, RenewExpired, RenewRefused, RenewRequest, Serial};
