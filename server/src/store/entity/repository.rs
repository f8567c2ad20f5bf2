use domain::id::RepositoryId;
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::repositories::Repository;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repositories")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub name_key: String,
    pub url: String,
    pub url_canonical: String,
    pub username: String,
    pub restic_id: Option<String>,
    pub created_at: i64,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Repository {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            name,
            name_key: _,
            url,
            url_canonical: _,
            username,
            restic_id,
            created_at,
            version,
        } = model;
        let row = Row::new("repositories", &id);
        let username = (!username.is_empty()).then_some(username);
        Ok(Self {
            id: RepositoryId::from_uuid(id),
            name: row.word("name", &name)?,
            url: row.word("url", &url)?,
            username: username.map(|name| row.word("username", &name)).transpose()?,
            restic_id: restic_id.map(|id| row.word("restic_id", &id)).transpose()?,
            created_at: row.time("created_at", created_at)?,
            version: row.count("version", version)?,
        })
    }
}
