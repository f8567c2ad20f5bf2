use domain::id::{CertificateId, HostId};
use sea_orm::entity::prelude::*;

use crate::store::Error;
use crate::store::certificates::HostCertificate;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "host_certificates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub host_id: Uuid,
    pub serial: String,
    pub public_key_sha256: Vec<u8>,
    pub certificate: Vec<u8>,
    pub not_before: i64,
    pub not_after: i64,
    pub issued_at: i64,
    pub revoked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for HostCertificate {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let Model {
            id,
            host_id,
            serial,
            public_key_sha256,
            certificate,
            not_before,
            not_after,
            issued_at,
            revoked_at,
        } = model;
        let row = Row::new("host_certificates", &id);
        Ok(Self {
            id: CertificateId::from_uuid(id),
            host_id: HostId::from_uuid(host_id),
            serial,
            public_key_sha256: row.hash("public_key_sha256", public_key_sha256)?,
            certificate,
            not_before: row.time("not_before", not_before)?,
            not_after: row.time("not_after", not_after)?,
            issued_at: row.time("issued_at", issued_at)?,
            revoked_at: row.time_or_none("revoked_at", revoked_at)?,
        })
    }
}
