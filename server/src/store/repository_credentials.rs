//! What opens repositories, sealed.

use std::fmt;

use domain::Timestamp;
use domain::id::{HostId, RepositoryId};
use domain::repository::CredentialSlot;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::entity::repository_credential::{ActiveModel, Column, Entity};
use super::{Error, ReadTx, Tx};
use crate::secrets::Sealed;

const TABLE: &str = "repository_credentials";

/// Which credentials: a slot of a repository, or what one host has in its place. Its text is the row's key, and with that
/// the row to seal for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialKey {
    /// Of which repository.
    pub repository: RepositoryId,
    /// Which slot.
    pub slot: CredentialSlot,
    /// For this host only; `None`: for all that have none of their own.
    pub host: Option<HostId>,
}

/// Credentials as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCredentials {
    /// Which.
    pub key: CredentialKey,
    /// Sealed for the table `repository_credentials`, the column `sealed` and the row [`Self::key`].
    pub sealed: Sealed,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

impl fmt::Display for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository, slot, host } = self;
        write!(f, "{repository}/{slot}")?;
        match host {
            Some(host) => write!(f, "/{host}"),
            None => Ok(()),
        }
    }
}

impl ReadTx {
    /// Finds credentials by their exact key.
    pub async fn credentials(&self, key: CredentialKey) -> Result<Option<StoredCredentials>, Error> {
        let found = Entity::find_by_id(key.to_string())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(StoredCredentials::try_from).transpose()
    }

    /// Lists all credentials of a repository: its slots and what hosts have in their place.
    pub async fn repository_credentials(&self, repository: RepositoryId) -> Result<Vec<StoredCredentials>, Error> {
        let found = Entity::find()
            .filter(Column::RepositoryId.eq(repository.as_uuid()))
            .order_by_asc(Column::Id)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.into_iter().map(StoredCredentials::try_from).collect()
    }
}

impl Tx {
    /// Puts credentials, in place of those that were there.
    pub async fn put_credentials(&self, credentials: &StoredCredentials) -> Result<(), Error> {
        let StoredCredentials {
            key,
            sealed,
            updated_at,
        } = credentials;
        let row = ActiveModel {
            id: Set(key.to_string()),
            repository_id: Set(key.repository.as_uuid()),
            slot: Set(key.slot.as_str().to_owned()),
            host_id: Set(key.host.map(|host| host.as_uuid())),
            sealed: Set(sealed.as_bytes().to_vec()),
            updated_at: Set(updated_at.as_micros()),
        };
        let replace = OnConflict::column(Column::Id)
            .update_columns([Column::Sealed, Column::UpdatedAt])
            .to_owned();
        Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Removes credentials. Whether they were there.
    pub async fn delete_credentials(&self, key: CredentialKey) -> Result<bool, Error> {
        let done = Entity::delete_by_id(key.to_string())
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected > 0)
    }

    /// Removes what a host has in the place of slots, at whatever repository.
    pub(super) async fn delete_credentials_of_host(&self, host: HostId) -> Result<(), Error> {
        Entity::delete_many()
            .filter(Column::HostId.eq(host.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }
}
