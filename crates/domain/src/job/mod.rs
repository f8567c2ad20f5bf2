//! Jobs: one piece of work on one host, from the order to its end.
//!
//! ```text
//! queued ─► sent ─► accepted ─► preparing ─► running ─► finalizing ─► succeeded | warning | failed | cancelled
//!                                                                     | timed_out | interrupted
//! queued|sent ─► expired | cancelled (withdrawn)     queued…accepted ─► refused     sent…finalizing ─► lost
//! ```
//!
//! [`next`] is the only way from one state to another, on the server and on the agent. Events reach it over a link that
//! repeats and a store that crashes, hence:
//!
//! **Invariant:** whatever is delivered twice or in another order, the job ends in the same state. A late event of an
//! earlier phase changes nothing, and each event carries the facts of the state it leads to.
//!
//! **Invariant:** the host's word is final. Three verdicts are reached without hearing from the host, and only they can
//! be corrected:
//!
//! | verdict | claims that | refuted by |
//! |---|---|---|
//! | `lost` | nobody knows | the host's inventory or the end |
//! | `expired` | the host did not accept the job | any later word of the host on the job |
//! | `cancelled`, withdrawn | the same | the same |
//!
//! Without the last two, a run whose acceptance got lost on the way would be shown as expired for ever, though it made a
//! snapshot. One such verdict does not displace another.
//!
//! Being offline is no state: a job of an unreachable host is where it was.
//!
//! Source: agent-protocol.md §6, features.md JOB-01 to JOB-10.

mod event;
mod failure;
mod kind;
mod log;
mod mode;
mod next;
mod phase;
mod progress;
mod request;
mod silence;
mod state;
mod summary;
#[cfg(test)]
mod tests;
mod view;

pub use event::{JobEvent, Outcome, Stage};
pub use failure::{FailureCause, FailureCode, InvalidFailureCode, InvalidResultCode, ResultCode};
pub use kind::{InvalidJobKind, JobKind};
pub use log::{LogExtent, LogGap, LogLine, LogStream};
pub use mode::{InvalidMode, Mode};
pub use next::{InvalidTransition, next};
pub use phase::{InvalidPhase, InvalidStatus, Phase, Status};
pub use progress::Progress;
pub use request::{JobQuery, LogQuery, Reinit, RunJob, Sources, Work};
pub use silence::{Patience, is_given_up};
pub use state::JobState;
pub use summary::{BackupSummary, Problem, Problems, Summary, UnlockSummary};
pub use view::JobView;

use crate::id::{HostId, JobId, RepositoryId, SourceGroupId};
use crate::path::BackupPaths;
use crate::{Actor, Timestamp};

/// One piece of work on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Ours; repeating a command with it starts nothing twice.
    pub id: JobId,
    /// Where it runs.
    pub host_id: HostId,
    /// The repository it works on.
    pub repository_id: RepositoryId,
    /// What it does.
    pub kind: JobKind,
    /// What sets it apart from the usual one of its kind.
    pub mode: Mode,
    /// The source group that a backup saves; `None` for other kinds and for a backup of named paths.
    pub source_group_id: Option<SourceGroupId>,
    /// What a backup saves, as it was when the job was made; `None` for other kinds.
    pub paths: Option<BackupPaths>,
    /// Who asked for it.
    pub actor: Actor,
    /// Counted from 1.
    pub attempt: u32,
    /// When it was asked for, by the server's clock.
    pub created_at: Timestamp,
    /// Somebody wants it to end, and the host has not said yet that it did.
    pub cancel_requested: Option<CancelRequest>,
    /// Where it stands.
    pub state: JobState,
    /// Raised with every change; guards against two writers.
    pub version: u64,
}

/// Somebody's wish that a job end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CancelRequest {
    /// When it was asked for, by the server's clock.
    pub at: Timestamp,
    /// Who asked.
    pub by: Actor,
}
