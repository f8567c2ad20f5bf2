//! The server.

pub mod clock;
pub mod random;
pub mod secrets;
