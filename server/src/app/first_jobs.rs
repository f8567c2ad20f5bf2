//! Jobs that the server orders by itself: making a repository, and looking whether it opens.

use std::time::Duration;

use domain::host::HostStatus;
use domain::id::HostId;
use domain::job::{Job, JobKind, Mode, Phase};
use domain::repository::{FirstJob, RepositorySituation};
use domain::{Actor, Timestamp};
use serde_json::json;

use super::host_credentials::repository_of;
use super::jobs::Order;
use super::news::News;
use super::record::{Change, record};
use super::{App, Caller, Error};
use crate::store::Tx;

/// How long such a job may wait for a host that goes away right then. An init that expires has failed, and is not ordered
/// again by itself.
const TTL: Duration = Duration::from_hours(24);

/// Why the question comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The host's agent is there, or another host has just made the repository.
    HostReady,
    /// A person has changed what the host opens its repository with.
    CredentialsChanged,
}

impl App {
    /// Orders the job that a host needs by itself, if it needs one: the first time that a host with credentials is there,
    /// its repository is made, or adopted where it exists.
    ///
    /// Call it when a host's session has opened. Repeating it is harmless. The job that was ordered.
    pub async fn look_at_repository(&self, caller: &Caller, host: HostId) -> Result<Option<Job>, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        // Of several hosts at one repository only one may make it.
        tx.exclusively("first jobs").await?;
        let mut news = News::default();
        let Some(job) = self
            .order_first_job(&tx, host, Occasion::HostReady, now, &mut news)
            .await?
        else {
            return Ok(None);
        };
        let facts = json!({ "kind": job.kind.as_str(), "host_id": host.to_string() });
        let hostname = tx
            .host(host)
            .await?
            .map(|host| host.hostname.to_string())
            .unwrap_or_default();
        record(
            &tx,
            caller,
            Change::new("job.run_now").to("job", job.id, hostname).with(facts),
            now,
        )
        .await?;
        tx.commit().await?;
        self.tell(news);
        Ok(Some(job))
    }

    /// Orders the job that a host needs by itself, within the transaction of what made it needed. It is recorded with that.
    pub(super) async fn order_first_job(
        &self,
        tx: &Tx,
        host: HostId,
        occasion: Occasion,
        now: Timestamp,
        news: &mut News,
    ) -> Result<Option<Job>, Error> {
        let is_online = tx
            .host(host)
            .await?
            .is_some_and(|host| host.status == HostStatus::Online);
        let (Some(binding), Some(repository)) = (tx.host_repository(host).await?, repository_of(tx, host).await?)
        else {
            return Ok(None);
        };
        if !is_online {
            return Ok(None);
        }
        let situation = RepositorySituation {
            status: binding.status,
            password_set: self.is_password_set(tx, &repository, host).await?,
            seen: repository.restic_id.is_some(),
            tried: tx.tried(host, repository.id).await?,
        };
        let needed = match occasion {
            Occasion::HostReady => situation.first_job(),
            Occasion::CredentialsChanged => situation.job_after_change(),
        };
        let kind = match needed {
            FirstJob::Init => JobKind::Init,
            FirstJob::Probe => JobKind::Probe,
            FirstJob::None(why) => {
                tracing::debug!(host.id = %host, repository.id = %repository.id, %why, "no first job is needed");
                return Ok(None);
            }
        };
        let waits =
            |job: &Job| job.kind == kind && job.repository_id == repository.id && job.state.phase() == Phase::Queued;
        if tx.live_jobs(host).await?.iter().any(waits) {
            return Ok(None);
        }
        let order = Order {
            host,
            repository: repository.id,
            kind,
            mode: Mode::Usual,
            group: None,
            paths: None,
            actor: Actor::System,
            actor_name: "system".into(),
            ttl: TTL,
        };
        self.order_job(tx, order, now, news).await.map(Some)
    }
}
