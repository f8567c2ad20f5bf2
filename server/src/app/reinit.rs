//! Making a repository anew where the known one is gone for good.

use domain::ErrorCode;
use domain::job::{JobKind, JobView, Mode, Reinit};
use domain::repository::NotAdmitted;
use serde_json::json;

use super::host_credentials::{known_host, repository_of};
use super::jobs::{Order, TTL, actor, known_job, not_admitted, refuse_full, refuse_unreachable};
use super::news::News;
use super::record::record;
use super::repositories::about;
use super::{App, Caller, Error};

impl App {
    /// Orders an init at a location that must be empty. What it makes is the repository from then on.
    ///
    /// Errors: `host_not_found`, `confirmation_mismatch`, `host_offline`, `repository_not_ready`, `queue_full`.
    pub async fn reinit_repository(&self, caller: &Caller, reinit: Reinit) -> Result<JobView, Error> {
        let Reinit { host, confirmation } = reinit;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let host = known_host(&tx, host).await?;
        tx.exclusively(&format!("jobs of {}", host.id)).await?;
        if confirmation != host.hostname.as_str() {
            return Err(Error::refuse_field(
                ErrorCode::ConfirmationMismatch,
                "confirm_hostname",
                ErrorCode::ConfirmationMismatch.meaning(),
            ));
        }
        // It runs now or not at all: nobody should find a repository made anew days after asking for it.
        refuse_unreachable(&host, false)?;
        let Some(repository) = repository_of(&tx, host.id).await? else {
            return Err(not_admitted(NotAdmitted::NoRepository));
        };
        let password_set = self.is_password_set(&tx, &repository, host.id).await?;
        host.repo_status.admit_reinit(password_set).map_err(not_admitted)?;
        refuse_full(&tx.live_jobs(host.id).await?, 1)?;
        let (actor, actor_name) = actor(caller)?;
        let order = Order {
            host: host.id,
            repository: repository.id,
            kind: JobKind::Init,
            mode: Mode::Anew,
            group: None,
            paths: None,
            actor,
            actor_name,
            ttl: TTL,
        };
        let mut news = News::default();
        let job = self.order_job(&tx, order, now, &mut news).await?;
        let facts = json!({
            "host_id": host.id.to_string(),
            "job_id": job.id.to_string(),
            "former_restic_repository_id": repository.restic_id.map(|id| id.to_string()),
        });
        record(&tx, caller, about("repository.reinit", &repository).with(facts), now).await?;
        let view = known_job(&tx, job.id).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(view)
    }
}
