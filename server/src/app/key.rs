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

    /// Looks again whether the schema can be read and the key opens what it sealed: the two as the answer tells them apart.
    pub(super) async fn look_at_key(&self) -> (Option<&'static str>, Option<&'static str>) {
        const UNREADABLE: &str = "the schema of the database cannot be read";
        let Ok(tx) = self.0.store.read().await else {
            return (Some(UNREADABLE), Some("not looked at"));
        };
        match tx.sealed_setting(PROBE).await {
            Err(_) => (Some(UNREADABLE), Some("not looked at")),
            Ok(probe) => {
                let opens = probe.is_some_and(|probe| self.0.keyring.verify_probe(&probe).is_ok());
                (
                    None,
                    (!opens).then_some("the master key does not open what the database holds"),
                )
            }
        }
    }

    /// Closes the database.
    pub async fn close(&self) -> Result<(), Error> {
        Ok(self.0.store.close().await?)
    }
}
