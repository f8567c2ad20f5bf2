use domain::id::RepositoryId;
use domain::repository::RepositoryStatsView;
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repository_stats")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository_id: Uuid,
    pub stats: String,
    pub sizes_at: Option<i64>,
    pub locks_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for RepositoryStatsView {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let row = Row::new("repository_stats", &model.repository_id);
        Ok(Self {
            repository: RepositoryId::from_uuid(model.repository_id),
            stats: row.document("stats", &model.stats)?,
            sizes_at: row.time_or_none("sizes_at", model.sizes_at)?,
            locks_at: row.time_or_none("locks_at", model.locks_at)?,
        })
    }
}
