//! How large repositories are and which locks they hold.

use domain::Timestamp;
use domain::id::RepositoryId;
use domain::repository::RepositoryStatsView;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait as _};

use super::entity::repository_stats::{ActiveModel, Column, Entity};
use super::row::json;
use super::{Error, ReadTx, Tx};

const TABLE: &str = "repository_stats";

impl ReadTx {
    /// Finds the numbers of a repository; `None` before any job has found some out.
    pub async fn repository_stats(&self, repository: RepositoryId) -> Result<Option<RepositoryStatsView>, Error> {
        let found = Entity::find_by_id(repository.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(RepositoryStatsView::try_from).transpose()
    }
}

impl Tx {
    /// Puts the numbers of a repository, whole, in place of those that were there. [`Error::Dangling`] when there is no
    /// such repository.
    pub async fn put_repository_stats(&self, view: &RepositoryStatsView) -> Result<(), Error> {
        let row = ActiveModel {
            repository_id: Set(view.repository.as_uuid()),
            stats: Set(json(TABLE, "stats", &view.stats)?),
            sizes_at: Set(view.sizes_at.map(Timestamp::as_micros)),
            locks_at: Set(view.locks_at.map(Timestamp::as_micros)),
        };
        let replace = OnConflict::column(Column::RepositoryId)
            .update_columns([Column::Stats, Column::SizesAt, Column::LocksAt])
            .to_owned();
        Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }
}
