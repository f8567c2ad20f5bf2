//! The built-in certificate authority, and TLS with it.
//!
//! ```text
//! root (10 years)            its public key is what agents pin
//!  ├─ agents CA (1 year)     → agent leaf, 7 days unless configured: rm://<deployment>/agent/<host>, clientAuth
//!  └─ servers CA (1 year)    → server leaf, 30 days: names of the agent port, serverAuth
//! ```
//!
//! Every CA certificate says in a URI name which deployment and which part of this tree it is, so that a stored
//! certificate cannot be taken for another. The keys are kept by the caller, sealed in the database; this module sees
//! them opened, and the root's only while an intermediate is issued.
//!
//! **Invariant:** from a certificate request nothing but the public key reaches a certificate.
//!
//! **Invariant:** the host of a connection comes from the name in its certificate and from nowhere else.

mod authority;
mod ca;
mod name;
pub mod peer;
mod pem;
mod proof;
mod request;
#[cfg(test)]
mod tests;
pub mod tls;
mod validity;

use std::path::PathBuf;

pub use authority::{Authority, IssuedCertificate, ServerLeaf};
pub use ca::{Ca, CaCertificate, CaRole, NewAuthority, create, reissue};
pub use name::Deployment;
pub use proof::is_signed;
pub use request::{CertificateRequest, InvalidRequest};
pub use validity::Validity;

/// Why the authority, or TLS with it, is not usable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key or certificate could not be made.
    #[error("a certificate could not be issued")]
    Issue {
        /// What failed.
        #[source]
        source: rcgen::Error,
    },
    /// A stored certificate is none of ours.
    #[error("a stored CA certificate is damaged, or was not made by restic-manager")]
    Damaged,
    /// A stored certificate stands where another belongs.
    #[error("the stored CA certificates do not belong together: the one for {wanted} is of another role or deployment")]
    Misplaced {
        /// Where it was found.
        wanted: CaRole,
    },
    /// A stored key is not that of its certificate.
    #[error("the stored key of the CA for {role} does not belong to its certificate")]
    ForeignKey {
        /// Whose key.
        role: CaRole,
    },
    /// A configured PEM file cannot be used.
    #[error("could not read {path}; it must be a PEM file that the server can read")]
    ReadPem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A configured certificate and key cannot be used together.
    #[error("the certificate {certificate} cannot be used with the key {key}")]
    WebCertificate {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls {
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    fn issue(source: rcgen::Error) -> Self {
        Self::Issue { source }
    }

    fn tls(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Tls { source: source.into() }
    }
}
