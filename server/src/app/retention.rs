//! What is kept of the past, and for how long.

use std::fmt;
use std::time::Duration;

use domain::Timestamp;
use domain::id::HostId;
use serde_json::json;

use super::record::{Change, record};
use super::{App, Caller, Error};

/// The most jobs that are kept of a host. Source: agent-protocol.md §9.
const MOST_JOBS: u64 = 10_000;
/// The most bytes of log text that are kept of a host. Source: the same.
pub(super) const MOST_LOG_BYTES: u64 = 1024 * 1024 * 1024;
/// Jobs that go in one transaction.
const JOBS_AT_ONCE: u32 = 200;
/// Logs that go in one transaction; one has at most 32 MiB of text.
const LOGS_AT_ONCE: u64 = 20;
/// Lines of the audit log that go in one transaction.
const LINES_AT_ONCE: u64 = 500;

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Jobs, with their logs.
    pub jobs: u64,
    /// Logs of jobs that stay.
    pub logs: u64,
    /// Lines of the audit log.
    pub audit_lines: u64,
}

impl App {
    /// Removes what is older than what is kept, and of each host what is beyond its share, the oldest first. What is not
    /// done when it is interrupted is done by the next run.
    pub async fn apply_retention(&self) -> Result<Removed, Error> {
        let now = self.0.clock.now();
        let settings = &self.0.settings;
        let limit = |kept: Option<Duration>| kept.map(|kept| now.saturating_sub(kept));
        let mut removed = Removed::default();
        if let Some(limit) = limit(settings.job_retention) {
            removed.jobs += self.remove_jobs_ended_before(limit).await?;
        }
        if let Some(limit) = limit(settings.log_retention) {
            removed.logs += self.remove_logs_ended_before(limit, now).await?;
        }
        let (crowded, loud) = {
            let tx = self.0.store.read().await?;
            (
                tx.hosts_with_more_jobs(MOST_JOBS).await?,
                tx.hosts_with_more_log(MOST_LOG_BYTES).await?,
            )
        };
        for host in crowded {
            removed.jobs += self.remove_oldest_jobs(host).await?;
        }
        for host in loud {
            removed.logs += self.shorten_logs(host, now).await?;
        }
        if let Some(limit) = limit(settings.audit_retention) {
            removed.audit_lines += self.cut_audit(limit, now).await?;
        }
        Ok(removed)
    }

    async fn remove_jobs_ended_before(&self, limit: Timestamp) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let tx = self.0.store.begin().await?;
            let gone = tx.remove_jobs_ended_before(limit, JOBS_AT_ONCE).await?;
            tx.commit().await?;
            removed += gone;
            if gone == 0 {
                return Ok(removed);
            }
        }
    }

    async fn remove_logs_ended_before(&self, limit: Timestamp, now: Timestamp) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let tx = self.0.store.begin().await?;
            let gone = tx.remove_logs_ended_before(limit, LOGS_AT_ONCE, now).await?;
            tx.commit().await?;
            removed += gone;
            if gone == 0 {
                return Ok(removed);
            }
        }
    }

    async fn remove_oldest_jobs(&self, host: HostId) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let tx = self.0.store.begin().await?;
            let gone = tx.remove_oldest_jobs(host, MOST_JOBS, JOBS_AT_ONCE).await?;
            tx.commit().await?;
            removed += gone;
            if gone == 0 {
                tracing::warn!(host.id = %host, jobs = removed, "a host had more than {MOST_JOBS} jobs; the oldest were removed");
                return Ok(removed);
            }
        }
    }

    async fn shorten_logs(&self, host: HostId, now: Timestamp) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let tx = self.0.store.begin().await?;
            let gone = tx.shorten_logs(host, MOST_LOG_BYTES, LOGS_AT_ONCE, now).await?;
            tx.commit().await?;
            removed += gone;
            if gone == 0 {
                tracing::warn!(host.id = %host, logs = removed, "a host had more than 1 GiB of logs; the oldest were removed");
                return Ok(removed);
            }
        }
    }

    /// Each cut is recorded in what is left, so that nobody takes it for another's doing.
    async fn cut_audit(&self, limit: Timestamp, now: Timestamp) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let tx = self.0.store.begin().await?;
            let Some(cut) = tx.cut_audit(limit, LINES_AT_ONCE, now).await? else {
                return Ok(removed);
            };
            let facts = json!({ "lines": cut.lines, "through_id": cut.through, "hash": cut.hash.to_string() });
            record(&tx, &Caller::system(), Change::new("audit.cut").with(facts), now).await?;
            tx.commit().await?;
            removed += cut.lines;
        }
    }
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            jobs,
            logs,
            audit_lines,
        } = self;
        write!(
            f,
            "{jobs} jobs, {logs} further logs and {audit_lines} audit lines removed"
        )
    }
}
