//! [`Summary`]: the final numbers of a job, and [`Problems`], what it could not read.

use std::time::Duration;

use crate::ByteSize;
use crate::reported::ReportedText;
use crate::repository::{RepositoryLock, RepositoryStats};
use crate::restic_id::{ResticRepositoryId, SnapshotId};

/// The final numbers of a job that ended well, one shape per kind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Summary {
    /// Of a backup.
    Backup(BackupSummary),
    /// Of an init, whether it made the repository or adopted the one that was there.
    Init {
        /// The repository that is there now.
        repository: ResticRepositoryId,
    },
    /// Of a probe that could open the repository.
    Probe {
        /// The repository that was found.
        repository: ResticRepositoryId,
    },
    /// Of a listing; its result is the list itself.
    Snapshots,
    /// Of an unlock.
    Unlock(UnlockSummary),
    /// Of a look at the repository's size.
    Stats(RepositoryStats),
}

/// What an unlock did. At most the first twenty locks are named.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnlockSummary {
    /// The locks that are gone.
    pub removed: Vec<RepositoryLock>,
    /// The locks that stayed: their owners may be at work.
    pub left: Vec<RepositoryLock>,
}

/// What a backup did. Source: restic's `summary` line; fields that the restic version does not report are zero or `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackupSummary {
    /// The snapshot that was made; `None` when restic gave only a shortened id (0.14) and no listing could complete it.
    pub snapshot: Option<SnapshotId>,
    /// Files that the parent snapshot did not have.
    pub files_new: u64,
    /// Files that differ from the parent snapshot.
    pub files_changed: u64,
    /// Files as in the parent snapshot.
    pub files_unmodified: u64,
    /// Directories that the parent snapshot did not have.
    pub dirs_new: u64,
    /// Directories that differ from the parent snapshot.
    pub dirs_changed: u64,
    /// Directories as in the parent snapshot.
    pub dirs_unmodified: u64,
    /// Files that were looked at: those of the snapshot.
    pub files_processed: u64,
    /// Bytes of the files that were looked at: the size of the snapshot.
    pub bytes_processed: ByteSize,
    /// Bytes that were new to the repository, before compression.
    pub bytes_added: ByteSize,
    /// The same after compression, as stored; `None` before restic 0.17.
    pub bytes_packed: Option<ByteSize>,
    /// How long restic worked.
    pub duration: Duration,
}

impl Summary {
    /// The snapshot that the job made.
    pub const fn snapshot(&self) -> Option<SnapshotId> {
        match self {
            Self::Backup(backup) => backup.snapshot,
            Self::Init { .. } | Self::Probe { .. } | Self::Snapshots | Self::Unlock(_) | Self::Stats(_) => None,
        }
    }

    /// The repository that the job saw.
    pub const fn repository(&self) -> Option<ResticRepositoryId> {
        match self {
            Self::Init { repository } | Self::Probe { repository } => Some(*repository),
            Self::Backup(_) | Self::Snapshots | Self::Unlock(_) | Self::Stats(_) => None,
        }
    }
}

/// Items that a job could not handle: how many, and the first of them in the order they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problems {
    count: u64,
    first: Vec<Problem>,
}

/// One item that a job could not handle.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// The path; empty when it is about no single one. Names that are not UTF-8 arrive changed.
    pub item: ReportedText<1000>,
    /// What restic or the agent said about it.
    pub message: ReportedText<1000>,
}

impl Problems {
    /// How many problems are kept in full.
    pub const KEPT: usize = 100;

    /// Takes what was counted and kept elsewhere. The count is at least the number kept.
    pub fn new(count: u64, mut first: Vec<Problem>) -> Self {
        first.truncate(Self::KEPT);
        let kept = u64::try_from(first.len()).unwrap_or(u64::MAX);
        Self {
            count: count.max(kept),
            first,
        }
    }

    /// Counts one more, and keeps it if there is room.
    pub fn push(&mut self, problem: Problem) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < Self::KEPT {
            self.first.push(problem);
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first ones, at most [`Self::KEPT`].
    pub fn first(&self) -> &[Problem] {
        &self.first
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
