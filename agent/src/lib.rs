#![doc = include_str!("../README.md")]

pub mod clock;
pub mod config;
pub mod core;
pub mod durable;
pub mod enroll;
pub mod exit;
pub mod identity;
pub mod random;
pub mod secrets;
pub mod state;
pub mod sysinfo;
pub mod telemetry;
pub mod tls;
pub mod wire;
