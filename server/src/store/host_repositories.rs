//! Which repository a host uses, and how that is for it.

use domain::host::HostStatus;
use domain::id::{HostId, JobId, RepositoryId};
use domain::repository::{HostState, RepoStatus};
use domain::{ResticRepositoryId, Timestamp};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::host;
use super::entity::host_repository::{ActiveModel, Column, Entity};
use super::row::{Row, must_exist};
use super::{Error, ReadTx, Tx};

pub(super) const TABLE: &str = "host_repositories";

/// A host's use of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRepository {
    /// The host.
    pub host_id: HostId,
    /// Its repository.
    pub repository_id: RepositoryId,
    /// How the repository is, as far as this host's jobs have told. Never unset.
    pub status: RepoStatus,
    /// The job that made the list of snapshots in force; `None` before the first.
    pub snapshot_list: Option<JobId>,
    /// When the server got that list.
    pub snapshots_refreshed_at: Option<Timestamp>,
    /// Snapshots in it.
    pub snapshot_count: u64,
    /// The other repository that the host found in its place; `None` unless it was replaced.
    pub found: Option<FoundRepository>,
}

/// A repository that lies where another one should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundRepository {
    /// What restic calls it.
    pub restic_id: ResticRepositoryId,
    /// When the server heard of it.
    pub at: Timestamp,
}

impl ReadTx {
    /// Finds the repository that a host uses.
    pub async fn host_repository(&self, host: HostId) -> Result<Option<HostRepository>, Error> {
        let found = Entity::find()
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::IsDefault.eq(true))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(HostRepository::try_from).transpose()
    }

    /// Lists the hosts that are there and whose repository is as it was when they got it: nobody has tried it from there.
    pub async fn hosts_with_untried_repository(&self) -> Result<Vec<HostId>, Error> {
        let found = host::Entity::find()
            .inner_join(Entity)
            .filter(Column::IsDefault.eq(true))
            .filter(Column::Status.eq(RepoStatus::Pending.as_str()))
            .filter(host::Column::Status.eq(HostStatus::Online.as_str()))
            .order_by_asc(host::Column::Id)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(found.into_iter().map(|host| HostId::from_uuid(host.id)).collect())
    }

    /// Lists the hosts that use a repository.
    pub async fn repository_hosts(&self, repository: RepositoryId) -> Result<Vec<HostRepository>, Error> {
        let found = Entity::find()
            .filter(Column::RepositoryId.eq(repository.as_uuid()))
            .order_by_asc(Column::HostId)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.into_iter().map(HostRepository::try_from).collect()
    }

    /// Counts the hosts of a repository by how it is for them, in no order.
    pub async fn repository_host_states(&self, repository: RepositoryId) -> Result<Vec<HostState>, Error> {
        let rows: Vec<(String, String, i64)> = Entity::find()
            .select_only()
            .column(Column::Status)
            .column(Column::Detail)
            .column_as(Column::HostId.count(), "hosts")
            .filter(Column::RepositoryId.eq(repository.as_uuid()))
            .group_by(Column::Status)
            .group_by(Column::Detail)
            .into_tuple()
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let row = Row::new(TABLE, &repository);
        rows.into_iter()
            .map(|(word, detail, hosts)| {
                let status = RepoStatus::from_stored(&word, &detail);
                Ok(HostState {
                    status: status.map_err(|source| row.fault("status", source))?,
                    hosts: row.count("hosts", hosts)?,
                })
            })
            .collect()
    }
}

impl Tx {
    /// Gives a host a repository in place of the one that it used. The former one's list of snapshots goes, and so do the
    /// credentials that the host had there for itself.
    pub async fn bind_repository(
        &self,
        host: HostId,
        repository: RepositoryId,
        status: RepoStatus,
    ) -> Result<(), Error> {
        self.unbind_repository(host).await?;
        let row = ActiveModel {
            host_id: Set(host.as_uuid()),
            repository_id: Set(repository.as_uuid()),
            is_default: Set(true),
            status: Set(status.as_str().to_owned()),
            detail: Set(detail(status)),
            snapshot_list: Set(None),
            snapshots_refreshed_at: Set(None),
            snapshot_count: Set(0),
            found_restic_id: Set(None),
            found_at: Set(None),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        self.recompute(host).await
    }

    /// Sets how a repository is for a host that uses it.
    pub async fn set_repo_status(
        &self,
        host: HostId,
        repository: RepositoryId,
        status: RepoStatus,
    ) -> Result<(), Error> {
        let row = ActiveModel {
            status: Set(status.as_str().to_owned()),
            detail: Set(detail(status)),
            ..ActiveModel::default()
        };
        let done = Entity::update_many()
            .set(row)
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::RepositoryId.eq(repository.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &format_args!("{host}/{repository}"))?;
        self.recompute(host).await
    }

    /// Notes which other repository a host found in the place of this one; `None` when it was settled.
    pub async fn set_found_repository(
        &self,
        host: HostId,
        repository: RepositoryId,
        found: Option<FoundRepository>,
    ) -> Result<(), Error> {
        let row = ActiveModel {
            found_restic_id: Set(found.map(|found| found.restic_id.to_string())),
            found_at: Set(found.map(|found| found.at.as_micros())),
            ..ActiveModel::default()
        };
        let done = Entity::update_many()
            .set(row)
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::RepositoryId.eq(repository.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &format_args!("{host}/{repository}"))
    }

    async fn unbind_repository(&self, host: HostId) -> Result<(), Error> {
        Entity::delete_many()
            .filter(Column::HostId.eq(host.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        self.delete_credentials_of_host(host).await
    }
}

fn detail(status: RepoStatus) -> String {
    status.detail().map(|detail| detail.to_string()).unwrap_or_default()
}
