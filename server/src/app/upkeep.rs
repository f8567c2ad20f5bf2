//! What has to be looked at now and then: hosts that fell silent, commands whose time is over, commands that wait.

use domain::Timestamp;
use domain::host::{HostEvent, Silence};
use domain::id::HostId;
use domain::job::JobEvent;

use super::news::News;
use super::{App, Error};
use crate::store::CommandKind;

impl App {
    /// Writes down when agents were last heard. How many hosts that were.
    pub async fn record_signs_of_life(&self) -> Result<usize, Error> {
        let heard = self.0.sessions.take_heard();
        if heard.is_empty() {
            return Ok(0);
        }
        let written = self.write_signs_of_life(&heard).await;
        let count = heard.len();
        if written.is_err() {
            self.0.sessions.put_back_heard(heard);
        }
        written.map(|()| count)
    }

    async fn write_signs_of_life(&self, heard: &[(HostId, Timestamp)]) -> Result<(), Error> {
        let tx = self.0.store.begin().await?;
        tx.record_signs_of_life(heard).await?;
        Ok(tx.commit().await?)
    }

    /// Counts hosts as offline whose agent has been silent beyond the limit. How many there were.
    ///
    /// `listening_since` is from when on this server could have heard them: after a pause of the server nobody is offline
    /// before there was time to come back. A host with an open session is not silent; a session notices silence by itself
    /// and ends.
    pub async fn sweep_silent_hosts(&self, listening_since: Timestamp) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let limit = self.0.settings.offline_after;
        if now.since(listening_since) <= limit {
            return Ok(0);
        }
        let silent = self
            .0
            .store
            .read()
            .await?
            .silent_hosts(now.saturating_sub(limit))
            .await?;
        let mut swept = 0;
        for (host, _) in silent {
            if !self.0.sessions.connected(host) && self.count_as_offline(host, now).await? {
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Ends the commands whose time is over, and the jobs that they should have begun. How many commands there were.
    pub async fn expire_commands(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        if !self.0.store.read().await?.has_expired_commands(now).await? {
            return Ok(0);
        }
        let tx = self.0.store.begin().await?;
        let mut news = News::default();
        let expired = tx.expire_commands(now).await?;
        for command in &expired {
            let Some(view) = tx.job(command.job_id).await? else {
                continue;
            };
            let mut job = view.job;
            match command.kind {
                CommandKind::Run => {
                    self.move_job(&tx, &mut job, JobEvent::Expired { at: now }, now, &mut news)
                        .await?;
                }
                CommandKind::Cancel => {}
            }
        }
        self.commit(tx, news, now).await?;
        Ok(expired.len())
    }

    /// Wakes the sessions of hosts for which commands wait: a nudge may have been lost. How many there were.
    pub async fn redeliver_commands(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let waiting = self.0.store.read().await?.hosts_with_queued_commands(now).await?;
        let connected: Vec<HostId> = waiting
            .into_iter()
            .filter(|host| self.0.sessions.connected(*host))
            .collect();
        for host in &connected {
            self.0.sessions.nudge(*host);
        }
        Ok(connected.len())
    }

    /// Whether the host has become offline by that. It is looked at once more, for it may have come back meanwhile.
    async fn count_as_offline(&self, host: HostId, now: Timestamp) -> Result<bool, Error> {
        let tx = self.0.store.begin().await?;
        let Some(known) = tx.host_session(host).await? else {
            return Ok(false);
        };
        let silence = known
            .last_seen_at
            .and_then(|heard| Silence::judge(heard, self.0.settings.offline_after, now));
        let status = known.status.next(HostEvent::FellSilent);
        let (Some(silence), true) = (silence, status != known.status) else {
            return Ok(false);
        };
        tx.set_host_status(host, status, now).await?;
        let mut news = News::default();
        news.host(host);
        // What its jobs show may be old from here on.
        for job in tx.live_jobs(host).await? {
            news.job(&job);
        }
        self.commit(tx, news, now).await?;
        tracing::info!(host.id = %host, %silence, "host is offline");
        Ok(true)
    }
}
