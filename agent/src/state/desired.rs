//! The parts of the desired state that are not secret. Credentials lie in `secrets.enc`, with their own stamp.

use super::{Error, State};
use crate::core::{Settings, Stamp};

const SETTINGS: &str = "settings";
const TRUST_BUNDLE: &str = "trust bundle";

#[derive(serde::Serialize, serde::Deserialize)]
struct StoredSettings {
    stamp: Stamp,
    settings: Settings,
}

impl State {
    /// The settings with their stamp; the defaults under version 0 when none were ever stored.
    pub fn settings(&self) -> Result<(Stamp, Settings), Error> {
        let Some(content) = self.document(SETTINGS)? else {
            return Ok(Default::default());
        };
        let stored: StoredSettings =
            serde_json::from_slice(&content).map_err(|_| self.inconsistent("set of settings"))?;
        Ok((stored.stamp, stored.settings))
    }

    /// Replaces the settings.
    pub fn set_settings(&self, stamp: &Stamp, settings: &Settings) -> Result<(), Error> {
        let stored = StoredSettings {
            stamp: stamp.clone(),
            settings: settings.clone(),
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
