#![doc = include_str!("../README.md")]

pub mod clock;
pub mod error_code;
pub mod id;
pub mod retry;
pub mod role;
pub mod secret;
pub mod size;

pub use clock::{Clock, MockClock, Timestamp};
pub use error_code::{ErrorCode, ErrorKind};
pub use id::IdSource;
pub use role::Role;
pub use secret::Secret;
pub use size::ByteSize;
