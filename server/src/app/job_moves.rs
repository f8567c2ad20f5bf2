//! Moving a job by what its host says, or the clock, with everything that depends on it.

use domain::Timestamp;
use domain::job::{self, Job, JobEvent, Phase};
use domain::repository::RepoEvent;

use super::jobs::repository_hears;
use super::news::{News, Verdict};
use super::{App, Error};
use crate::store::Tx;

impl App {
    /// Moves a job by an event, in the transaction of what caused it. When that ends the job, its commands are closed and
    /// its repository hears of it.
    ///
    /// That it was given up, or found again, is recorded when the news are committed.
    ///
    /// Whether the job has changed: an event that says nothing new, or contradicts what is known, changes nothing.
    pub(super) async fn move_job(
        &self,
        tx: &Tx,
        job: &mut Job,
        event: JobEvent,
        now: Timestamp,
        news: &mut News,
    ) -> Result<bool, Error> {
        let next = match job::next(job.state.clone(), event) {
            Ok(next) => next,
            Err(invalid) => {
                tracing::warn!(job.id = %job.id, host.id = %job.host_id, %invalid, "an event about a job was not believed");
                return Ok(false);
            }
        };
        if next == job.state {
            return Ok(false);
        }
        let was_lost = job.state.phase() == Phase::Lost;
        job.state = next;
        tx.update_job(job).await?;
        match (was_lost, job.state.phase() == Phase::Lost) {
            (false, true) => news.verdict(Verdict::Lost, job),
            (true, false) => {
                news.verdict(Verdict::Found, job);
                // The wish went with the job that was given up.
                if job.cancel_requested.is_some() && !job.state.is_terminal() {
                    self.order_cancel(tx, job, now).await?;
                }
            }
            (true, true) | (false, false) => {}
        }
        if let Some(code) = job.state.result_code() {
            tx.finish_commands(job.id, now).await?;
            repository_hears(tx, job, RepoEvent::JobEnded { kind: job.kind, code }).await?;
            tracing::info!(job.id = %job.id, host.id = %job.host_id, kind = %job.kind, %code, "job ended");
        }
        news.job(job);
        Ok(true)
    }
}
