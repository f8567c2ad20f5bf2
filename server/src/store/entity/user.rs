use domain::id::UserId;
use sea_orm::entity::prelude::*;

use crate::store::row::Row;
use crate::store::users::User;
use crate::store::{Error, entity};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    #[sea_orm(unique)]
    pub name_key: String,
    pub role: String,
    pub password_hash: String,
    pub enabled: bool,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "entity::login_session::Entity")]
    LoginSessions,
}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for User {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            name,
            name_key: _,
            role,
            password_hash,
            enabled,
            created_at,
        } = model;
        let row = Row::new("users", &id);
        Ok(Self {
            id: UserId::from_uuid(id),
            name: row.word("name", &name)?,
            role: row.word("role", &role)?,
            password_hash,
            enabled,
            created_at: row.time("created_at", created_at)?,
        })
    }
}
