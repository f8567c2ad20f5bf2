//! What is known of a host from other rows: how its last backups ended, snapshot count, running job, health and its cause.
//!
//! **Invariant:** these columns are computed from their sources, whole, in the transaction that changes a source, and are
//! never incremented. Every writer of a source calls [`Tx::recompute`]; nobody else writes them.

use std::time::Duration;

use domain::Timestamp;
use domain::fleet::{LastEndedBackup, RecentRuns};
use domain::health::{Health, HostFacts, LastBackup, judge};
use domain::host::{Inventory, Silence};
use domain::id::HostId;
use domain::job::{JobKind, Phase, ResultCode, Status};
use domain::name::SourceGroupName;
use domain::repository::RepoStatus;
use sea_orm::sea_query::{Expr, ExprTrait as _, NullOrdering};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, Order, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};
use uuid::Uuid;

use super::entity::{host, host_repository, job};
use super::hosts::TABLE;
use super::row::{Row, must_exist};
use super::{Error, Store, Tx};

const JOBS: &str = "jobs";

/// Hosts whose projections are completed in one transaction.
const BATCH: u64 = 500;

impl Store {
    /// Computes the projections of hosts that were computed last before a migration added some of them.
    pub(super) async fn complete_projections(&self) -> Result<(), Error> {
        loop {
            let tx = self.begin().await?;
            let incomplete = tx.incomplete_hosts().await?;
            if incomplete.is_empty() {
                return Ok(());
            }
            for host in incomplete {
                tx.recompute(host).await?;
            }
            tx.commit().await?;
        }
    }
}

impl Tx {
    /// Computes the projections of a host anew.
    pub(super) async fn recompute(&self, id: HostId) -> Result<(), Error> {
        // Two transactions that changed different jobs of the host compute one after the other, each seeing what was
        // committed before.
        let locked = host::Entity::find_by_id(id.as_uuid())
            .lock_exclusive()
            .one(&self.on)
            .await;
        let Some(host) = locked.map_err(Error::at(TABLE))? else {
            return Err(Error::Missing {
                table: TABLE,
                row: id.to_string(),
            });
        };
        let binding = host_repository::Entity::find()
            .filter(host_repository::Column::HostId.eq(host.id))
            .filter(host_repository::Column::IsDefault.eq(true))
            .one(&self.on)
            .await
            .map_err(Error::at("host_repositories"))?;
        let recent = self.recent_backups(id).await?;
        let last_success = self.last_success(id, &recent).await?;
        let running = self.first(running_jobs(id)).await?;
        let verdict = judge(&self.facts(&host, binding.as_ref()).await?);
        let row = host::ActiveModel {
            last_backup_at: Set(recent.first().map(|backup| backup.at.as_micros())),
            last_backup_code: Set(recent.first().map(|backup| backup.code.to_string())),
            recent_runs: Set(RecentRuns::of(recent.iter().rev().map(|backup| backup.code.into())).to_string()),
            last_success_at: Set(last_success.map(Timestamp::as_micros)),
            snapshot_count: Set(binding.map_or(0, |binding| binding.snapshot_count)),
            running_job_id: Set(running.map(|job| job.id)),
            health: Set(verdict.health.as_str().to_owned()),
            urgency: Set(verdict.health.urgency().into()),
            health_cause: Set(verdict.cause().map(|cause| cause.to_string()).unwrap_or_default()),
            health_since: Set(verdict.since.map(Timestamp::as_micros)),
            health_reason: Set(verdict.reason().unwrap_or_default()),
            ..host::ActiveModel::default()
        };
        let done = host::Entity::update_many()
            .set(row)
            .filter(host::Column::Id.eq(id.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }

    /// Hosts that are not well and do not say why, or that have backups and no list of them: every computed host has both.
    async fn incomplete_hosts(&self) -> Result<Vec<HostId>, Error> {
        let says_not_why = host::Column::HealthCause
            .eq("")
            .and(host::Column::Health.ne(Health::Ok.as_str()));
        let lists_no_runs = host::Column::RecentRuns
            .eq("")
            .and(host::Column::LastBackupAt.is_not_null());
        let ids: Vec<Uuid> = host::Entity::find()
            .select_only()
            .column(host::Column::Id)
            .filter(says_not_why.or(lists_no_runs))
            .limit(BATCH)
            .into_tuple()
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(ids.into_iter().map(HostId::from_uuid).collect())
    }

    async fn facts(&self, host: &host::Model, binding: Option<&host_repository::Model>) -> Result<HostFacts, Error> {
        let row = Row::new(TABLE, &host.id);
        let since = row.time("status_since", host.status_since)?;
        let last_seen = row.time_or_none("last_seen_at", host.last_seen_at)?;
        let inventory: Inventory = row.document("inventory", &host.inventory)?;
        let skew: Option<u64> = row.count_or_none("clock_skew_micros", host.clock_skew_micros)?;
        Ok(HostFacts {
            status: row.word("status", &host.status)?,
            status_since: since,
            // As it was when the host fell silent: it became offline with the first moment beyond the limit.
            silence: last_seen.map(|heard| Silence {
                since: heard,
                lasting: since.since(heard),
                limit: since.since(heard),
            }),
            is_always_on: host.always_on,
            has_restic: last_seen.map(|_| inventory.restic_version.is_some()),
            repository: binding.map_or(Ok(RepoStatus::Unset), host_repository::status)?,
            last_backups: self.last_backups(HostId::from_uuid(host.id)).await?,
            clock_skew: skew.map(Duration::from_micros),
        })
    }

    /// How the last ended backup of each source group ended, and the last one of paths given by hand. One that somebody
    /// cancelled says nothing, so the one before it counts.
    async fn last_backups(&self, host: HostId) -> Result<Vec<LastBackup>, Error> {
        let mut last = Vec::new();
        for group in self.source_groups(host).await? {
            let of_group = telling_backups(host).filter(job::Column::SourceGroupId.eq(group.id.as_uuid()));
            last.extend(self.last_backup(of_group, Some(group.name)).await?);
        }
        let by_hand = telling_backups(host).filter(job::Column::SourceGroupId.is_null());
        last.extend(self.last_backup(by_hand, None).await?);
        Ok(last)
    }

    async fn last_backup(
        &self,
        ended: Select<job::Entity>,
        group: Option<SourceGroupName>,
    ) -> Result<Option<LastBackup>, Error> {
        let last = self.first(ended).await?;
        let Some(LastEndedBackup { at, code }) = last.as_ref().map(ended_backup).transpose()? else {
            return Ok(None);
        };
        Ok(Some(LastBackup { group, code, at }))
    }

    /// The backups that ended last, the last one first, as many as are shown at a glance.
    async fn recent_backups(&self, host: HostId) -> Result<Vec<LastEndedBackup>, Error> {
        let jobs = ended_backups(host)
            .limit(RecentRuns::MOST as u64)
            .all(&self.on)
            .await
            .map_err(Error::at(JOBS))?;
        jobs.iter().map(ended_backup).collect()
    }

    /// When the last backup ended that left a snapshot.
    async fn last_success(&self, host: HostId, recent: &[LastEndedBackup]) -> Result<Option<Timestamp>, Error> {
        let found = recent.iter().find(|backup| backup.code.status() == Status::Succeeded);
        if found.is_some() || recent.len() < RecentRuns::MOST {
            return Ok(found.map(|backup| backup.at));
        }
        let older = self.first(ended_backups(host).filter(left_a_snapshot())).await?;
        older.map(|job| ended_backup(&job).map(|backup| backup.at)).transpose()
    }

    async fn first(&self, jobs: Select<job::Entity>) -> Result<Option<job::Model>, Error> {
        jobs.limit(1).one(&self.on).await.map_err(Error::at(JOBS))
    }
}

/// The backups of a host that have ended, the last one first.
fn ended_backups(host: HostId) -> Select<job::Entity> {
    job::Entity::find()
        .filter(job::Column::HostId.eq(host.as_uuid()))
        .filter(job::Column::Kind.eq(JobKind::Backup.as_str()))
        .filter(job::Column::FinishedAt.is_not_null())
        .order_by_desc(job::Column::FinishedAt)
        .order_by_desc(job::Column::Id)
}

/// Those of them that say something about the host.
fn telling_backups(host: HostId) -> Select<job::Entity> {
    ended_backups(host).filter(job::Column::Phase.ne(Phase::Cancelled.as_str()))
}

fn left_a_snapshot() -> Expr {
    job::Column::ResultCode.is_in([ResultCode::Ok, ResultCode::Issues].map(|code| code.to_string()))
}

/// When and how a backup ended that has ended.
fn ended_backup(job: &job::Model) -> Result<LastEndedBackup, Error> {
    let row = Row::new(JOBS, &job.id);
    Ok(LastEndedBackup {
        at: row.time("finished_at", job.finished_at.unwrap_or_default())?,
        code: row.word("result_code", job.result_code.as_deref().unwrap_or_default())?,
    })
}

/// The jobs of a host that run, the one that has run longest first.
fn running_jobs(host: HostId) -> Select<job::Entity> {
    job::Entity::find()
        .filter(job::Column::HostId.eq(host.as_uuid()))
        .filter(job::Column::Phase.is_in(Status::Running.phases().map(Phase::as_str)))
        .order_by_with_nulls(job::Column::StartedAt, Order::Asc, NullOrdering::Last)
        .order_by_asc(job::Column::Id)
}
