#![doc = include_str!("../README.md")]

pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod doctor;
pub mod durable;
pub mod enroll;
pub mod exit;
pub mod identity;
pub mod legacy;
pub mod link;
pub mod random;
#[cfg(unix)]
pub mod runner;
#[cfg(unix)]
pub mod sandbox;
pub mod secrets;
pub mod space;
pub mod state;
pub mod status;
#[cfg(unix)]
pub mod supervisor;
pub mod sysinfo;
pub mod telemetry;
pub mod tls;
pub mod wipe;
pub mod wire;
