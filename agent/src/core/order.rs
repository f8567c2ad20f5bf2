//! What the server can ask for.

use std::time::Duration;

use domain::id::{CommandId, JobId, RepositoryId};
use domain::job::JobKind;
use domain::path::BackupPaths;

/// A durable instruction of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its id; a repeated one is done once.
    pub id: CommandId,
    /// The session it was sent in.
    pub epoch: u64,
    /// Life left when it was sent.
    pub ttl: Duration,
    /// What to do.
    pub instruction: Instruction,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Run a job.
    Run(Order),
    /// End a job. One that is not there is not an error.
    Cancel(JobId),
}

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

/// What a job does, with what it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Saves paths as one snapshot.
    Backup(Backup),
    /// Makes the repository, or adopts the one that is there.
    Init,
    /// Finds out whether the repository opens.
    Probe,
    /// Lists the host's snapshots.
    Snapshots,
}

/// What a backup saves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What to save.
    pub paths: BackupPaths,
    /// restic's exclude patterns.
    pub excludes: Vec<String>,
    /// Leave out directories that hold a CACHEDIR.TAG.
    pub exclude_caches: bool,
    /// Stay on the file systems of the paths.
    pub one_file_system: bool,
    /// The snapshot's tag; `None` for paths that were given by hand.
    pub tag: Option<String>,
    /// The longest run; `None` is without limit.
    pub max_runtime: Option<Duration>,
}

impl Order {
    /// The kind of the job.
    pub fn kind(&self) -> JobKind {
        match self.work {
            Work::Backup(_) => JobKind::Backup,
            Work::Init => JobKind::Init,
            Work::Probe => JobKind::Probe,
            Work::Snapshots => JobKind::Snapshots,
        }
    }

    /// How long it may run; `None` is without limit.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.work {
            Work::Backup(backup) => backup.max_runtime,
            Work::Init | Work::Probe | Work::Snapshots => self.kind().default_deadline(),
        }
    }
}
