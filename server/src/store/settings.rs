//! Single facts about this installation, by key.

use data_encoding::BASE64;
use domain::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entity::setting::{ActiveModel, Column, Entity};
use super::row::{Row, json};
use super::{Error, ReadTx, Tx};
use crate::secrets::Sealed;

const TABLE: &str = "settings";

impl ReadTx {
    /// Reads a setting; `None` when it was never put.
    pub async fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let found = Entity::find_by_id(key).one(&self.on).await.map_err(Error::at(TABLE))?;
        found
            .map(|model| Row::new(TABLE, &key).document("value", &model.value))
            .transpose()
    }

    /// Reads a sealed setting; `None` when it was never put.
    pub async fn sealed_setting(&self, key: &str) -> Result<Option<Sealed>, Error> {
        let Some(text) = self.setting::<String>(key).await? else {
            return Ok(None);
        };
        let bytes = BASE64
            .decode(text.as_bytes())
            .map_err(|source| Row::new(TABLE, &key).fault("value", source))?;
        Ok(Some(Sealed::from_bytes(bytes)))
    }
}

impl Tx {
    /// Puts a setting, in place of the one that was there.
    pub async fn put_setting(&self, key: &str, value: &impl Serialize, now: Timestamp) -> Result<(), Error> {
        let row = ActiveModel {
            key: Set(key.to_owned()),
            value: Set(json(TABLE, "value", value)?),
            updated_at: Set(now.as_micros()),
        };
        let replace = OnConflict::column(Column::Key)
            .update_columns([Column::Value, Column::UpdatedAt])
            .to_owned();
        Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Puts a setting that was sealed for the table `settings`, the column `value` and the row `key`.
    pub async fn put_sealed_setting(&self, key: &str, value: &Sealed, now: Timestamp) -> Result<(), Error> {
        self.put_setting(key, &BASE64.encode(value.as_bytes()), now).await
    }
}
