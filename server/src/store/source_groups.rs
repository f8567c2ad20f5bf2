//! What hosts back up.

use domain::Timestamp;
use domain::id::{HostId, SourceGroupId};
use domain::name::SourceGroupName;
use domain::path::BackupPaths;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::entity::source_group::{ActiveModel, Column, Entity};
use super::row::json;
use super::{Error, ReadTx, Tx};

const TABLE: &str = "source_groups";

/// Something that a host backs up as one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceGroup {
    /// Its id.
    pub id: SourceGroupId,
    /// Whose.
    pub host_id: HostId,
    /// Unique on its host.
    pub name: SourceGroupName,
    /// What it saves.
    pub paths: BackupPaths,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ReadTx {
    /// Finds a source group.
    pub async fn source_group(&self, id: SourceGroupId) -> Result<Option<SourceGroup>, Error> {
        let found = Entity::find_by_id(id.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(SourceGroup::try_from).transpose()
    }

    /// Finds a source group of a host by name.
    pub async fn source_group_by_name(
        &self,
        host: HostId,
        name: &SourceGroupName,
    ) -> Result<Option<SourceGroup>, Error> {
        let found = Entity::find()
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::Name.eq(name.as_str()))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(SourceGroup::try_from).transpose()
    }

    /// Lists a host's source groups by name.
    pub async fn source_groups(&self, host: HostId) -> Result<Vec<SourceGroup>, Error> {
        let found = Entity::find()
            .filter(Column::HostId.eq(host.as_uuid()))
            .order_by_asc(Column::Name)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.into_iter().map(SourceGroup::try_from).collect()
    }
}

impl Tx {
    /// Adds a source group. [`Error::Taken`] when the host has one of this name.
    pub async fn insert_source_group(&self, group: &SourceGroup) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(group.id.as_uuid()),
            host_id: Set(group.host_id.as_uuid()),
            name: Set(group.name.to_string()),
            paths: Set(json(TABLE, "paths", &group.paths)?),
            created_at: Set(group.created_at.as_micros()),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }
}
