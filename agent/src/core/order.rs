//! [`Order`]: a job to run, as the queue and the runner hold it.

use std::time::Duration;

use domain::id::{JobId, RepositoryId};
use domain::job::JobKind;
use domain::session::Work;

/// A job to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The job.
    pub job: JobId,
    /// The repository it works on.
    pub repository: RepositoryId,
    /// What it does.
    pub work: Work,
}

impl Order {
    /// The kind of the job.
    pub fn kind(&self) -> JobKind {
        match self.work {
            Work::Backup(_) => JobKind::Backup,
            Work::Init | Work::Reinit => JobKind::Init,
            Work::Probe => JobKind::Probe,
            Work::Snapshots => JobKind::Snapshots,
            Work::Unlock { .. } => JobKind::Unlock,
            Work::Stats => JobKind::Stats,
        }
    }

    /// How long it may run; `None` is without limit.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.work {
            Work::Backup(backup) => backup.max_runtime,
            Work::Init | Work::Reinit | Work::Probe | Work::Snapshots | Work::Unlock { .. } | Work::Stats => {
                self.kind().default_deadline()
            }
        }
    }
}
