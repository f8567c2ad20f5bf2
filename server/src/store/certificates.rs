//! Certificates: of the built-in CA, with their sealed keys, and of hosts.

use std::collections::HashMap;

use domain::Timestamp;
use domain::id::{CertificateId, HostId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::entity::{ca_certificate, host_certificate};
use super::{Error, ReadTx, Tx};
use crate::pki::CaRole;
use crate::secrets::Sealed;

const CA: &str = "ca_certificates";
const HOST: &str = "host_certificates";

/// A certificate of the built-in CA and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCa {
    /// Its id.
    pub id: CertificateId,
    /// Which part of the tree it is.
    pub role: CaRole,
    /// X.509 in DER.
    pub certificate: Vec<u8>,
    /// PKCS#8 in DER, sealed for the table `ca_certificates`, the column `sealed_key` and the row [`Self::id`].
    pub sealed_key: Sealed,
    /// From when it is in force.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A certificate that was issued to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCertificate {
    /// Its id.
    pub id: CertificateId,
    /// Whose.
    pub host_id: HostId,
    /// As the certificate bears it, 32 lower-case hex digits.
    pub serial: String,
    /// SHA-256 of its public key info.
    pub public_key_sha256: [u8; 32],
    /// X.509 in DER, without its issuers.
    pub certificate: Vec<u8>,
    /// From when it is in force.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it was declared void; `None` while it is not.
    pub revoked_at: Option<Timestamp>,
}

impl ReadTx {
    /// Lists the CA certificates of a role, the one in use first.
    pub async fn ca_certificates(&self, role: CaRole) -> Result<Vec<StoredCa>, Error> {
        use ca_certificate::{Column, Entity};
        let found = Entity::find()
            .filter(Column::Role.eq(role.as_str()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(&self.on)
            .await
            .map_err(Error::at(CA))?;
        found.into_iter().map(StoredCa::try_from).collect()
    }

    /// Finds the CA certificate of a role that is in use: the one made last.
    pub async fn ca_certificate(&self, role: CaRole) -> Result<Option<StoredCa>, Error> {
        Ok(self.ca_certificates(role).await?.into_iter().next())
    }

    /// Finds the host certificate with this serial number, revoked or not.
    pub async fn certificate(&self, serial: &str) -> Result<Option<HostCertificate>, Error> {
        use host_certificate::{Column, Entity};
        let found = Entity::find()
            .filter(Column::Serial.eq(serial))
            .one(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        found.map(HostCertificate::try_from).transpose()
    }

    /// Lists a host's certificates, the newest first.
    pub async fn host_certificates(&self, host: HostId) -> Result<Vec<HostCertificate>, Error> {
        use host_certificate::{Column, Entity};
        let found = Entity::find()
            .filter(Column::HostId.eq(host.as_uuid()))
            .order_by_desc(Column::IssuedAt)
            .order_by_desc(Column::Id)
            .all(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        found.into_iter().map(HostCertificate::try_from).collect()
    }

    /// When the last of the good certificates of each of these hosts ends. A host without one is left out.
    pub async fn certificate_ends(&self, hosts: &[HostId]) -> Result<HashMap<HostId, Timestamp>, Error> {
        use host_certificate::{Column, Entity};
        let good = Entity::find()
            .filter(Column::HostId.is_in(hosts.iter().map(HostId::as_uuid)))
            .filter(Column::RevokedAt.is_null())
            .all(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        let mut ends = HashMap::new();
        for certificate in good {
            let HostCertificate { host_id, not_after, .. } = certificate.try_into()?;
            let end = ends.entry(host_id).or_insert(not_after);
            *end = not_after.max(*end);
        }
        Ok(ends)
    }

    /// Finds the host that was last issued a certificate for this public key, revoked or not.
    pub async fn host_of_key(&self, public_key_sha256: &[u8; 32]) -> Result<Option<HostId>, Error> {
        use host_certificate::{Column, Entity};
        let found = Entity::find()
            .filter(Column::PublicKeySha256.eq(public_key_sha256.as_slice()))
            .order_by_desc(Column::IssuedAt)
            .one(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        Ok(found.map(|model| HostId::from_uuid(model.host_id)))
    }
}

impl Tx {
    /// Adds a CA certificate; it is the one in use from then on.
    pub async fn insert_ca_certificate(&self, ca: &StoredCa) -> Result<(), Error> {
        let row = ca_certificate::ActiveModel {
            id: Set(ca.id.as_uuid()),
            role: Set(ca.role.as_str().to_owned()),
            certificate: Set(ca.certificate.clone()),
            sealed_key: Set(ca.sealed_key.as_bytes().to_vec()),
            not_before: Set(ca.not_before.as_micros()),
            not_after: Set(ca.not_after.as_micros()),
            created_at: Set(ca.created_at.as_micros()),
        };
        ca_certificate::Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(CA))?;
        Ok(())
    }

    /// Adds a host's certificate.
    pub async fn insert_host_certificate(&self, certificate: &HostCertificate) -> Result<(), Error> {
        let row = host_certificate::ActiveModel {
            id: Set(certificate.id.as_uuid()),
            host_id: Set(certificate.host_id.as_uuid()),
            serial: Set(certificate.serial.clone()),
            public_key_sha256: Set(certificate.public_key_sha256.to_vec()),
            certificate: Set(certificate.certificate.clone()),
            not_before: Set(certificate.not_before.as_micros()),
            not_after: Set(certificate.not_after.as_micros()),
            issued_at: Set(certificate.issued_at.as_micros()),
            revoked_at: Set(certificate.revoked_at.map(Timestamp::as_micros)),
        };
        host_certificate::Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        Ok(())
    }

    /// Declares a host's certificates void that were issued before the given one: it is in use now. How many there were.
    pub async fn supersede_host_certificates(&self, by: &HostCertificate, now: Timestamp) -> Result<u64, Error> {
        use host_certificate::{Column, Entity};
        let done = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(now.as_micros()))
            .filter(Column::HostId.eq(by.host_id.as_uuid()))
            .filter(Column::Id.ne(by.id.as_uuid()))
            .filter(Column::IssuedAt.lte(by.issued_at.as_micros()))
            .filter(Column::RevokedAt.is_null())
            .exec(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        Ok(done.rows_affected)
    }

    /// Removes certificates of hosts that ended before a time, but for each host's last. How many there were.
    pub async fn delete_ended_host_certificates(&self, before: Timestamp) -> Result<u64, Error> {
        use host_certificate::{Column, Entity};
        let ended = Entity::find()
            .filter(Column::NotAfter.lt(before.as_micros()))
            .all(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        let mut removed = 0;
        for certificate in ended {
            let newer = Entity::find()
                .filter(Column::HostId.eq(certificate.host_id))
                .filter(Column::IssuedAt.gt(certificate.issued_at))
                .one(&self.on)
                .await
                .map_err(Error::at(HOST))?;
            if newer.is_some() {
                let done = Entity::delete_by_id(certificate.id)
                    .exec(&self.on)
                    .await
                    .map_err(Error::at(HOST))?;
                removed += done.rows_affected;
            }
        }
        Ok(removed)
    }

    /// Declares all certificates of a host void. How many were not void before.
    pub async fn revoke_host_certificates(&self, host: HostId, now: Timestamp) -> Result<u64, Error> {
        use host_certificate::{Column, Entity};
        let done = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(now.as_micros()))
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::RevokedAt.is_null())
            .exec(&self.on)
            .await
            .map_err(Error::at(HOST))?;
        Ok(done.rows_affected)
    }
}
