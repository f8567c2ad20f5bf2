#![doc = include_str!("../README.md")]

mod access;
mod binary;
mod capabilities;
mod cause;
mod command;
mod environment;
mod error;
mod event;
mod exit;
mod fields;
mod line;
mod listing;
mod lock;
mod outcome;
mod redact;
mod retry;
mod stats;
mod transcript;
mod version;

pub use access::Access;
pub use binary::{Binary, Search};
pub use capabilities::Capabilities;
pub use command::{Backup, BackupOptions, Command, Invocation, Kind, Limits, Snapshots, StatsMode};
pub use environment::{Environment, Places};
pub use error::{Error, Refused};
pub use event::{Event, ItemError, Summary};
pub use exit::{Ending, Exit, Stop, classify};
pub use line::{Line, Lines, MAX_LINE_BYTES};
pub use listing::{Listing, MAX_ENTRY_BYTES, Snapshot, read_snapshots};
pub use lock::{InvalidLockId, Lock, LockId, LockOwner};
pub use outcome::{Facts, Outcome};
pub use redact::Redactor;
pub use retry::Retry;
pub use stats::Stats;
pub use transcript::{Stream, Transcript};
pub use version::{Support, Version};
