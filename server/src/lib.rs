#![doc = include_str!("../README.md")]

pub mod clock;
pub mod config;
pub mod events;
pub mod passwords;
pub mod pki;
pub mod random;
pub mod reconcile;
pub mod secrets;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod throttle;
pub mod version;
