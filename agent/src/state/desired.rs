//! The parts of the desired state that are not secret. Credentials lie in `secrets.enc`, with their own stamp.

use domain::session::{AgentSettings, Stamp};

use super::{Error, State};

const SETTINGS: &str = "settings";
const TRUST_BUNDLE: &str = "trust bundle";

/// The settings as they are kept. Every field is a promise to later versions.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredSettings {
    stamp: Stamp,
    restic_host: String,
    limit_upload_kib_per_s: u32,
    limit_download_kib_per_s: u32,
}

impl State {
    /// The settings with their stamp; `None` when none were ever stored.
    pub fn settings(&self) -> Result<Option<(Stamp, AgentSettings)>, Error> {
        let Some(content) = self.document(SETTINGS)? else {
            return Ok(None);
        };
        let StoredSettings {
            stamp,
            restic_host,
            limit_upload_kib_per_s,
            limit_download_kib_per_s,
        } = serde_json::from_slice(&content).map_err(|_| self.inconsistent("set of settings"))?;
        let settings = AgentSettings {
            restic_host,
            limit_upload_kib_per_s,
            limit_download_kib_per_s,
        };
        Ok(Some((stamp, settings)))
    }

    /// Replaces the settings.
    pub fn set_settings(&self, stamp: &Stamp, settings: &AgentSettings) -> Result<(), Error> {
        let AgentSettings {
            restic_host,
            limit_upload_kib_per_s,
            limit_download_kib_per_s,
        } = settings.clone();
        let stored = StoredSettings {
            stamp: stamp.clone(),
            restic_host,
            limit_upload_kib_per_s,
            limit_download_kib_per_s,
        };
        let content = serde_json::to_vec(&stored).map_err(|_| self.inconsistent("set of settings"))?;
        self.set_document(SETTINGS, &content)
    }

    /// Which bundle of trusted certificates is in its file; version 0 for the one of enrolling.
    pub fn trust_bundle_stamp(&self) -> Result<Stamp, Error> {
        let Some(content) = self.document(TRUST_BUNDLE)? else {
            return Ok(Stamp::default());
        };
        serde_json::from_slice(&content).map_err(|_| self.inconsistent("stamp of a trust bundle"))
    }

    /// Notes which bundle is in its file, once it is there.
    pub fn set_trust_bundle_stamp(&self, stamp: &Stamp) -> Result<(), Error> {
        let content = serde_json::to_vec(stamp).map_err(|_| self.inconsistent("stamp of a trust bundle"))?;
        self.set_document(TRUST_BUNDLE, &content)
    }
}
