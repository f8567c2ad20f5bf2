//! Tests that cross processes: the built server and agents, real restic, real repositories.
//!
//! [`Fleet`] starts a server in a temporary directory, makes the first admin and enrolls agents; the rest are the pieces
//! it is made of. Everything here is a helper of tests, so it fails by panicking, with a sentence that says what was
//! waited for. When a test fails, the last lines of every program's log follow on standard error.
//!
//! **Invariant:** every process that was started has ended when the value that stands for it is dropped.
//!
//! **Invariant:** nothing waits for a time; it waits for a condition, with a limit ([`wait`]).

pub mod agent;
pub mod browser;
pub mod buf;
pub mod chance;
pub mod disk;
pub mod events;
pub mod fake_restic;
pub mod fake_time;
pub mod fleet;
pub mod grpc_web;
pub mod hostile_restic;
pub mod machine;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod python_client;
pub mod repository;
pub mod rest;
pub mod restics;
pub mod sampling;
pub mod search;
pub mod seed;
pub mod server;
pub mod services;
pub mod typescript_client;
pub mod wait;

pub use fleet::{Fleet, Host};
pub use repository::Repository;
