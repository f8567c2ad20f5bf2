//! The server.

pub mod clock;
pub mod config;
pub mod random;
pub mod secrets;
pub mod store;
