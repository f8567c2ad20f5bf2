#![doc = include_str!("../README.md")]

pub mod app;
pub mod clock;
pub mod config;
pub mod events;
pub mod gateway;
pub mod grpc;
pub mod listen;
pub mod meters;
pub mod passwords;
pub mod pki;
pub mod random;
pub mod reconcile;
pub mod secrets;
pub mod sessions;
mod setup;
pub mod shutdown;
mod start;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod throttle;
pub mod version;

pub use start::{Error, Parts, Server, open};
