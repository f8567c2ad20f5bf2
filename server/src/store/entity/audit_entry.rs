use domain::audit::{ChainHash, Entry};
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::audit::AuditLine;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub at: i64,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub actor_name: String,
    pub ip: Option<String>,
    pub action: String,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    pub target_name: String,
    pub payload: String,
    pub hash: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for AuditLine {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            at,
            actor_kind,
            actor_id,
            actor_name,
            ip,
            action,
            target_kind,
            target_id,
            target_name,
            payload,
            hash,
        } = model;
        let row = Row::new("audit_log", &id);
        let entry = Entry {
            id: row.count("id", id)?,
            ts: row.time("at", at)?,
            actor_kind: row.word("actor_kind", &actor_kind)?,
            actor_id,
            actor_name: actor_name.into(),
            ip: ip.map(|ip| row.word("ip", &ip)).transpose()?,
            action,
            target_kind,
            target_id,
            target_name: target_name.into(),
            payload,
        };
        Ok(Self {
            entry,
            hash: ChainHash::from_bytes(row.hash("hash", hash)?),
        })
    }
}
