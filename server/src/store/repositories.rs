//! Repositories: where backups go.

use domain::id::RepositoryId;
use domain::name::RepositoryName;
use domain::repository::{LoginName, RepositoryUrl};
use domain::{ResticRepositoryId, Timestamp};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::host_repository;
use super::entity::repository::{ActiveModel, Column, Entity};
use super::page::{Page, PageRequest};
use super::row::{can_be_stored, must_be_fresh, must_exist, number};
use super::{Error, ReadTx, Tx};

const TABLE: &str = "repositories";

/// A restic repository. What opens it is kept apart, see `repository_credentials`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its id.
    pub id: RepositoryId,
    /// Its name, unique in any case.
    pub name: RepositoryName,
    /// Where it lies; unique together with the user name.
    pub url: RepositoryUrl,
    /// The user name of the everyday slot; a copy, so that the database can keep it unique.
    pub username: Option<LoginName>,
    /// restic's own id of it; `None` until a job has seen it.
    pub restic_id: Option<ResticRepositoryId>,
    /// When it was made known.
    pub created_at: Timestamp,
    /// Raised with every change of name or location.
    pub version: u64,
}

impl ReadTx {
    /// Finds a repository.
    pub async fn repository(&self, id: RepositoryId) -> Result<Option<Repository>, Error> {
        let found = Entity::find_by_id(id.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(Repository::try_from).transpose()
    }

    /// Finds a repository by name, in any case.
    pub async fn repository_by_name(&self, name: &RepositoryName) -> Result<Option<Repository>, Error> {
        let found = Entity::find()
            .filter(Column::NameKey.eq(name.key()))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(Repository::try_from).transpose()
    }

    /// Finds the repository at a location, as a user name of its server sees it.
    pub async fn repository_at(
        &self,
        url: &RepositoryUrl,
        username: Option<&LoginName>,
    ) -> Result<Option<Repository>, Error> {
        let found = Entity::find()
            .filter(Column::UrlCanonical.eq(url.canonical()))
            .filter(Column::Username.eq(login(username)))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(Repository::try_from).transpose()
    }

    /// Lists repositories by name.
    pub async fn repositories(&self, page: &PageRequest<String>) -> Result<Page<Repository, String>, Error> {
        let total = Entity::find().count(&self.on).await.map_err(Error::at(TABLE))?;
        let mut wanted = Entity::find().order_by_asc(Column::NameKey).limit(page.limit());
        if let Some(after) = page.after.as_ref().filter(|after| can_be_stored(after)) {
            wanted = wanted.filter(Column::NameKey.gt(after));
        }
        let rows = wanted.all(&self.on).await.map_err(Error::at(TABLE))?;
        let repositories = rows
            .into_iter()
            .map(Repository::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(repositories, page, total, |repository| repository.name.key()))
    }

    /// How many hosts use a repository.
    pub async fn repository_host_count(&self, id: RepositoryId) -> Result<u64, Error> {
        host_repository::Entity::find()
            .filter(host_repository::Column::RepositoryId.eq(id.as_uuid()))
            .count(&self.on)
            .await
            .map_err(Error::at("host_repositories"))
    }
}

impl Tx {
    /// Adds a repository. [`Error::Taken`] when the name exists, or the location with the same user name.
    pub async fn insert_repository(&self, repository: &Repository) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(repository.id.as_uuid()),
            name: Set(repository.name.to_string()),
            name_key: Set(repository.name.key()),
            url: Set(repository.url.as_str().to_owned()),
            url_canonical: Set(repository.url.canonical().to_owned()),
            username: Set(login(repository.username.as_ref()).to_owned()),
            restic_id: Set(repository.restic_id.map(|id| id.to_string())),
            created_at: Set(repository.created_at.as_micros()),
            version: Set(number(TABLE, "version", repository.version)?),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Sets name, location and the copy of the user name. `version` of the repository is the one that was read; on return it
    /// has been raised.
    ///
    /// [`Error::Stale`] when the row is of another version by now, [`Error::Taken`] as for a new one.
    pub async fn update_repository(&self, repository: &mut Repository) -> Result<(), Error> {
        let version = number(TABLE, "version", repository.version)?;
        let row = ActiveModel {
            name: Set(repository.name.to_string()),
            name_key: Set(repository.name.key()),
            url: Set(repository.url.as_str().to_owned()),
            url_canonical: Set(repository.url.canonical().to_owned()),
            username: Set(login(repository.username.as_ref()).to_owned()),
            version: Set(version + 1),
            ..ActiveModel::default()
        };
        let done = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(repository.id.as_uuid()))
            .filter(Column::Version.eq(version))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_be_fresh(done.rows_affected, TABLE, &repository.id)?;
        repository.version += 1;
        Ok(())
    }

    /// Sets the copy of the everyday slot's user name. [`Error::Taken`] when the location is known with it.
    pub async fn set_repository_username(&self, id: RepositoryId, username: Option<&LoginName>) -> Result<(), Error> {
        let row = ActiveModel {
            username: Set(login(username).to_owned()),
            ..ActiveModel::default()
        };
        self.set_of_repository(id, row).await
    }

    /// Sets restic's own id of a repository.
    pub async fn set_restic_repository_id(
        &self,
        id: RepositoryId,
        restic_id: Option<ResticRepositoryId>,
    ) -> Result<(), Error> {
        let row = ActiveModel {
            restic_id: Set(restic_id.map(|id| id.to_string())),
            ..ActiveModel::default()
        };
        self.set_of_repository(id, row).await
    }

    /// Forgets a repository and its credentials. [`Error::Dangling`] while a host uses it.
    pub async fn delete_repository(&self, id: RepositoryId) -> Result<(), Error> {
        let done = Entity::delete_by_id(id.as_uuid())
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }

    async fn set_of_repository(&self, id: RepositoryId, row: ActiveModel) -> Result<(), Error> {
        let done = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(id.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }
}

/// No name is an empty one, or a unique index would not see two of them.
fn login(username: Option<&LoginName>) -> &str {
    username.map(LoginName::as_str).unwrap_or_default()
}
