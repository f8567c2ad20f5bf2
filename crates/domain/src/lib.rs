#![doc = include_str!("../README.md")]

pub mod actor;
pub mod audit;
pub mod audit_query;
pub mod certificate;
pub mod clock;
pub mod enrollment;
pub mod error_code;
pub mod fleet;
pub mod health;
pub mod host;
pub mod id;
pub mod job;
pub mod name;
pub mod page;
pub mod path;
pub mod reported;
pub mod repository;
pub mod restic_id;
pub mod retry;
pub mod role;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod size;
pub mod snapshot;
pub mod snapshot_query;
pub mod user;

pub use actor::{Actor, ActorKind};
pub use clock::{Clock, MockClock, Timestamp};
pub use error_code::{ErrorCode, ErrorKind};
pub use id::IdSource;
pub use reported::ReportedText;
pub use restic_id::{ResticRepositoryId, SnapshotId};
pub use role::Role;
pub use secret::Secret;
pub use size::ByteSize;
