//! [`HostView`]: everything that is shown of a host.

use crate::Timestamp;
use crate::health::{Cause, Health};
use crate::host::{HostStatus, Inventory};
use crate::id::{HostId, JobId, RepositoryId};
use crate::job::ResultCode;
use crate::name::{Hostname, Tags};
use crate::repository::RepoStatus;

use super::RecentRuns;

/// A machine we protect, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostView {
    /// Its id.
    pub id: HostId,
    /// Its name here.
    pub hostname: Hostname,
    /// The name that restic records in its snapshots; fixed at enrollment.
    pub restic_host: Hostname,
    /// What the machine said of itself, at enrollment and then with each session.
    pub inventory: Inventory,
    /// Agent protocol of the last session; `None` before the first.
    pub protocol_version: Option<u32>,
    /// Whether its agent is there.
    pub status: HostStatus,
    /// Since when.
    pub status_since: Timestamp,
    /// When its agent was last heard; `None` before the first session.
    pub last_seen_at: Option<Timestamp>,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When the certificate of its agent ends, unless it is renewed before; `None` when it has none that is good.
    pub certificate_ends_at: Option<Timestamp>,
    /// Its labels.
    pub tags: Tags,
    /// Its repository; `None` when it has none.
    pub repository_id: Option<RepositoryId>,
    /// How the repository is.
    pub repo_status: RepoStatus,
    /// Snapshots of this host, as last listed.
    pub snapshot_count: u64,
    /// How the last backup ended; `None` before the first.
    pub last_backup: Option<LastEndedBackup>,
    /// When the last backup ended that left a snapshot, with or without issues; `None` when none of those that are kept did.
    pub last_success_at: Option<Timestamp>,
    /// How the last backups ended.
    pub recent_runs: RecentRuns,
    /// The job that runs now.
    pub running_job_id: Option<JobId>,
    /// Counts every change of what the agent should hold.
    pub desired_version: u64,
    /// The version that the agent has confirmed.
    pub applied_version: u64,
    /// False for a machine that sleeps.
    pub is_always_on: bool,
    /// The verdict on its backups.
    pub health: Health,
    /// The reason in one sentence; empty when there is none.
    pub health_reason: String,
    /// The reason in one word; `None` when there is none.
    pub health_cause: Option<Cause>,
    /// Since when it is so, as far as that is known.
    pub health_since: Option<Timestamp>,
    /// Upload limit of restic in KiB per second; 0: none.
    pub limit_upload_kib_per_s: u32,
    /// Download limit of restic in KiB per second; 0: none.
    pub limit_download_kib_per_s: u32,
    /// Counts changes by people.
    pub version: u64,
}

/// The backup of a host that ended last, good or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastEndedBackup {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub code: ResultCode,
}
