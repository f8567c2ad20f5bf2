//! What a running job says to the core.

use domain::ResticRepositoryId;
use domain::id::RepositoryId;
use domain::job::{Outcome, Problems, Progress, ResultCode};
use domain::snapshot::Snapshot;

/// A word of a running job. The order is that of the job's life: running, finalizing, snapshots, finished.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// restic runs.
    Running,
    /// restic has ended; the rest follows.
    Finalizing,
    /// Latest numbers; at most one a second.
    Progress(Progress),
    /// The log has grown.
    LogGrown {
        /// Its lines in all.
        lines: u64,
    },
    /// The list of the host's snapshots, whole.
    Snapshots(SnapshotList),
    /// The job has ended; nothing follows.
    Finished(End),
}

/// The host's snapshots in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotList {
    /// The repository.
    pub repository: RepositoryId,
    /// In restic's order.
    pub snapshots: Vec<Snapshot>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The verdict.
    pub outcome: Outcome,
    /// What could not be read, whatever the verdict.
    pub problems: Problems,
    /// restic's exit code; `None` when it did not run to an end.
    pub exit_code: Option<i32>,
    /// The repository that the job saw.
    pub restic_repository: Option<ResticRepositoryId>,
    /// Lines of the log in all.
    pub log_lines: u64,
}

impl End {
    /// The verdict in one word.
    pub fn result_code(&self) -> ResultCode {
        match &self.outcome {
            Outcome::Succeeded { .. } => ResultCode::Ok,
            Outcome::Warning { .. } => ResultCode::Issues,
            Outcome::Failed { cause, .. } => ResultCode::Failed(cause.code),
            Outcome::Cancelled { .. } => ResultCode::Cancelled,
            Outcome::TimedOut { .. } => ResultCode::TimedOut,
            Outcome::Interrupted { .. } => ResultCode::Interrupted,
        }
    }
}
