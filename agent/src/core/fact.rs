//! [`Fact`]: what must reach the server, whatever happens in between.

use domain::id::{JobId, RepositoryId};
use domain::job::JobKind;
use domain::session::{DesiredKind, Stamp};
use domain::snapshot::Snapshot;

use super::report::{End, SnapshotList};

/// Snapshots per part of a report. A path list has a few hundred bytes, so a part stays far below a message's limit; one
/// that does not is cut further where it is encoded.
const SNAPSHOTS_PER_PART: usize = 100;

/// Something that happened, as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A job's turn came.
    JobStarted {
        /// Which.
        job: JobId,
        /// Its kind.
        kind: JobKind,
        /// The repository it works on.
        repository: RepositoryId,
    },
    /// restic runs.
    JobRunning {
        /// Which job.
        job: JobId,
    },
    /// restic has ended, the job has not.
    JobFinalizing {
        /// Which job.
        job: JobId,
    },
    /// A part of a list of snapshots; the list takes effect with its last part.
    Snapshots {
        /// The job that made the list.
        job: JobId,
        /// The repository it lists.
        repository: RepositoryId,
        /// Position of the part, from 0.
        part: u32,
        /// Whether it is the last.
        last: bool,
        /// The part.
        snapshots: Vec<Snapshot>,
    },
    /// A job has ended.
    JobFinished {
        /// Which.
        job: JobId,
        /// How.
        end: Box<End>,
    },
    /// A part of the desired state was stored, or could not be.
    DesiredApplied {
        /// Which part.
        kind: DesiredKind,
        /// Which version of it.
        stamp: Stamp,
        /// Why it could not be stored; `None` when it was.
        error: Option<String>,
    },
}

impl Fact {
    /// The job whose end it is.
    pub fn ends(&self) -> Option<JobId> {
        match self {
            Self::JobFinished { job, .. } => Some(*job),
            Self::JobStarted { .. }
            | Self::JobRunning { .. }
            | Self::JobFinalizing { .. }
            | Self::Snapshots { .. }
            | Self::DesiredApplied { .. } => None,
        }
    }
}

/// Cuts a list into parts. An empty list is one empty part: it says that there are no snapshots.
pub(super) fn snapshot_parts(job: JobId, list: SnapshotList) -> Vec<Fact> {
    let SnapshotList { repository, snapshots } = list;
    let mut rest = snapshots.into_iter().peekable();
    let mut parts = Vec::new();
    loop {
        let snapshots: Vec<Snapshot> = rest.by_ref().take(SNAPSHOTS_PER_PART).collect();
        let last = rest.peek().is_none();
        parts.push(Fact::Snapshots {
            job,
            repository,
            part: u32::try_from(parts.len()).unwrap_or(u32::MAX),
            last,
            snapshots,
        });
        if last {
            return parts;
        }
    }
}
