//! What people ask of jobs.

use super::{JobKind, Mode, Status};
use crate::Timestamp;
use crate::id::{HostId, JobId, SourceGroupId};
use crate::page::PageQuery;
use crate::path::BackupPaths;

/// Starts a job on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunJob {
    /// Where.
    pub host: HostId,
    /// What.
    pub work: Work,
    /// Whether it may wait for a host that is offline.
    pub queue_if_offline: bool,
}

/// What a job is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Saves paths or source groups.
    Backup(Sources),
    /// Makes the repository, or adopts it.
    Init,
    /// Looks whether the repository opens.
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

/// Makes a host's repository anew at a location that is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reinit {
    /// Which host makes it.
    pub host: HostId,
    /// The host's name, typed to confirm.
    pub confirmation: String,
}

/// What a backup saves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// These paths.
    Paths(BackupPaths),
    /// These source groups of the host, one job each, in this order. Distinct; never empty.
    Groups(Vec<SourceGroupId>),
    /// The host's only source group.
    OnlyGroup,
}

/// Which jobs are wanted: filters, combined with "and", and a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobQuery {
    /// Only jobs of this host.
    pub host: Option<HostId>,
    /// Only this kind.
    pub kind: Option<JobKind>,
    /// Only this status.
    pub status: Option<Status>,
    /// Not recorded before this time.
    pub from: Option<Timestamp>,
    /// Recorded before this time.
    pub to: Option<Timestamp>,
    /// Which page.
    pub page: PageQuery,
}

/// Which part of a job's log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// Whose log.
    pub job: JobId,
    /// First line wanted, from 1.
    pub from: u64,
    /// How many lines at most, from 1 to [`Self::MAX_LINES`].
    pub limit: u32,
}

impl Work {
    /// The kind of job that does it.
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Backup(_) => JobKind::Backup,
            Self::Init => JobKind::Init,
            Self::Probe => JobKind::Probe,
            Self::Snapshots => JobKind::Snapshots,
            Self::Unlock { .. } => JobKind::Unlock,
            Self::Stats => JobKind::Stats,
        }
    }

    /// What sets the job apart from the usual one of its kind.
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Unlock { all: true } => Mode::All,
            Self::Unlock { all: false }
            | Self::Backup(_)
            | Self::Init
            | Self::Probe
            | Self::Snapshots
            | Self::Stats => Mode::Usual,
        }
    }
}

impl LogQuery {
    /// How many lines a page holds unless it is asked for otherwise.
    pub const DEFAULT_LINES: u32 = 1_000;
    /// The most lines that a page can hold.
    pub const MAX_LINES: u32 = 5_000;
}
