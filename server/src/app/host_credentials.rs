//! Which repository a host uses and what the host opens it with.

use domain::fleet::{HostView, UpdateHost};
use domain::id::HostId;
use domain::repository::{
    BindRepository, CredentialChange, Credentials, HostCredentialsView, NewRepository, RepoEvent, RepoStatus,
    RepositoryUrl, SetHostCredentials, SlotView,
};
use domain::{ErrorCode, Timestamp};
use serde_json::json;

use super::first_jobs::Occasion;
use super::news::News;
use super::record::{Change, record};
use super::repositories::{everyday_slot, invalid_env, known, own_slot, refuse_stranger, taken, version_conflict};
use super::repository_secrets::to_change;
use super::{App, Caller, Error};
use crate::store::{ReadTx, Repository, Tx};

impl App {
    /// Shows which repository a host uses and what is set for it.
    ///
    /// Errors: `host_not_found`, `repository_not_found` when the host has none.
    pub async fn get_host_credentials(&self, _: &Caller, host: HostId) -> Result<HostCredentialsView, Error> {
        let tx = self.0.store.read().await?;
        let host = known_host(&tx, host).await?;
        let Some(repository) = repository_of(&tx, host.id).await? else {
            return Err(Error::refuse_with(
                ErrorCode::RepositoryNotFound,
                "the host has no repository",
            ));
        };
        self.host_credentials_view(&tx, &repository, host.id).await
    }

    /// Sets what a host opens its repository with; what is empty stays.
    ///
    /// The only host of a repository changes the repository itself; one of several gets a login of its own. A host without
    /// repository gets one.
    ///
    /// Errors: `host_not_found`, `missing_field`, `invalid_argument`, `repository_shared`,
    /// `repository_credentials_differ`, `forbidden` when somebody other than an admin moves it to another server.
    pub async fn set_host_credentials(
        &self,
        caller: &Caller,
        set: SetHostCredentials,
    ) -> Result<HostCredentialsView, Error> {
        let SetHostCredentials { host, url, change } = set;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let host = known_host(&tx, host).await?;
        let mut fields = change.field_names();
        fields.extend(url.is_some().then_some("repo_url"));
        let current = repository_of(&tx, host.id).await?;
        if let (Some(repository), true) = (&current, fields.is_empty()) {
            return self.host_credentials_view(&tx, repository, host.id).await;
        }
        let mut news = News::default();
        let repository = match current {
            None => self.give_repository(&tx, host.id, url, change, now).await?,
            Some(repository) if tx.repository_host_count(repository.id).await? > 1 => {
                self.set_own_login(&tx, host.id, repository, url, change, now).await?
            }
            Some(repository) => {
                if let Some(url) = &url {
                    refuse_stranger(caller, &repository.url, url, "repo_url")?;
                }
                self.set_sole_host(&tx, host.id, repository, url, change, now).await?
            }
        };
        tx.raise_desired_version(host.id).await?;
        news.host(host.id);
        self.order_first_job(&tx, host.id, Occasion::CredentialsChanged, now, &mut news)
            .await?;
        let entry = Change::new("repository.credentials_updated")
            .to("host", host.id, &host.hostname)
            .with(json!({ "repository_id": repository.id.to_string(), "fields": fields }));
        record(&tx, caller, entry, now).await?;
        let view = self.host_credentials_view(&tx, &repository, host.id).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(view)
    }

    /// Gives a host another repository.
    ///
    /// Errors: `host_not_found`, `repository_not_found`, `version_conflict`.
    pub async fn bind_repository(&self, caller: &Caller, bind: BindRepository) -> Result<HostView, Error> {
        let BindRepository {
            host,
            repository,
            version,
        } = bind;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let host = known_host(&tx, host).await?;
        let repository = known(&tx, repository).await?;
        if host.version != version {
            return Err(version_conflict(host.version));
        }
        if host.repository_id == Some(repository.id) {
            return Ok(host);
        }
        tx.update_host(&counted(&host)).await?;
        tx.bind_repository(host.id, repository.id, RepoStatus::Unset.next(RepoEvent::Bound))
            .await?;
        tx.raise_desired_version(host.id).await?;
        let mut news = News::default();
        news.host(host.id);
        self.order_first_job(&tx, host.id, Occasion::CredentialsChanged, now, &mut news)
            .await?;
        let entry = Change::new("host.repository_bound")
            .to("host", host.id, &host.hostname)
            .with(json!({ "repository_id": repository.id.to_string(), "repository_name": repository.name.as_str() }));
        record(&tx, caller, entry, now).await?;
        let view = known_host(&tx, host.id).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(view)
    }

    /// A host without repository gets the one at the location, which is made known if it is not.
    async fn give_repository(
        &self,
        tx: &Tx,
        host: HostId,
        url: Option<RepositoryUrl>,
        change: CredentialChange,
        now: Timestamp,
    ) -> Result<Repository, Error> {
        let Some(url) = url else {
            return Err(missing("repo_url"));
        };
        if change.repo_password.is_none() {
            return Err(missing("repo_password"));
        }
        let credentials = change
            .apply(url.kind(), Credentials::default())
            .map_err(|error| invalid_env(&error))?
            .for_new_repository();
        let repository = self
            .use_repository(
                tx,
                NewRepository {
                    name: None,
                    url,
                    credentials,
                },
                now,
            )
            .await?;
        tx.bind_repository(host, repository.id, RepoStatus::Unset.next(RepoEvent::Bound))
            .await?;
        Ok(repository)
    }

    /// One of several hosts of a repository gets a login of its own.
    async fn set_own_login(
        &self,
        tx: &Tx,
        host: HostId,
        repository: Repository,
        url: Option<RepositoryUrl>,
        change: CredentialChange,
        now: Timestamp,
    ) -> Result<Repository, Error> {
        if url.is_some_and(|url| url != repository.url) {
            return Err(Error::refuse_field(
                ErrorCode::RepositoryShared,
                "repo_url",
                ErrorCode::RepositoryShared.meaning(),
            ));
        }
        let kind = repository.url.kind();
        let everyday = self.everyday(tx, &repository).await?;
        if change.repo_password.is_some() && change.repo_password != everyday.repo_password {
            let message = "several hosts use this repository, so the password that encrypts it cannot be changed from one \
                           of them; edit the repository itself";
            return Err(Error::refuse_field(
                ErrorCode::RepositoryShared,
                "repo_password",
                message,
            ));
        }
        let login = CredentialChange {
            repo_password: None,
            ..change
        };
        if login.is_empty() {
            return Ok(repository);
        }
        let key = own_slot(repository.id, host);
        let current = self
            .read_slot(tx, kind, key)
            .await?
            .map(|(own, _)| own)
            .unwrap_or_default();
        let own = login.apply(kind, current).map_err(|error| invalid_env(&error))?;
        self.write_slot(tx, key, &own, now).await?;
        Ok(repository)
    }

    /// The only host of a repository changes the repository itself. A login that the host had of its own, from the time
    /// when there were others, becomes the repository's.
    async fn set_sole_host(
        &self,
        tx: &Tx,
        host: HostId,
        before: Repository,
        url: Option<RepositoryUrl>,
        change: CredentialChange,
        now: Timestamp,
    ) -> Result<Repository, Error> {
        let stored = self.credentials_of_host(tx, &before, host).await;
        let current = to_change(stored, &before, &change)?;
        let url = url.unwrap_or_else(|| before.url.clone());
        let credentials = change
            .apply(url.kind(), current.for_kind(url.kind()))
            .map_err(|error| invalid_env(&error))?;
        let at = tx.repository_at(&url, credentials.username.as_ref()).await?;
        if at.is_some_and(|other| other.id != before.id) {
            let other = self
                .use_repository(
                    tx,
                    NewRepository {
                        name: None,
                        url,
                        credentials,
                    },
                    now,
                )
                .await?;
            tx.bind_repository(host, other.id, RepoStatus::Unset.next(RepoEvent::Bound))
                .await?;
            return Ok(other);
        }
        tx.delete_credentials(own_slot(before.id, host)).await?;
        let mut after = before.clone();
        after.url = url;
        if after.url.as_str() != before.url.as_str() {
            // Together with the location, or the two would pass through a pair that another repository may have.
            after.username.clone_from(&credentials.username);
            tx.update_repository(&mut after).await.map_err(taken)?;
            self.relocate(tx, &before, &mut after).await?;
        }
        self.put_everyday(tx, &mut after, &credentials, now).await?;
        Ok(after)
    }

    async fn host_credentials_view(
        &self,
        tx: &ReadTx,
        repository: &Repository,
        host: HostId,
    ) -> Result<HostCredentialsView, Error> {
        let kind = repository.url.kind();
        let everyday = self.slot_to_show(tx, kind, everyday_slot(repository.id)).await?;
        let (credentials, updated_at) = everyday.unwrap_or((Credentials::default(), repository.created_at));
        let own = self.slot_to_show(tx, kind, own_slot(repository.id, host)).await?;
        let host_override = own.is_some();
        let (credentials, updated_at) = match own {
            Some((own, changed_at)) => (credentials.with_own_login(own), updated_at.max(changed_at)),
            None => (credentials, updated_at),
        };
        Ok(HostCredentialsView {
            repository: repository.id,
            url: repository.url.clone(),
            slot: SlotView::new(&credentials, updated_at),
            host_override,
        })
    }
}

/// Finds a host. Errors: `host_not_found`.
pub(super) async fn known_host(tx: &ReadTx, id: HostId) -> Result<HostView, Error> {
    tx.host(id).await?.ok_or_else(|| Error::refuse(ErrorCode::HostNotFound))
}

/// The repository that a host uses.
pub(super) async fn repository_of(tx: &ReadTx, host: HostId) -> Result<Option<Repository>, Error> {
    let Some(binding) = tx.host_repository(host).await? else {
        return Ok(None);
    };
    Ok(tx.repository(binding.repository_id).await?)
}

fn missing(field: &str) -> Error {
    Error::refuse_field(
        ErrorCode::MissingField,
        field,
        "this field is required for a host that has no repository",
    )
}

/// An update of a host that changes nothing but its version.
fn counted(host: &HostView) -> UpdateHost {
    UpdateHost {
        id: host.id,
        hostname: None,
        tags: None,
        is_always_on: None,
        limit_upload_kib_per_s: None,
        limit_download_kib_per_s: None,
        version: host.version,
    }
}
