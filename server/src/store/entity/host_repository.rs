use domain::id::{HostId, JobId, RepositoryId};
use domain::repository::RepoStatus;
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::host_repositories::{FoundRepository, HostRepository};
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "host_repositories")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub host_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository_id: Uuid,
    pub is_default: bool,
    pub status: String,
    pub detail: String,
    pub snapshot_list: Option<Uuid>,
    pub snapshots_refreshed_at: Option<i64>,
    pub snapshot_count: i64,
    pub found_restic_id: Option<String>,
    pub found_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for HostRepository {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let row = row(&model);
        Ok(Self {
            host_id: HostId::from_uuid(model.host_id),
            repository_id: RepositoryId::from_uuid(model.repository_id),
            status: status(&model)?,
            snapshot_list: model.snapshot_list.map(JobId::from_uuid),
            snapshots_refreshed_at: row.time_or_none("snapshots_refreshed_at", model.snapshots_refreshed_at)?,
            snapshot_count: row.count("snapshot_count", model.snapshot_count)?,
            found: found(&row, &model)?,
        })
    }
}

/// How the repository is for the host.
pub(in crate::store) fn status(model: &Model) -> Result<RepoStatus, Error> {
    RepoStatus::from_stored(&model.status, &model.detail).map_err(|source| row(model).fault("status", source))
}

fn found(row: &Row, model: &Model) -> Result<Option<FoundRepository>, Error> {
    let (Some(restic_id), Some(at)) = (&model.found_restic_id, model.found_at) else {
        return Ok(None);
    };
    Ok(Some(FoundRepository {
        restic_id: row.word("found_restic_id", restic_id)?,
        at: row.time("found_at", at)?,
    }))
}

fn row(model: &Model) -> Row {
    Row::new(
        "host_repositories",
        &format_args!("{}/{}", model.host_id, model.repository_id),
    )
}
