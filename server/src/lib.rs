//! The server.

pub mod clock;
pub mod config;
pub mod passwords;
pub mod random;
pub mod secrets;
pub mod store;
pub mod throttle;
