//! The numbers and locks of a repository.

use domain::ByteSize;
use domain::id::RepositoryId;
use domain::repository::{RepositoryLock, RepositoryStats, RepositoryStatsView};

use super::{Invalid, required, to_timestamp};
use crate::v1;

impl TryFrom<v1::GetRepositoryStatsRequest> for RepositoryId {
    type Error = Invalid;

    fn try_from(message: v1::GetRepositoryStatsRequest) -> Result<Self, Invalid> {
        let v1::GetRepositoryStatsRequest { id } = message;
        required("id", &id)
    }
}

impl From<RepositoryStatsView> for v1::RepositoryStats {
    fn from(view: RepositoryStatsView) -> Self {
        let RepositoryStatsView {
            repository,
            stats,
            sizes_at,
            locks_at,
        } = view;
        let (compression_ratio, dedup_ratio) = (stats.compression_ratio(), stats.deduplication_ratio());
        let RepositoryStats {
            raw_size,
            uncompressed_size,
            restore_size,
            snapshot_count,
            locks,
        } = stats;
        Self {
            repository_id: repository.to_string(),
            raw_size: raw_size.map(ByteSize::as_bytes),
            uncompressed_size: uncompressed_size.map(ByteSize::as_bytes),
            restore_size: restore_size.map(ByteSize::as_bytes),
            compression_ratio,
            dedup_ratio,
            snapshot_count,
            sizes_at: sizes_at.map(to_timestamp),
            locks: locks.unwrap_or_default().into_iter().map(Into::into).collect(),
            locks_at: locks_at.map(to_timestamp),
        }
    }
}

impl From<RepositoryLock> for v1::RepositoryLock {
    fn from(lock: RepositoryLock) -> Self {
        let RepositoryLock {
            id,
            exclusive,
            hostname,
            username,
            pid,
            since,
        } = lock;
        Self {
            id: id.to_string(),
            exclusive,
            hostname: hostname.to_string(),
            username: username.to_string(),
            pid,
            since: Some(to_timestamp(since)),
        }
    }
}
