//! [`Command`]: the durable instruction that tells an agent to begin or end a job.

use std::time::Duration;

use crate::ReportedText;
use crate::id::{CommandId, JobId, RepositoryId};
use crate::path::BackupPaths;

/// Something to do, as it goes to the agent. Its row was written before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its id; a repeated one is done once.
    pub id: CommandId,
    /// The session that it is sent in.
    pub epoch: u64,
    /// The life it has left.
    pub ttl: Duration,
    /// What to do.
    pub instruction: Instruction,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Run a job.
    Run {
        /// The job.
        job: JobId,
        /// The repository it works on.
        repository: RepositoryId,
        /// What it does.
        work: Work,
    },
    /// End a job. One that is not there is not an error.
    Cancel {
        /// The job.
        job: JobId,
    },
}

/// What a job does, with what it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Saves paths as one snapshot.
    Backup(BackupOrder),
    /// Makes the repository, or adopts the one that is there.
    Init,
    /// Makes the repository, and fails where one is.
    Reinit,
    /// Finds out whether the repository opens.
    Probe,
    /// Lists the host's snapshots.
    Snapshots,
    /// Removes locks that were left behind.
    Unlock {
        /// Also those whose owner may be at work.
        all: bool,
    },
    /// Finds out how large the repository is.
    Stats,
}

/// What a backup saves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupOrder {
    /// What to save.
    pub paths: BackupPaths,
    /// restic's exclude patterns.
    pub excludes: Vec<String>,
    /// Leave out directories that hold a CACHEDIR.TAG.
    pub exclude_caches: bool,
    /// Stay on the file systems of the paths.
    pub one_file_system: bool,
    /// The snapshot's tag, the name of the source group; `None` for paths that were given by hand.
    pub tag: Option<String>,
    /// The longest run; `None` is without limit.
    pub max_runtime: Option<Duration>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandAck {
    /// The command.
    pub command: CommandId,
    /// What became of it.
    pub outcome: CommandOutcome,
}

/// What an agent did with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandOutcome {
    /// It is on the agent's disk and will be done.
    Accepted,
    /// It had been accepted before.
    Duplicate,
    /// It will not be done.
    Refused {
        /// Why, in a word such as `queue_full`.
        reason: ReportedText<200>,
    },
    /// Its time was over before it could be stored.
    Expired,
}
