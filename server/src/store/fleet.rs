//! The fleet in numbers.

use domain::fleet::FleetSummary;
use domain::health::Health;
use domain::host::HostStatus;
use domain::job::{Phase, Status};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _};

use super::entity::{host, job};
use super::hosts::TABLE;
use super::row::Row;
use super::{Error, ReadTx};

impl ReadTx {
    /// Counts hosts by status and health, and sums up what they have.
    pub async fn fleet_summary(&self) -> Result<FleetSummary, Error> {
        let mut summary = FleetSummary {
            hosts: host::Entity::find().count(&self.on).await.map_err(Error::at(TABLE))?,
            running_jobs: self.running_job_count().await?,
            ..FleetSummary::default()
        };
        for (status, count) in self.host_counts(host::Column::Status).await? {
            match Row::new(TABLE, &"of the fleet").word("status", &status)? {
                HostStatus::Pending => summary.pending += count,
                HostStatus::Online => summary.online += count,
                HostStatus::Offline => summary.offline += count,
                HostStatus::Quarantined => summary.quarantined += count,
                HostStatus::Revoked => summary.revoked += count,
            }
        }
        for (health, count) in self.host_counts(host::Column::Health).await? {
            match Row::new(TABLE, &"of the fleet").word("health", &health)? {
                Health::Ok => summary.ok += count,
                Health::Warning => summary.warning += count,
                Health::Failing => summary.failing += count,
                Health::Waiting => summary.waiting += count,
                Health::Pending => {
                    summary.waiting += count;
                    summary.health_pending += count;
                }
                Health::Offline => summary.health_offline += count,
                Health::Asleep => summary.health_asleep += count,
            }
        }
        let (last_backup_at, snapshots) = self.host_totals().await?;
        let row = Row::new(TABLE, &"of the fleet");
        summary.last_backup_at = row.time_or_none("last_backup_at", last_backup_at)?;
        summary.snapshot_count = row.count("snapshot_count", snapshots.unwrap_or(0))?;
        Ok(summary)
    }

    async fn host_counts(&self, by: host::Column) -> Result<Vec<(String, u64)>, Error> {
        let rows: Vec<(String, i64)> = host::Entity::find()
            .select_only()
            .column(by)
            .column_as(host::Column::Id.count(), "count")
            .group_by(by)
            .into_tuple()
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let row = Row::new(TABLE, &"of the fleet");
        rows.into_iter()
            .map(|(word, count)| Ok((word, row.count("count", count)?)))
            .collect()
    }

    async fn host_totals(&self) -> Result<(Option<i64>, Option<i64>), Error> {
        // PostgreSQL sums BIGINT to NUMERIC.
        let snapshots = Expr::col(host::Column::SnapshotCount).sum().cast_as("bigint");
        let totals = host::Entity::find()
            .select_only()
            .column_as(host::Column::LastBackupAt.max(), "last_backup_at")
            .column_as(snapshots, "snapshots")
            .into_tuple()
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(totals.unwrap_or_default())
    }

    async fn running_job_count(&self) -> Result<u64, Error> {
        job::Entity::find()
            .filter(job::Column::Phase.is_in(Status::Running.phases().map(Phase::as_str)))
            .count(&self.on)
            .await
            .map_err(Error::at("jobs"))
    }
}
