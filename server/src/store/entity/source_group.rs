use domain::id::{HostId, SourceGroupId};
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::row::Row;
use crate::store::source_groups::SourceGroup;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source_groups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub host_id: Uuid,
    pub name: String,
    pub paths: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for SourceGroup {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            host_id,
            name,
            paths,
            created_at,
        } = model;
        let row = Row::new("source_groups", &id);
        Ok(Self {
            id: SourceGroupId::from_uuid(id),
            host_id: HostId::from_uuid(host_id),
            name: row.word("name", &name)?,
            paths: row.document("paths", &paths)?,
            created_at: row.time("created_at", created_at)?,
        })
    }
}
