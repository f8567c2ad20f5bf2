use domain::ByteSize;
use domain::snapshot::Snapshot;
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "snapshots")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub host_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub list_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub time: i64,
    pub restic_host: String,
    pub paths: String,
    pub tags: String,
    pub size_bytes: Option<i64>,
    pub file_count: Option<i64>,
    pub program_version: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Snapshot {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            host_id: _,
            repository_id: _,
            list_id: _,
            id,
            time,
            restic_host,
            paths,
            tags,
            size_bytes,
            file_count,
            program_version,
        } = model;
        let row = Row::new("snapshots", &id);
        Ok(Self {
            id: row.word("id", &id)?,
            time: row.time("time", time)?,
            restic_host: restic_host.into(),
            paths: row.document("paths", &paths)?,
            tags: row.document("tags", &tags)?,
            size: row.count_or_none("size_bytes", size_bytes)?.map(ByteSize::from_bytes),
            file_count: row.count_or_none("file_count", file_count)?,
            program_version: program_version.map(Into::into),
        })
    }
}
