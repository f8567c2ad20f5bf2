use domain::id::CertificateId;
use sea_orm::entity::prelude::*;

use crate::pki::CaRole;
use crate::secrets::Sealed;
use crate::store::Error;
use crate::store::certificates::StoredCa;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ca_certificates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub role: String,
    pub certificate: Vec<u8>,
    pub sealed_key: Vec<u8>,
    pub not_before: i64,
    pub not_after: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for StoredCa {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            role,
            certificate,
            sealed_key,
            not_before,
            not_after,
            created_at,
        } = model;
        let row = Row::new("ca_certificates", &id);
        Ok(Self {
            id: CertificateId::from_uuid(id),
            role: CaRole::parse(&role).ok_or_else(|| row.fault("role", "not a role of a CA"))?,
            certificate,
            sealed_key: Sealed::from_bytes(sealed_key),
            not_before: row.time("not_before", not_before)?,
            not_after: row.time("not_after", not_after)?,
            created_at: row.time("created_at", created_at)?,
        })
    }
}
