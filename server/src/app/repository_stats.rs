//! How large repositories are and which locks they hold. Jobs find it out; what one does not say stays as it was.

use domain::Timestamp;
use domain::id::RepositoryId;
use domain::job::{Job, Summary};
use domain::repository::{RepositoryStats, RepositoryStatsView};

use super::repositories::known;
use super::{App, Caller, Error};
use crate::store::Tx;

impl App {
    /// Shows the numbers of a repository, as far as they are known. Errors: `repository_not_found`.
    pub async fn get_repository_stats(&self, _: &Caller, id: RepositoryId) -> Result<RepositoryStatsView, Error> {
        let tx = self.0.store.read().await?;
        let repository = known(&tx, id).await?;
        Ok(tx.repository_stats(repository.id).await?.unwrap_or_else(|| nothing(id)))
    }
}

/// Keeps what a job that has ended well found out about its repository, as long as its host uses that repository.
pub(super) async fn keep_stats(tx: &Tx, job: &Job, now: Timestamp) -> Result<(), Error> {
    let newer = match job.state.summary() {
        Some(Summary::Stats(stats)) => stats.clone(),
        Some(Summary::Unlock(unlock)) => RepositoryStats {
            locks: Some(unlock.left.clone()),
            ..RepositoryStats::default()
        },
        Some(Summary::Backup(_) | Summary::Init { .. } | Summary::Probe { .. } | Summary::Snapshots) | None => {
            return Ok(());
        }
    };
    let binding = tx.host_repository(job.host_id).await?;
    if binding.is_none_or(|binding| binding.repository_id != job.repository_id) {
        return Ok(());
    }
    let known = tx.repository_stats(job.repository_id).await?;
    let known = known.unwrap_or_else(|| nothing(job.repository_id));
    let view = RepositoryStatsView {
        repository: job.repository_id,
        sizes_at: if newer.has_sizes() { Some(now) } else { known.sizes_at },
        locks_at: if newer.locks.is_some() {
            Some(now)
        } else {
            known.locks_at
        },
        stats: known.stats.updated_by(newer),
    };
    tx.put_repository_stats(&view).await?;
    Ok(())
}

fn nothing(repository: RepositoryId) -> RepositoryStatsView {
    RepositoryStatsView {
        repository,
        stats: RepositoryStats::default(),
        sizes_at: None,
        locks_at: None,
    }
}
