use domain::id::{IdempotencyKey, RequestId, UserId};
use sea_orm::entity::prelude::*;

use crate::secrets::Sealed;
use crate::store::Error;
use crate::store::idempotency_keys::{Claim, Claimed, TABLE};
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Uuid,
    pub request_id: Uuid,
    pub asked_sealed: Vec<u8>,
    pub answer: Option<Vec<u8>>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Claimed {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            user_id,
            key,
            request_id,
            asked_sealed,
            answer,
            created_at,
        } = model;
        let row = Row::new(TABLE, &format_args!("{user_id}/{key}"));
        Ok(Self {
            claim: Claim {
                user: UserId::from_uuid(user_id),
                key: IdempotencyKey::from_uuid(key),
                request: RequestId::from_uuid(request_id),
                asked: Sealed::from_bytes(asked_sealed),
            },
            answer,
            created_at: row.time("created_at", created_at)?,
        })
    }
}
