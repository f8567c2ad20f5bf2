//! Whether the master key is the one that sealed what the database holds.

use super::{App, Error};

/// The setting that holds a sealed value known in advance.
const PROBE: &str = "key_probe";

impl App {
    /// Opens a probe that the first start sealed, so that a wrong key is found now and not in the night when the first
    /// backup needs its password.
    pub async fn verify_key(&self) -> Result<(), Error> {
        let tx = self.0.store.begin().await?;
        if let Some(probe) = tx.sealed_setting(PROBE).await? {
            let opened = self.0.keyring.verify_probe(&probe);
            return opened.map_err(|error| Error::failed("opening the key probe", error));
        }
        tx.put_sealed_setting(PROBE, &self.0.keyring.probe(), self.0.clock.now())
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Closes the database.
    pub async fn close(&self) -> Result<(), Error> {
        Ok(self.0.store.close().await?)
    }
}
