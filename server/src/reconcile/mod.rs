//! Work that must happen also after a crash: a row says what is to be done, a reconciler does it.
//!
//! A [`Reconciler`] compares what should be with what is, by reading the database, and closes the gap. It runs on a period
//! and whenever it is nudged, and the [`Driver`] keeps what the last run did in the [`Registry`] for the System page.
//!
//! **Invariant:** a nudge only wakes. It carries nothing, several of them are one, and a lost one costs at most a period;
//! so there is no second path that only runs after a restart.
//!
//! **Invariant:** a reconciler never runs twice at the same time, does not retry inside a run, and is safe to end anywhere:
//! the next run begins from the database again.
//!
//! To add one: a file here with a struct that holds the `App`, `activate` with one call of an app method and a few words
//! about what it did, and a line where the driver is put together. If the app knows when it is due, give it a field among the
//! [`Nudges`](crate::tasks::Nudges) and call that after the commit.

mod all;
mod certificates;
mod driver;
mod ended_tokens;
mod expired_commands;
pub mod expired_sessions;
mod first_jobs;
mod idempotency_keys;
mod redelivery;
mod retention;
mod stale_hosts;
mod stale_jobs;
mod status;

use std::time::Duration;

use async_trait::async_trait;

pub use all::all;
pub use driver::Driver;
pub use status::Status;

pub use crate::tasks::Nudge;

/// One piece of background work.
#[async_trait]
pub trait Reconciler: Send {
    /// A stable name in snake_case, unique among all: `expired_sessions`.
    fn name(&self) -> &'static str;

    /// How long after a run the next one begins, unless a nudge comes first.
    fn period(&self) -> Duration;

    /// Does what is due at this moment, once, and says what it was. Takes no input: the database has it.
    async fn activate(&mut self) -> Status;
}
