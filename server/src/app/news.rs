//! [`News`]: what has to be recorded with a change, and told once it is committed.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::id::{HostId, JobId};
use domain::job::{Job, JobKind, Phase};
use serde_json::json;

use super::inventory::hostname;
use super::record::{Change as Recorded, record};
use super::{App, Caller, Error, Who};
use crate::events::Change;
use crate::store::Tx;

/// Which hosts and jobs a transaction has changed. Collected while it is open, told after its commit.
#[derive(Debug, Default)]
#[must_use = "whoever watches or waits hears of the change only when it is told"]
pub(super) struct News {
    hosts: BTreeSet<HostId>,
    /// Each with whether it has ended.
    jobs: BTreeMap<JobId, bool>,
    verdicts: Vec<(Verdict, Judged)>,
}

/// Something about a job that nobody ordered and nobody reported in its place, so that it goes into the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Only its host knew it.
    Adopted,
    /// It was given up.
    Lost,
    /// It was thought lost, and its host knew better.
    Found,
}

/// The job of a verdict, as it was then.
#[derive(Debug)]
struct Judged {
    job: JobId,
    host: HostId,
    kind: JobKind,
    phase: Phase,
}

impl News {
    /// Something of the host has changed: how it is shown, what its agent should hold, or what it has to do.
    pub(super) fn host(&mut self, host: HostId) {
        self.hosts.insert(host);
    }

    /// A job was made or has changed, and with it what is shown of its host.
    pub(super) fn job(&mut self, job: &Job) {
        self.hosts.insert(job.host_id);
        self.jobs.insert(job.id, job.state.is_terminal());
    }

    /// A verdict about a job, to be recorded by [`App::commit`].
    pub(super) fn verdict(&mut self, verdict: Verdict, job: &Job) {
        let judged = Judged {
            job: job.id,
            host: job.host_id,
            kind: job.kind,
            phase: job.state.phase(),
        };
        self.verdicts.push((verdict, judged));
    }
}

impl Verdict {
    const fn action(self) -> &'static str {
        match self {
            Self::Adopted => "job.adopted",
            Self::Lost => "job.lost",
            Self::Found => "job.found",
        }
    }

    fn caller(self, host: HostId) -> Caller {
        let who = match self {
            Self::Adopted | Self::Found => Who::Agent(host),
            Self::Lost => Who::System,
        };
        Caller {
            who,
            ..Caller::system()
        }
    }
}

impl App {
    /// Records the verdicts, commits, and tells all of it.
    pub(super) async fn commit(&self, tx: Tx, mut news: News, now: Timestamp) -> Result<(), Error> {
        self.record_verdicts(&tx, &mut news, now).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(())
    }

    /// Records the verdicts. For whoever commits together with others; the rest is told after that.
    pub(super) async fn record_verdicts(&self, tx: &Tx, news: &mut News, now: Timestamp) -> Result<(), Error> {
        for (verdict, judged) in std::mem::take(&mut news.verdicts) {
            let Judged { job, host, kind, phase } = judged;
            let facts = json!({ "kind": kind.as_str(), "host_id": host.to_string(), "phase": phase.as_str() });
            let change = Recorded::new(verdict.action()).to("job", job, hostname(tx, host).await?);
            record(tx, &verdict.caller(host), change.with(facts), now).await?;
        }
        Ok(())
    }

    /// Tells what was committed: wakes the hosts' sessions and whoever watches the bus. Both are hints that may be lost.
    pub(super) fn tell(&self, news: News) {
        let News { hosts, jobs, verdicts } = news;
        debug_assert!(
            verdicts.is_empty(),
            "verdicts are recorded before the commit: {verdicts:?}"
        );
        for host in hosts {
            self.0.sessions.nudge(host);
            self.0.events.publish(Change::Host(host));
        }
        for (job, is_over) in jobs {
            self.0.sessions.job_changed(job, is_over);
            self.0.events.publish(Change::Job(job));
        }
    }
}
