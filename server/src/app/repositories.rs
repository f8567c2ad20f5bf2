//! Repositories: making them known, changing them, setting what opens them.

use domain::id::{HostId, Id as _, RepositoryId};
use domain::name::RepositoryName;
use domain::page::{Page, PageQuery};
use domain::repository::{
    CredentialSlot, Credentials, NewRepository, RepoEvent, RepositoryUrl, RepositoryView, SetCredentials, SlotView,
    UpdateRepository, worst_first,
};
use domain::{ErrorCode, Role, Timestamp};
use serde_json::json;

use super::first_jobs::Occasion;
use super::news::News;
use super::record::{Change, record};
use super::replaced::replacements;
use super::repository_secrets::to_change;
use super::{App, Caller, Error, paging};
use crate::store::{self, CredentialKey, ReadTx, Repository, Tx};

/// How many hosts a refusal names.
const NAMED: usize = 10;
/// How many numbers are tried behind a name that is taken.
const NUMBERED: u32 = 1000;

impl App {
    /// Lists repositories by name. Errors: `invalid_page_token`.
    pub async fn list_repositories(&self, _: &Caller, query: PageQuery) -> Result<Page<RepositoryView>, Error> {
        let list = json!(["repositories"]);
        let request = paging::open(&query, &list)?;
        let tx = self.0.store.read().await?;
        let Page {
            items,
            next_token,
            total,
        } = paging::close(tx.repositories(&request).await?, &list)?;
        let mut views = Vec::with_capacity(items.len());
        for repository in items {
            views.push(self.repository_view(&tx, repository).await?);
        }
        Ok(Page {
            items: views,
            next_token,
            total,
        })
    }

    /// Shows one repository. Errors: `repository_not_found`.
    pub async fn get_repository(&self, _: &Caller, id: RepositoryId) -> Result<RepositoryView, Error> {
        let tx = self.0.store.read().await?;
        let repository = known(&tx, id).await?;
        self.repository_view(&tx, repository).await
    }

    /// Makes a repository known. Errors: `repository_exists`.
    pub async fn create_repository(&self, caller: &Caller, new: NewRepository) -> Result<RepositoryView, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let repository = self.add_repository(&tx, new, now).await?;
        let facts = json!({ "repo_url": repository.url.as_str(), "kind": repository.url.kind().as_str() });
        record(&tx, caller, about("repository.created", &repository).with(facts), now).await?;
        let view = self.repository_view(&tx, repository).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Renames a repository or gives it another location; what is absent stays.
    ///
    /// At another location it counts as untried: its hosts look at it anew, and whatever repository lies there is taken
    /// for the one that is meant. Errors: `repository_not_found`, `repository_exists`, `version_conflict`, `forbidden` when
    /// somebody other than an admin moves it to another server.
    pub async fn update_repository(&self, caller: &Caller, update: UpdateRepository) -> Result<RepositoryView, Error> {
        let UpdateRepository { id, name, url, version } = update;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let before = known(&tx, id).await?;
        if before.version != version {
            return Err(version_conflict(before.version));
        }
        let mut after = before.clone();
        after.name = name.unwrap_or(after.name);
        after.url = url.unwrap_or(after.url);
        let changed = changed_fields(&before, &after);
        if changed.is_empty() {
            return self.repository_view(&tx, before).await;
        }
        refuse_taken(&tx, &after).await?;
        tx.update_repository(&mut after).await.map_err(taken)?;
        let mut news = News::default();
        if after.url.as_str() != before.url.as_str() {
            refuse_stranger(caller, &before.url, &after.url, "repo_url")?;
            self.relocate(&tx, &before, &mut after).await?;
            self.credentials_changed(&tx, id, now, &mut news).await?;
        }
        record(
            &tx,
            caller,
            about("repository.updated", &after).with(json!({ "fields": changed })),
            now,
        )
        .await?;
        let view = self.repository_view(&tx, after).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(view)
    }

    /// Forgets a repository; its data stays. Errors: `repository_not_found`, `repository_in_use`.
    pub async fn delete_repository(&self, caller: &Caller, id: RepositoryId) -> Result<(), Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let repository = known(&tx, id).await?;
        refuse_in_use(&tx, id).await?;
        tx.delete_repository(id).await?;
        record(&tx, caller, about("repository.deleted", &repository), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets the everyday slot; what is empty stays. Errors: `repository_not_found`, `invalid_argument` for a variable that
    /// the backend does not read, `repository_exists` when the location is known with the new user name.
    pub async fn set_credentials(&self, caller: &Caller, set: SetCredentials) -> Result<RepositoryView, Error> {
        let SetCredentials { id, change } = set;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let mut repository = known(&tx, id).await?;
        let fields = change.field_names();
        if fields.is_empty() {
            return self.repository_view(&tx, repository).await;
        }
        let current = to_change(self.everyday(&tx, &repository).await, &repository, &change)?;
        let credentials = change
            .apply(repository.url.kind(), current)
            .map_err(|error| invalid_env(&error))?;
        self.put_everyday(&tx, &mut repository, &credentials, now).await?;
        let mut news = News::default();
        self.credentials_changed(&tx, id, now, &mut news).await?;
        let change = about("repository.credentials_updated", &repository).with(json!({ "fields": fields }));
        record(&tx, caller, change, now).await?;
        let view = self.repository_view(&tx, repository).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(view)
    }

    /// Sets the admin slot; what is empty stays. Nothing of it goes to a host before a job needs it.
    ///
    /// Errors: `repository_not_found`, `invalid_argument` for a variable that the backend does not read.
    pub async fn set_admin_credentials(&self, caller: &Caller, set: SetCredentials) -> Result<RepositoryView, Error> {
        let SetCredentials { id, change } = set;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let repository = known(&tx, id).await?;
        let fields = change.field_names();
        if fields.is_empty() {
            return self.repository_view(&tx, repository).await;
        }
        let kind = repository.url.kind();
        let key = admin_slot(id);
        let stored = self.read_slot(&tx, kind, key).await;
        let stored = stored.map(|slot| slot.map(|(credentials, _)| credentials).unwrap_or_default());
        let current = to_change(stored, &repository, &change)?;
        let credentials = change.apply(kind, current).map_err(|error| invalid_env(&error))?;
        self.write_slot(&tx, key, &credentials, now).await?;
        let change = about("repository.admin_credentials_updated", &repository).with(json!({ "fields": fields }));
        record(&tx, caller, change, now).await?;
        let view = self.repository_view(&tx, repository).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Removes the admin slot. Errors: `repository_not_found`.
    pub async fn delete_admin_credentials(&self, caller: &Caller, id: RepositoryId) -> Result<RepositoryView, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let repository = known(&tx, id).await?;
        let was_there = tx.delete_credentials(admin_slot(id)).await?;
        if was_there {
            record(
                &tx,
                caller,
                about("repository.admin_credentials_deleted", &repository),
                now,
            )
            .await?;
        }
        let view = self.repository_view(&tx, repository).await?;
        if was_there {
            tx.commit().await?;
        }
        Ok(view)
    }

    /// Adds a repository with its everyday slot. A name that was given must be free; one that was not is found.
    ///
    /// Errors: `repository_exists`.
    pub(super) async fn add_repository(
        &self,
        tx: &Tx,
        new: NewRepository,
        now: Timestamp,
    ) -> Result<Repository, Error> {
        let NewRepository { name, url, credentials } = new;
        let credentials = credentials.for_new_repository();
        let id = RepositoryId::generate(self.0.ids.as_ref());
        let name = match name {
            Some(name) => name,
            None => free_name(tx, url.suggested_name(), id).await?,
        };
        let username = credentials.username.clone();
        let repository = Repository {
            id,
            name,
            url,
            username,
            restic_id: None,
            created_at: now,
            version: 1,
        };
        refuse_taken(tx, &repository).await?;
        tx.insert_repository(&repository).await.map_err(taken)?;
        self.write_slot(tx, everyday_slot(id), &credentials, now).await?;
        Ok(repository)
    }

    /// Finds the repository at a location that is to be used with these credentials, or adds it.
    ///
    /// Errors: `repository_credentials_differ` when it is known there with others.
    pub(super) async fn use_repository(
        &self,
        tx: &Tx,
        new: NewRepository,
        now: Timestamp,
    ) -> Result<Repository, Error> {
        let username = new.credentials.username.as_ref();
        let Some(known) = tx.repository_at(&new.url, username).await? else {
            return self.add_repository(tx, new, now).await;
        };
        let everyday = self.everyday(tx, &known).await?;
        if everyday.agree_with(&new.credentials.for_new_repository()) {
            Ok(known)
        } else {
            Err(Error::refuse(ErrorCode::RepositoryCredentialsDiffer))
        }
    }

    /// Puts the everyday slot and its copy of the user name. Errors: `repository_exists`.
    pub(super) async fn put_everyday(
        &self,
        tx: &Tx,
        repository: &mut Repository,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<(), Error> {
        if repository.username != credentials.username {
            repository.username.clone_from(&credentials.username);
            refuse_taken(tx, repository).await?;
            tx.set_repository_username(repository.id, repository.username.as_ref())
                .await?;
        }
        self.write_slot(tx, everyday_slot(repository.id), credentials, now)
            .await
    }

    /// Does what another location of a repository means: for its slots, for what is known of it, and for its hosts.
    pub(super) async fn relocate(&self, tx: &Tx, before: &Repository, after: &mut Repository) -> Result<(), Error> {
        if after.url.kind() != before.url.kind() {
            self.fit_slots(tx, before.url.kind(), after.url.kind(), after.id)
                .await?;
        }
        if after.url != before.url {
            after.restic_id = None;
            tx.set_restic_repository_id(after.id, None).await?;
            for binding in tx.repository_hosts(after.id).await? {
                tx.set_repo_status(binding.host_id, after.id, binding.status.next(RepoEvent::Bound))
                    .await?;
                tx.set_found_repository(binding.host_id, after.id, None).await?;
            }
        }
        Ok(())
    }

    /// Lets every host of a repository know that what it should hold has changed, and has those that are online look at
    /// the repository.
    async fn credentials_changed(
        &self,
        tx: &Tx,
        repository: RepositoryId,
        now: Timestamp,
        news: &mut News,
    ) -> Result<(), Error> {
        for host in tx.raise_desired_versions_of(repository).await? {
            news.host(host);
            self.order_first_job(tx, host, Occasion::CredentialsChanged, now, news)
                .await?;
        }
        Ok(())
    }

    /// Shows a repository, which takes a look at whether its slots are set.
    pub(super) async fn repository_view(&self, tx: &ReadTx, repository: Repository) -> Result<RepositoryView, Error> {
        let replacements = replacements(tx, &repository).await?;
        let Repository {
            id,
            name,
            url,
            username: _,
            restic_id,
            created_at,
            version,
        } = repository;
        let everyday = self.slot_to_show(tx, url.kind(), everyday_slot(id)).await?;
        let (credentials, updated_at) = everyday.unwrap_or((Credentials::default(), created_at));
        let admin = self.slot_to_show(tx, url.kind(), admin_slot(id)).await?;
        let mut host_states = tx.repository_host_states(id).await?;
        worst_first(&mut host_states);
        let stats = tx
            .repository_stats(id)
            .await?
            .map(|view| view.stats)
            .unwrap_or_default();
        Ok(RepositoryView {
            id,
            name,
            url,
            restic_id,
            replacements,
            everyday: SlotView::new(&credentials, updated_at),
            admin: admin.map(|(credentials, updated_at)| SlotView::new(&credentials, updated_at)),
            host_states,
            raw_size: stats.raw_size,
            snapshot_count: stats.snapshot_count,
            created_at,
            version,
        })
    }
}

/// The everyday slot of a repository.
pub(super) const fn everyday_slot(repository: RepositoryId) -> CredentialKey {
    CredentialKey {
        repository,
        slot: CredentialSlot::Everyday,
        host: None,
    }
}

/// The login that one host has in the place of the everyday slot.
pub(super) const fn own_slot(repository: RepositoryId, host: HostId) -> CredentialKey {
    CredentialKey {
        repository,
        slot: CredentialSlot::Everyday,
        host: Some(host),
    }
}

const fn admin_slot(repository: RepositoryId) -> CredentialKey {
    CredentialKey {
        repository,
        slot: CredentialSlot::Admin,
        host: None,
    }
}

/// Finds a repository. Errors: `repository_not_found`.
pub(super) async fn known(tx: &ReadTx, id: RepositoryId) -> Result<Repository, Error> {
    tx.repository(id)
        .await?
        .ok_or_else(|| Error::refuse(ErrorCode::RepositoryNotFound))
}

/// Says that somebody was faster.
pub(super) fn version_conflict(current: u64) -> Error {
    let meaning = ErrorCode::VersionConflict.meaning();
    Error::refuse_field(
        ErrorCode::VersionConflict,
        "version",
        format!("{meaning} Its version is {current}."),
    )
}

/// Says which variable of an environment is in the way.
pub(super) fn invalid_env(error: &domain::repository::InvalidBackendEnv) -> Error {
    Error::refuse_field(ErrorCode::InvalidArgument, &error.field(), error.to_string())
}

/// Begins the entry about a change of a repository.
pub(super) fn about(action: &'static str, repository: &Repository) -> Change {
    Change::new(action).to("repository", repository.id, &repository.name)
}

fn changed_fields(before: &Repository, after: &Repository) -> Vec<&'static str> {
    let fields = [
        ("name", before.name != after.name),
        ("repo_url", before.url.as_str() != after.url.as_str()),
    ];
    fields
        .into_iter()
        .filter_map(|(name, is_changed)| is_changed.then_some(name))
        .collect()
}

/// Refuses a name or a location that another repository has. Errors: `repository_exists`.
async fn refuse_taken(tx: &ReadTx, repository: &Repository) -> Result<(), Error> {
    let Repository {
        id,
        name,
        url,
        username,
        ..
    } = repository;
    if tx.repository_by_name(name).await?.is_some_and(|other| other.id != *id) {
        let message = "a repository with this name exists; choose another name";
        return Err(Error::refuse_field(ErrorCode::RepositoryExists, "name", message));
    }
    if let Some(other) = tx
        .repository_at(url, username.as_ref())
        .await?
        .filter(|other| other.id != *id)
    {
        let message = format!(
            "the repository {:?} has this URL and user name; use that one",
            other.name
        );
        return Err(Error::refuse_field(ErrorCode::RepositoryExists, "repo_url", message));
    }
    Ok(())
}

/// Says that somebody was faster to take a name or a location.
pub(super) fn taken(error: store::Error) -> Error {
    if matches!(error, store::Error::Taken { .. }) {
        Error::refuse(ErrorCode::RepositoryExists)
    } else {
        error.into()
    }
}

async fn refuse_in_use(tx: &ReadTx, id: RepositoryId) -> Result<(), Error> {
    let bindings = tx.repository_hosts(id).await?;
    if bindings.is_empty() {
        return Ok(());
    }
    let mut names = Vec::new();
    for binding in bindings.iter().take(NAMED) {
        names.extend(tx.host(binding.host_id).await?.map(|host| host.hostname.to_string()));
    }
    let more = bindings.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let hosts = names.join(", ");
    let message = format!("{hosts}{more} still use this repository; bind them to another one first");
    Err(Error::refuse_with(ErrorCode::RepositoryInUse, message))
}

/// A name that no repository has: the one suggested, else with a number behind it, else the id.
async fn free_name(tx: &ReadTx, suggested: Option<RepositoryName>, id: RepositoryId) -> Result<RepositoryName, Error> {
    let base = suggested.map_or_else(|| "repository".to_owned(), |name| name.to_string());
    for number in 1..=NUMBERED {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!(" ({number})")
        };
        let room = 64 - suffix.len();
        let cut: String = base.chars().take(room).collect();
        let Ok(name) = format!("{}{suffix}", cut.trim_end()).parse() else {
            continue;
        };
        if tx.repository_by_name(&name).await?.is_none() {
            return Ok(name);
        }
    }
    id.to_string()
        .parse()
        .map_err(|error| Error::failed("naming a repository", error))
}

/// The stored login goes along to a new location. To a server that does not know it yet only an admin may send it: else an
/// operator could have it sent to a machine of their own and read there what no answer shows.
pub(super) fn refuse_stranger(
    caller: &Caller,
    before: &RepositoryUrl,
    after: &RepositoryUrl,
    field: &str,
) -> Result<(), Error> {
    let is_admin = caller.user().is_some_and(|user| user.role >= Role::Admin);
    if is_admin || after.is_at_server_of(before) {
        return Ok(());
    }
    Err(Error::refuse_field(
        ErrorCode::Forbidden,
        field,
        "only an admin may move a repository to another server, for its stored login goes along; make a repository of its \
         own for the new location instead, or ask an admin",
    ))
}
