//! Which jobs a host has, by its agent's greeting, against those that the server believes it has.
//!
//! The agent knows what it does; the server may have been away, or been set back to an older copy of itself. What it lists
//! is alive, whatever was believed, and what is not known here is adopted. What it had and does not list is lost, but not
//! before everything is in that it had to tell when it greeted.

use std::time::Duration;

use domain::id::{HostId, JobId};
use domain::job::{Job, JobEvent, JobKind, JobState, Mode, Stage};
use domain::repository::RepoEvent;
use domain::session::{Finding, Hello, LiveJob, Suspects};
use domain::{Actor, Timestamp};

use super::jobs::repository_hears;
use super::news::{News, Verdict};
use super::{App, Error};
use crate::store::{ReadTx, Tx};

/// Jobs that a host may have got within an hour for another one to be adopted. After a day's memory was lost a busy host
/// has some hundreds.
const MOST_AN_HOUR: u64 = 1_000;

impl App {
    /// Takes up which jobs an agent has. The jobs that are missing are lost once the events from before the greeting are in.
    pub(super) async fn take_inventory(
        &self,
        tx: &Tx,
        host: HostId,
        hello: &Hello,
        now: Timestamp,
        news: &mut News,
    ) -> Result<Suspects, Error> {
        let mut known = tx.live_jobs(host).await?;
        for live in &hello.live {
            if known.iter().any(|job| job.id == live.job) {
                continue;
            }
            match tx.job(live.job).await?.map(|view| view.job) {
                Some(job) if job.host_id == host => known.push(job),
                Some(_) => {
                    tracing::warn!(host.id = %host, job.id = %live.job, "a host claims to have the job of another; it is not believed");
                }
                None => self.adopt(tx, host, live, live.stage(now), now, news).await?,
            }
        }
        let mut missing = Vec::new();
        for mut job in known {
            let listed = hello.live.iter().find(|live| live.job == job.id);
            match Finding::of(&job.state, listed.map(|live| live.stage(now))) {
                Some(Finding::Alive(stage)) => {
                    self.move_job(tx, &mut job, JobEvent::Adopted(stage), now, news).await?;
                }
                Some(Finding::Missing) => missing.push(job.id),
                Some(Finding::Undelivered) | None => {}
            }
        }
        Ok(Suspects::new(hello.next_seq, missing))
    }

    /// Gives up jobs that their agent does not have. One whose end has come meanwhile keeps it.
    pub(super) async fn give_up(&self, tx: &Tx, jobs: &[JobId], now: Timestamp, news: &mut News) -> Result<(), Error> {
        for id in jobs {
            let Some(view) = tx.job(*id).await? else { continue };
            let mut job = view.job;
            self.move_job(tx, &mut job, JobEvent::Lost { at: now }, now, news)
                .await?;
        }
        Ok(())
    }

    /// Takes up a job that only its host knows, where it stands.
    pub(super) async fn adopt(
        &self,
        tx: &Tx,
        host: HostId,
        live: &LiveJob,
        stage: Stage,
        now: Timestamp,
        news: &mut News,
    ) -> Result<(), Error> {
        let since = now.saturating_sub(Duration::from_hours(1));
        if tx.jobs_made_since(host, since).await? >= MOST_AN_HOUR {
            tracing::warn!(host.id = %host, job.id = %live.job, "a host brings up more unknown jobs than it can have had; this one is not adopted");
            return Ok(());
        }
        let job = Job {
            id: live.job,
            host_id: host,
            repository_id: live.repository,
            kind: live.kind,
            // An init that was to find no repository is not told from another one here: what it made is then confirmed.
            mode: Mode::Usual,
            source_group_id: None,
            paths: None,
            actor: Actor::Host(host),
            attempt: 1,
            created_at: now,
            cancel_requested: None,
            state: JobState::from(stage),
            version: 1,
        };
        tx.insert_job(&job, &hostname(tx, host).await?.as_str().into()).await?;
        if job.kind == JobKind::Init {
            repository_hears(tx, &job, RepoEvent::InitOrdered).await?;
        }
        tracing::warn!(job.id = %job.id, host.id = %host, kind = %job.kind, "a job that only its host knew was adopted");
        news.verdict(Verdict::Adopted, &job);
        news.job(&job);
        Ok(())
    }
}

/// The host's name; empty when it is gone.
pub(super) async fn hostname(tx: &ReadTx, host: HostId) -> Result<String, Error> {
    let host = tx.host(host).await?;
    Ok(host.map(|host| host.hostname.to_string()).unwrap_or_default())
}
