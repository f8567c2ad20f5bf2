use domain::id::{HostId, RepositoryId};
use sea_orm::entity::prelude::*;

use crate::secrets::Sealed;
use crate::store::Error;
use crate::store::repository_credentials::{CredentialKey, StoredCredentials};
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repository_credentials")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub repository_id: Uuid,
    pub slot: String,
    pub host_id: Option<Uuid>,
    pub sealed: Vec<u8>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for StoredCredentials {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            repository_id,
            slot,
            host_id,
            sealed,
            updated_at,
        } = model;
        let row = Row::new("repository_credentials", &id);
        Ok(Self {
            key: CredentialKey {
                repository: RepositoryId::from_uuid(repository_id),
                slot: row.word("slot", &slot)?,
                host: host_id.map(HostId::from_uuid),
            },
            sealed: Sealed::from_bytes(sealed),
            updated_at: row.time("updated_at", updated_at)?,
        })
    }
}
