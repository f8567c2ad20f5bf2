//! [`News`]: what has to be told once a change is committed.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::{HostId, JobId};
use domain::job::Job;

use super::App;
use crate::events::Change;

/// Which hosts and jobs a transaction has changed. Collected while it is open, told after its commit.
#[derive(Debug, Default)]
#[must_use = "whoever watches or waits hears of the change only when it is told"]
pub(super) struct News {
    hosts: BTreeSet<HostId>,
    /// Each with whether it has ended.
    jobs: BTreeMap<JobId, bool>,
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
}

impl App {
    /// Tells what was committed: wakes the hosts' sessions and whoever watches the bus. Both are hints that may be lost.
    pub(super) fn tell(&self, news: News) {
        let News { hosts, jobs } = news;
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
