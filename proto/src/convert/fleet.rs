//! The fleet in numbers.

use domain::fleet::FleetSummary;

use super::to_timestamp;
use crate::v1;

impl From<FleetSummary> for v1::FleetSummary {
    fn from(summary: FleetSummary) -> Self {
        let FleetSummary {
            hosts,
            pending,
            online,
            offline,
            ok,
            warning,
            failing,
            waiting,
            running_jobs,
            last_backup_at,
            snapshot_count,
            quarantined,
            revoked,
        } = summary;
        Self {
            hosts,
            pending,
            online,
            offline,
            ok,
            warning,
            failing,
            waiting,
            running_jobs,
            last_backup_at: last_backup_at.map(to_timestamp),
            snapshot_count,
            quarantined,
            revoked,
        }
    }
}
