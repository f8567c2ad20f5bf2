//! Repositories that are not the ones they should be: somebody made another one at the location, mounted another disk, or
//! pointed the address elsewhere.
//!
//! restic's own id tells which repository it is; a URL is only where one lies. The first id that a job reports is the known
//! one. A host that finds another id writes nothing there, and its backups are held back until an admin has named the new id
//! or the host sees the known one again.
//!
//! **Invariant:** what a host reports holds back its own backups only. Each agent looks for itself before it writes, so a
//! host that lies cannot stop the others.

use domain::job::{Job, Status};
use domain::repository::{ConfirmReplaced, Replacement, RepoEvent, RepositoryView};
use domain::{ErrorCode, ResticRepositoryId, Timestamp};
use serde_json::json;

use super::first_jobs::Occasion;
use super::jobs::repository_hears;
use super::news::News;
use super::record::record;
use super::repositories::{about, known};
use super::{App, Caller, Error};
use crate::store::{FoundRepository, ReadTx, Repository, Tx};

impl App {
    /// Takes the repository that lies in the place of the known one for the one to use from now on. The hosts that found it
    /// back up again, after a look at it.
    ///
    /// Errors: `repository_not_found`, `repository_not_replaced` when no host has found one of this id.
    pub async fn confirm_replaced(&self, caller: &Caller, confirm: ConfirmReplaced) -> Result<RepositoryView, Error> {
        let ConfirmReplaced { id, restic_id } = confirm;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let before = known(&tx, id).await?;
        let found = replacements(&tx, &before).await?;
        if !found.iter().any(|replacement| replacement.restic_id == restic_id) {
            return Err(Error::refuse_field(
                ErrorCode::RepositoryNotReplaced,
                "restic_repository_id",
                not_replaced(&found),
            ));
        }
        let mut news = News::default();
        self.adopt_identity(&tx, &before, restic_id, now, &mut news).await?;
        let facts = json!({
            "restic_repository_id": restic_id.to_string(),
            "former_restic_repository_id": before.restic_id.map(|id| id.to_string()),
        });
        let entry = about("repository.replacement_confirmed", &before).with(facts);
        record(&tx, caller, entry, now).await?;
        let view = self.repository_view(&tx, known(&tx, id).await?).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(view)
    }

    /// Makes this id the known one of a repository. Hosts that were held back because they found it are not any more; all
    /// hosts get the id to compare with, and those that were held back for whatever they found look once more.
    pub(super) async fn adopt_identity(
        &self,
        tx: &Tx,
        repository: &Repository,
        restic_id: ResticRepositoryId,
        now: Timestamp,
        news: &mut News,
    ) -> Result<(), Error> {
        tx.set_restic_repository_id(repository.id, Some(restic_id)).await?;
        let mut held_back = Vec::new();
        for binding in tx.repository_hosts(repository.id).await? {
            let Some(found) = binding.found else { continue };
            if found.restic_id == restic_id {
                let next = binding.status.next(RepoEvent::ReplacementConfirmed);
                tx.set_found_repository(binding.host_id, repository.id, None).await?;
                tx.set_repo_status(binding.host_id, repository.id, next).await?;
            }
            held_back.push(binding.host_id);
        }
        for host in tx.raise_desired_versions_of(repository.id).await? {
            news.host(host);
            if held_back.contains(&host) {
                self.order_first_job(tx, host, Occasion::CredentialsChanged, now, news)
                    .await?;
            }
        }
        Ok(())
    }

    /// Takes the repository that a job has made at an empty location for the one to use from now on.
    pub(super) async fn made_anew(
        &self,
        tx: &Tx,
        job: &Job,
        made: ResticRepositoryId,
        now: Timestamp,
        news: &mut News,
    ) -> Result<(), Error> {
        let binding = tx.host_repository(job.host_id).await?;
        let Some(repository) = tx.repository(job.repository_id).await? else {
            return Ok(());
        };
        if binding.is_none_or(|binding| binding.repository_id != repository.id) {
            return Ok(());
        }
        // Whatever this host had found before has made room for it.
        tx.set_found_repository(job.host_id, repository.id, None).await?;
        repository_hears(tx, job, RepoEvent::ReplacementConfirmed).await?;
        self.adopt_identity(tx, &repository, made, now, news).await
    }

    /// Takes in which repository a job has seen at the location of its own. The first one seen is the one that is meant.
    pub(super) async fn learn_repository(
        &self,
        tx: &Tx,
        job: &Job,
        seen: ResticRepositoryId,
        now: Timestamp,
        news: &mut News,
    ) -> Result<(), Error> {
        let Some(repository) = tx.repository(job.repository_id).await? else {
            return Ok(());
        };
        // A host that was given another repository since says nothing about this one's place.
        let binding = tx.host_repository(job.host_id).await?;
        let Some(binding) = binding.filter(|binding| binding.repository_id == repository.id) else {
            return Ok(());
        };
        match repository.restic_id {
            Some(known) if known == seen => {
                if binding.found.is_some() {
                    tx.set_found_repository(job.host_id, repository.id, None).await?;
                }
                repository_hears(tx, job, RepoEvent::Recognised).await
            }
            Some(known) => {
                tracing::warn!(
                    repository.id = %repository.id, host.id = %job.host_id, known = %known.short(), found = %seen.short(),
                    "another repository lies where the known one was; backups are held back until an admin confirms it"
                );
                let found = FoundRepository {
                    restic_id: seen,
                    at: now,
                };
                tx.set_found_repository(job.host_id, repository.id, Some(found)).await?;
                repository_hears(tx, job, RepoEvent::ReplacementFound).await
            }
            // What a job that failed claims to have seen is nobody's truth.
            None if job.state.status() != Status::Succeeded => Ok(()),
            None => {
                tx.set_restic_repository_id(repository.id, Some(seen)).await?;
                // The agents compare it whenever they are about to use the repository.
                for host in tx.raise_desired_versions_of(repository.id).await? {
                    news.host(host);
                }
                Ok(())
            }
        }
    }
}

/// What hosts found in the place of a repository, by the host's id.
pub(super) async fn replacements(tx: &ReadTx, repository: &Repository) -> Result<Vec<Replacement>, Error> {
    let mut found = Vec::new();
    for binding in tx.repository_hosts(repository.id).await? {
        let (Some(other), Some(host)) = (binding.found, tx.host(binding.host_id).await?) else {
            continue;
        };
        found.push(Replacement {
            host: host.id,
            hostname: host.hostname,
            restic_id: other.restic_id,
            found_at: other.at,
        });
    }
    Ok(found)
}

fn not_replaced(found: &[Replacement]) -> String {
    let meaning = ErrorCode::RepositoryNotReplaced.meaning();
    let named: Vec<String> = found
        .iter()
        .map(|replacement| format!("{} found {}", replacement.hostname, replacement.restic_id))
        .collect();
    if named.is_empty() {
        meaning.to_owned()
    } else {
        format!("{meaning} {}.", named.join(", "))
    }
}
