use domain::id::{LoginSessionId, UserId};
use sea_orm::entity::prelude::*;

use crate::store::login_sessions::LoginSession;
use crate::store::row::Row;
use crate::store::{Error, entity};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    #[sea_orm(unique)]
    pub token_sha256: Vec<u8>,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "entity::user::Entity",
        from = "Column::UserId",
        to = "entity::user::Column::Id"
    )]
    User,
}

impl Related<entity::user::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::User.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for LoginSession {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            user_id,
            token_sha256: _,
            created_at,
            expires_at,
        } = model;
        let row = Row::new("login_sessions", &id);
        Ok(Self {
            id: LoginSessionId::from_uuid(id),
            user_id: UserId::from_uuid(user_id),
            created_at: row.time("created_at", created_at)?,
            expires_at: row.time("expires_at", expires_at)?,
        })
    }
}
