//! Jobs of hosts that have fallen silent. Such a job runs on, as far as anybody knows, and is given up only after long.

use domain::Timestamp;
use domain::id::HostId;
use domain::job::{Patience, is_given_up};

use super::news::News;
use super::{App, Caller, Error};

impl App {
    /// Gives up the jobs of hosts that have been silent for longer than a job of that sort can account for. How many there
    /// were.
    ///
    /// `listening_since` is from when on this server could have heard them.
    pub async fn give_up_silent_jobs(&self, listening_since: Timestamp) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let heard_before = now.saturating_sub(Patience::SHORTEST);
        let mut given_up = 0;
        let silent = self.0.store.read().await?.jobs_of_silent_hosts(heard_before).await?;
        for (job, heard) in silent {
            if self.0.sessions.connected(job.host_id) {
                continue;
            }
            let tx = self.0.store.begin().await?;
            let patience = Patience::after(tx.durations_like(&job).await?);
            // It may have come back meanwhile.
            let heard = tx
                .host_session(job.host_id)
                .await?
                .and_then(|host| host.last_seen_at)
                .unwrap_or(heard);
            if !is_given_up(heard, listening_since, patience, now) {
                continue;
            }
            let mut news = News::default();
            self.give_up(&tx, &[job.id], now, &mut news).await?;
            self.commit(tx, news, now).await?;
            tracing::warn!(job.id = %job.id, host.id = %job.host_id, silent_since = %heard, %patience, "a job of a silent host was given up");
            given_up += 1;
        }
        Ok(given_up)
    }

    /// Orders the first job of every host that is there and whose repository nobody has tried yet. How many there were.
    ///
    /// Most are ordered when their session opens. Those that then had to wait for another host to make the repository are
    /// ordered here.
    pub async fn order_first_jobs(&self) -> Result<usize, Error> {
        let waiting: Vec<HostId> = self.0.store.read().await?.hosts_with_untried_repository().await?;
        let mut ordered = 0;
        for host in waiting {
            if self.look_at_repository(&Caller::system(), host).await?.is_some() {
                ordered += 1;
            }
        }
        Ok(ordered)
    }
}
