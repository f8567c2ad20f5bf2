//! The keys with which hosts come back after their certificate has ended.

use domain::Timestamp;
use domain::certificate::IdentityKey;
use domain::id::HostId;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::host_identity_key::{ActiveModel, Column, Entity};
use super::row::Row;
use super::{Error, ReadTx, Tx};

const TABLE: &str = "host_identity_keys";

impl ReadTx {
    /// Finds the identity key of a host; `None` when its agent never showed one.
    pub async fn identity_key(&self, host: HostId) -> Result<Option<IdentityKey>, Error> {
        let found = Entity::find_by_id(host.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let read = |key: Vec<u8>| {
            let key = key.try_into().map(IdentityKey::from_bytes);
            key.map_err(|_| Row::new(TABLE, &host).fault("public_key", "a key of Ed25519 has 32 bytes"))
        };
        found.map(|model| read(model.public_key)).transpose()
    }

    /// Finds the host that an identity key belongs to.
    pub async fn host_of_identity_key(&self, key: &IdentityKey) -> Result<Option<HostId>, Error> {
        let found = Entity::find()
            .filter(Column::PublicKey.eq(key.as_bytes().as_slice()))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(found.map(|model| HostId::from_uuid(model.host_id)))
    }
}

impl Tx {
    /// Sets the identity key of a host, in place of the one it had. [`Error::Taken`] when it is another host's.
    pub async fn set_identity_key(&self, host: HostId, key: &IdentityKey, now: Timestamp) -> Result<(), Error> {
        self.forget_identity_key(host).await?;
        let row = ActiveModel {
            host_id: Set(host.as_uuid()),
            public_key: Set(key.as_bytes().to_vec()),
            created_at: Set(now.as_micros()),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Removes the identity key of a host, if it has one: whoever holds it speaks for nobody.
    pub async fn forget_identity_key(&self, host: HostId) -> Result<(), Error> {
        Entity::delete_by_id(host.as_uuid())
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }
}
