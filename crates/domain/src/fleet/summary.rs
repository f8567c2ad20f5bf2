//! [`FleetSummary`]: the fleet in numbers.

use crate::Timestamp;

/// The fleet in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FleetSummary {
    /// All hosts.
    pub hosts: u64,
    /// Hosts that never connected.
    pub pending: u64,
    /// Hosts whose agent is there.
    pub online: u64,
    /// Hosts whose agent is silent.
    pub offline: u64,
    /// Hosts whose last backups have succeeded.
    pub ok: u64,
    /// Hosts with something to look at.
    pub warning: u64,
    /// Hosts whose backups fail or cannot be made.
    pub failing: u64,
    /// Hosts without an ended backup, those that never connected included.
    pub waiting: u64,
    /// Jobs that run.
    pub running_jobs: u64,
    /// When the last backup of any host ended.
    pub last_backup_at: Option<Timestamp>,
    /// Snapshots of all hosts, as last listed.
    pub snapshot_count: u64,
    /// Hosts whose identity two machines have used.
    pub quarantined: u64,
    /// Hosts whose certificates are void.
    pub revoked: u64,
    /// Hosts whose health says that they never connected; part of `waiting`.
    pub health_pending: u64,
    /// Hosts whose health says that they are silent and should be on.
    pub health_offline: u64,
    /// Hosts whose health says that they are silent and may be off.
    pub health_asleep: u64,
}
