//! What goes in time: ended jobs, their logs, and the beginning of the audit log.
//!
//! Each call removes at most as much as it is asked to, so that no transaction holds others up for long; it is repeated
//! until nothing is left to do.
//!
//! When a job ended is the host's word, and its clock may show anything: what was ordered lately is not old.
//!
//! **Invariant:** of each host, kind and source group the job that ended last stays. What a host's health and last backup
//! say rests on it, and whether a repository was ever made.

use std::collections::BTreeSet;

use domain::Timestamp;
use domain::audit::{ChainHash, first_broken};
use domain::id::{HostId, JobId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Statement, Value,
};
use uuid::Uuid;

use super::audit::AuditLine;
use super::entity::{audit_anchor, audit_entry, job, job_log_chunk};
use super::jobs::TABLE as JOBS;
use super::row::{Row, number};
use super::{Error, ReadTx, Tx};

const AUDIT: &str = "audit_log";
const ANCHOR: &str = "audit_anchor";
/// The id of the one row of `audit_anchor`.
const ANCHOR_ID: i64 = 1;

/// Ended, and not the last of its sort on its host: the same order in which the last one is found.
const REMOVABLE: &str = "jobs.finished_at IS NOT NULL AND EXISTS (SELECT 1 FROM jobs AS newer \
     WHERE newer.host_id = jobs.host_id AND newer.kind = jobs.kind \
     AND newer.source_group_id IS NOT DISTINCT FROM jobs.source_group_id \
     AND (newer.finished_at > jobs.finished_at OR (newer.finished_at = jobs.finished_at AND newer.id > jobs.id)))";

/// The end of the audit log that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCut {
    /// The last line that is gone.
    pub through: u64,
    /// Its hash: what stands before the first line that is left.
    pub hash: ChainHash,
    /// How many lines went.
    pub lines: u64,
}

impl ReadTx {
    /// Lists the hosts that have more than so many jobs.
    pub async fn hosts_with_more_jobs(&self, than: u64) -> Result<Vec<HostId>, Error> {
        let sql = "SELECT host_id FROM jobs GROUP BY host_id HAVING count(*) > $1 ORDER BY host_id";
        self.hosts_by(sql, number(JOBS, "id", than)?).await
    }

    /// Lists the hosts whose jobs have more log than so many bytes of text.
    pub async fn hosts_with_more_log(&self, than: u64) -> Result<Vec<HostId>, Error> {
        let sql = "SELECT host_id FROM jobs GROUP BY host_id HAVING sum(log_bytes) > $1 ORDER BY host_id";
        self.hosts_by(sql, number(JOBS, "log_bytes", than)?).await
    }

    /// How many bytes of log text are kept of a host.
    pub async fn log_bytes_of(&self, host: HostId) -> Result<u64, Error> {
        let sql = "SELECT CAST(coalesce(sum(log_bytes), 0) AS BIGINT) FROM jobs WHERE host_id = $1";
        self.sum(sql, host).await
    }

    /// What stands before the first line of the audit log that is left; `None` while nothing was cut.
    pub async fn audit_anchor(&self) -> Result<Option<(u64, ChainHash)>, Error> {
        let found = audit_anchor::Entity::find_by_id(ANCHOR_ID)
            .one(&self.on)
            .await
            .map_err(Error::at(ANCHOR))?;
        let read = |model: audit_anchor::Model| {
            let row = Row::new(ANCHOR, &model.id);
            let hash = ChainHash::from_bytes(row.hash("hash", model.hash)?);
            Ok((row.count("through_id", model.through_id)?, hash))
        };
        found.map(read).transpose()
    }

    async fn hosts_by(&self, sql: &str, limit: i64) -> Result<Vec<HostId>, Error> {
        let found = self.ids(sql, vec![limit.into()]).await?;
        Ok(found.into_iter().map(|[id]| HostId::from_uuid(id)).collect())
    }

    async fn sum(&self, sql: &str, host: HostId) -> Result<u64, Error> {
        let statement =
            Statement::from_sql_and_values(self.on.get_database_backend(), sql, [Value::from(host.as_uuid())]);
        let row = self.on.query_one_raw(statement).await.map_err(Error::at(JOBS))?;
        let sum: i64 = row
            .map_or(Ok(0), |row| row.try_get_by_index(0))
            .map_err(Error::at(JOBS))?;
        Row::new(JOBS, &host).count("log_bytes", sum)
    }

    /// Rows of ids.
    async fn ids<const COLUMNS: usize>(&self, sql: &str, values: Vec<Value>) -> Result<Vec<[Uuid; COLUMNS]>, Error> {
        let statement = Statement::from_sql_and_values(self.on.get_database_backend(), sql, values);
        let rows = self.on.query_all_raw(statement).await.map_err(Error::at(JOBS))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let mut ids = [Uuid::nil(); COLUMNS];
            for (index, id) in ids.iter_mut().enumerate() {
                *id = row.try_get_by_index(index).map_err(Error::at(JOBS))?;
            }
            found.push(ids);
        }
        Ok(found)
    }
}

impl Tx {
    /// Removes jobs that ended before `limit`, the oldest first, with their logs and commands; at most `batch`. How many
    /// there were.
    pub async fn remove_jobs_ended_before(&self, limit: Timestamp, batch: u32) -> Result<u64, Error> {
        let sql = format!(
            "SELECT id, host_id FROM jobs WHERE jobs.finished_at < $1 AND jobs.created_at < $1 AND {REMOVABLE} ORDER BY finished_at, id LIMIT $2"
        );
        let values = vec![limit.as_micros().into(), i64::from(batch).into()];
        self.remove_jobs(&sql, values).await
    }

    /// Removes the jobs of a host that ended first, as [`Self::remove_jobs_ended_before`] does, while it has more than
    /// `keep`; at most `batch`.
    pub async fn remove_oldest_jobs(&self, host: HostId, keep: u64, batch: u32) -> Result<u64, Error> {
        let count = job::Entity::find()
            .filter(job::Column::HostId.eq(host.as_uuid()))
            .count(&self.on)
            .await
            .map_err(Error::at(JOBS))?;
        let surplus = number(JOBS, "id", count.saturating_sub(keep))?.min(batch.into());
        let sql = format!(
            "SELECT id, host_id FROM jobs WHERE jobs.host_id = $1 AND {REMOVABLE} ORDER BY finished_at, id LIMIT $2"
        );
        let values = vec![host.as_uuid().into(), surplus.into()];
        self.remove_jobs(&sql, values).await
    }

    /// Removes the logs of jobs that ended before `limit`, the oldest first; at most `batch`. The jobs stay and say that
    /// they have none any more. How many there were.
    pub async fn remove_logs_ended_before(&self, limit: Timestamp, batch: u64, now: Timestamp) -> Result<u64, Error> {
        let old = job::Entity::find()
            .filter(job::Column::FinishedAt.lt(limit.as_micros()))
            .filter(job::Column::CreatedAt.lt(limit.as_micros()))
            .filter(job::Column::LogLines.gt(0))
            .filter(job::Column::LogRemovedAt.is_null())
            .order_by_asc(job::Column::FinishedAt)
            .order_by_asc(job::Column::Id)
            .limit(batch)
            .all(&self.on)
            .await
            .map_err(Error::at(JOBS))?;
        let jobs: Vec<JobId> = old.into_iter().map(|job| JobId::from_uuid(job.id)).collect();
        self.remove_logs(&jobs, now).await
    }

    /// Removes the logs of a host's jobs that ended first while it has more than `keep` bytes of log text; at most `batch`
    /// logs. How many there were. The log of a job that has not ended stays.
    pub async fn shorten_logs(&self, host: HostId, keep: u64, batch: u64, now: Timestamp) -> Result<u64, Error> {
        let mut left = self.log_bytes_of(host).await?;
        let oldest = job::Entity::find()
            .filter(job::Column::HostId.eq(host.as_uuid()))
            .filter(job::Column::FinishedAt.is_not_null())
            .filter(job::Column::LogBytes.gt(0))
            .order_by_asc(job::Column::FinishedAt)
            .order_by_asc(job::Column::Id)
            .limit(batch)
            .all(&self.on)
            .await
            .map_err(Error::at(JOBS))?;
        let mut jobs = Vec::new();
        for job in oldest {
            if left <= keep {
                break;
            }
            let bytes: u64 = Row::new(JOBS, &job.id).count("log_bytes", job.log_bytes)?;
            left = left.saturating_sub(bytes);
            jobs.push(JobId::from_uuid(job.id));
        }
        self.remove_logs(&jobs, now).await
    }

    /// Cuts off the beginning of the audit log: lines of before `limit` up to the first one that is not, at most `batch`.
    /// The hash of the last of them stays behind. `None` when there is nothing to cut.
    ///
    /// [`Error::Inconsistent`] when the lines do not fit the chain: what shows that somebody changed them is not removed.
    pub async fn cut_audit(&self, limit: Timestamp, batch: u64, now: Timestamp) -> Result<Option<AuditCut>, Error> {
        let lines = audit_entry::Entity::find()
            .order_by_asc(audit_entry::Column::Id)
            .limit(batch)
            .all(&self.on)
            .await
            .map_err(Error::at(AUDIT))?;
        let lines = lines
            .into_iter()
            .map(AuditLine::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        let old: Vec<&AuditLine> = lines.iter().take_while(|line| line.entry.ts < limit).collect();
        let Some(last) = old.last() else { return Ok(None) };
        let anchor = self.audit_anchor().await?;
        let before = anchor.map_or(ChainHash::START, |(_, hash)| hash);
        if let Some(index) = first_broken(before, old.iter().map(|line| (&line.entry, line.hash))) {
            let id = old.get(index).map_or(last.entry.id, |line| line.entry.id);
            let broken = "the hash does not follow from the line before; the audit log is not shortened until somebody has looked";
            return Err(Row::new(AUDIT, &id).fault("hash", broken));
        }
        let cut = AuditCut {
            through: last.entry.id,
            hash: last.hash,
            lines: u64::try_from(old.len()).unwrap_or(u64::MAX),
        };
        self.put_anchor(cut, now).await?;
        audit_entry::Entity::delete_many()
            .filter(audit_entry::Column::Id.lte(number(AUDIT, "id", cut.through)?))
            .exec(&self.on)
            .await
            .map_err(Error::at(AUDIT))?;
        Ok(Some(cut))
    }

    async fn put_anchor(&self, cut: AuditCut, now: Timestamp) -> Result<(), Error> {
        audit_anchor::Entity::delete_by_id(ANCHOR_ID)
            .exec(&self.on)
            .await
            .map_err(Error::at(ANCHOR))?;
        let row = audit_anchor::ActiveModel {
            id: Set(ANCHOR_ID),
            through_id: Set(number(ANCHOR, "through_id", cut.through)?),
            hash: Set(cut.hash.as_bytes().to_vec()),
            cut_at: Set(now.as_micros()),
        };
        audit_anchor::Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(ANCHOR))?;
        Ok(())
    }

    async fn remove_jobs(&self, sql: &str, values: Vec<Value>) -> Result<u64, Error> {
        let found = self.ids(sql, values).await?;
        let jobs = found.iter().map(|[job, _]| *job);
        let hosts: BTreeSet<Uuid> = found.iter().map(|[_, host]| *host).collect();
        // One that was thought lost may have come back meanwhile.
        let done = job::Entity::delete_many()
            .filter(job::Column::Id.is_in(jobs))
            .filter(job::Column::FinishedAt.is_not_null())
            .exec(&self.on)
            .await
            .map_err(Error::at(JOBS))?;
        for host in hosts {
            self.recompute(HostId::from_uuid(host)).await?;
        }
        Ok(done.rows_affected)
    }

    async fn remove_logs(&self, jobs: &[JobId], now: Timestamp) -> Result<u64, Error> {
        let ids = || jobs.iter().map(JobId::as_uuid);
        job_log_chunk::Entity::delete_many()
            .filter(job_log_chunk::Column::JobId.is_in(ids()))
            .exec(&self.on)
            .await
            .map_err(Error::at("job_log_chunks"))?;
        let done = job::Entity::update_many()
            .col_expr(job::Column::LogBytes, Expr::value(0_i64))
            .col_expr(job::Column::LogRemovedAt, Expr::value(now.as_micros()))
            .filter(job::Column::Id.is_in(ids()))
            .exec(&self.on)
            .await
            .map_err(Error::at(JOBS))?;
        Ok(done.rows_affected)
    }
}
