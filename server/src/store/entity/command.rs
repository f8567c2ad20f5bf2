use domain::id::{CommandId, HostId, JobId};
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::commands::{CommandState, StoredCommand};
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commands")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub host_id: Uuid,
    pub job_id: Uuid,
    pub kind: String,
    pub state: String,
    pub facts: String,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for StoredCommand {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            host_id,
            job_id,
            kind,
            state,
            facts,
            created_at,
            expires_at,
        } = model;
        let row = Row::new("commands", &id);
        let facts: serde_json::Value = row.document("facts", &facts)?;
        Ok(Self {
            id: CommandId::from_uuid(id),
            host_id: HostId::from_uuid(host_id),
            job_id: JobId::from_uuid(job_id),
            kind: row.word("kind", &kind)?,
            state: CommandState::from_stored(&state, &facts).map_err(|source| row.fault("state", source))?,
            created_at: row.time("created_at", created_at)?,
            expires_at: row.time("expires_at", expires_at)?,
        })
    }
}
