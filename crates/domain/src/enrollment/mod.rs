//! Enrollment by token: the token itself, the pin inside it, and the life of its row.
//!
//! Source: features.md ENR-01, ENR-06, ENR-10; security.md, "Enrollment".

mod enroll;
mod life;
mod new_token;
mod pin;
mod token;

pub use enroll::{
    AgentEndpoint, Enroll, EnrollNonce, Enrolled, InvalidEnrollNonce, InvalidOperatingSystem, OperatingSystem,
};
pub use life::{InvalidTokenState, InvalidTtl, TokenLife, TokenState, TokenTtl, TokenUse};
pub use new_token::{
    CreatedToken, NewEnrollmentToken, NewReplacementToken, TokenQuery, TokenView, WantedRepository, WantedToken,
};
pub use pin::{InvalidPin, Pin};
pub use token::{EnrollmentToken, InvalidEnrollmentToken, TokenHash};
