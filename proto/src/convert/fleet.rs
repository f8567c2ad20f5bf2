//! The fleet in numbers.

use domain::fleet::{Attention, AttentionList, FleetSummary, HostName};

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
            health_pending,
            health_offline,
            health_asleep,
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
            health_pending,
            health_offline,
            health_asleep,
        }
    }
}

impl From<AttentionList> for v1::ListAttentionResponse {
    fn from(list: AttentionList) -> Self {
        let AttentionList { lines, host_count } = list;
        Self {
            lines: lines.into_iter().map(Into::into).collect(),
            host_count,
        }
    }
}

impl From<Attention> for v1::Attention {
    fn from(line: Attention) -> Self {
        let Attention {
            health,
            cause,
            reason,
            since,
            host_count,
            hosts,
            repository,
        } = line;
        Self {
            health: v1::Health::from(health).into(),
            cause: cause.word().to_owned(),
            result_code: cause.result_code().map(|code| code.to_string()).unwrap_or_default(),
            reason,
            host_count,
            hosts: hosts.into_iter().map(Into::into).collect(),
            repository_id: repository.as_ref().map(|repository| repository.id.to_string()),
            repository_name: repository
                .map(|repository| repository.name.to_string())
                .unwrap_or_default(),
            since: since.map(to_timestamp),
        }
    }
}

impl From<HostName> for v1::AttentionHost {
    fn from(host: HostName) -> Self {
        let HostName { id, hostname } = host;
        Self {
            id: id.to_string(),
            hostname: hostname.to_string(),
        }
    }
}
