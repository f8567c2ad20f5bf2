//! Messages to domain types and back, one file per thing.
//!
//! Every message is destructured whole, so that a new field breaks the build until somebody decides what it means. A
//! refusal names the field, so that a form can put the sentence beside the right input.

pub mod agent;
mod audit;
mod auth;
mod certificate;
mod enrollment;
mod enrollment_token;
mod fleet;
mod host;
mod invalid;
mod job;
mod job_log;
mod page;
mod repository;
mod repository_stats;
mod snapshot;
mod time;

pub use invalid::{FieldProblem, Invalid, optional, parse, required};
pub use job_log::{UnreadableLog, log_lines};
pub use page::{page, page_with_limits};
pub use time::{from_timestamp, to_duration, to_timestamp};
