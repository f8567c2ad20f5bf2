//! Enrollment by token: the token itself, the pin inside it, and the life of its row.
//!
//! Source: features.md ENR-01, ENR-06, ENR-10; security.md, "Enrollment".

mod life;
mod pin;
mod token;

pub use life::{InvalidTokenState, InvalidTtl, TokenLife, TokenState, TokenTtl, TokenUse};
pub use pin::{InvalidPin, Pin};
pub use token::{EnrollmentToken, InvalidEnrollmentToken, TokenHash};
