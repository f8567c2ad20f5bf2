//! [`Outcome`]: how a command of restic ended, and [`Facts`], what it brought.

use domain::ResticRepositoryId;
use domain::job::{BackupSummary, FailureCause, FailureCode, Problems, ResultCode};

use crate::{Lock, LockId, LockOwner, Stats};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did all it was asked to.
    Ok(Facts),
    /// Its effect is there, but not for all that was asked.
    Issues {
        /// What it brought.
        facts: Facts,
        /// What is missing; never empty.
        problems: Problems,
    },
    /// It failed.
    Failed {
        /// Why, with restic's own words.
        cause: FailureCause,
        /// Who holds the lock, when that is why and restic said so.
        lock: Option<LockOwner>,
    },
    /// We stopped it because somebody asked.
    Cancelled,
    /// We stopped it at its deadline, and nothing says what it was waiting for.
    TimedOut,
    /// It was stopped by somebody else: a signal, a reboot. A lock of it may have stayed.
    Interrupted,
}

/// What a command brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// A snapshot.
    Backup {
        /// The numbers.
        summary: BackupSummary,
        /// The snapshot's id as restic printed it: the first eight digits in 0.14, where `summary.snapshot` is `None`
        /// and a listing must complete it.
        snapshot_id: String,
    },
    /// A repository.
    Init {
        /// What it is; `None` when restic did not say (0.14, or `adopted`): read its config.
        repository: Option<ResticRepositoryId>,
        /// It was there before. Whether it opens with the password is not known yet.
        adopted: bool,
    },
    /// A repository that opens with the password.
    CatConfig {
        /// What it is.
        repository: ResticRepositoryId,
    },
    /// A listing; read it with [`read_snapshots`](crate::read_snapshots), which says whether it is whole.
    Snapshots,
    /// The locks in the repository.
    ListLocks {
        /// Their ids, at most about a thousand.
        ids: Vec<LockId>,
    },
    /// One lock.
    CatLock {
        /// What it says.
        lock: Lock,
    },
    /// Stale locks are gone. How many there were, not every version says: list them before and after.
    Unlock,
    /// Numbers.
    Stats {
        /// Which.
        stats: Stats,
    },
}

impl Outcome {
    /// The code of a job that ended so.
    pub fn result_code(&self) -> ResultCode {
        match self {
            Self::Ok(_) => ResultCode::Ok,
            Self::Issues { .. } => ResultCode::Issues,
            Self::Failed { cause, .. } => ResultCode::Failed(cause.code),
            Self::Cancelled => ResultCode::Cancelled,
            Self::TimedOut => ResultCode::TimedOut,
            Self::Interrupted => ResultCode::Interrupted,
        }
    }

    pub(crate) fn failed(code: FailureCode, exit_code: Option<i32>, message: &str) -> Self {
        Self::Failed {
            cause: FailureCause {
                code,
                exit_code,
                message: message.into(),
            },
            lock: None,
        }
    }
}
