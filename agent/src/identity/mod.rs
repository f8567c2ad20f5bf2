//! [`Identity`]: who the host is, and the proofs; [`Candidate`], the key of an enrollment that is under way; [`next`], the
//! certificate that follows the one in use.
//!
//! `identity/current/` appears by one rename when the certificate is there, so it is whole or absent. Until then the key
//! and the nonce lie in `identity/candidate/`: an enrollment whose answer got lost is asked for again with both, and the
//! server gives the same answer.

mod credential;
mod enrolling;
mod host_key;
pub mod next;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use domain::Timestamp;
use domain::enrollment::Pin;
use domain::id::HostId;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use sha2::{Digest as _, Sha256};

pub use credential::Credential;
pub use enrolling::Candidate;
pub use host_key::HostKey;

use crate::config::Places;
use crate::durable;

const KEY: &str = "key.pem";
const CREDENTIAL: &str = "credential.pem";
const FACTS: &str = "identity.json";

/// Who the host is, and the proof.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What is known about it.
    pub facts: Facts,
    /// The certificate in use, and its key.
    pub credential: Credential,
}

/// What enrolling said, beside the certificate.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// The host's id.
    pub host_id: HostId,
    /// URL of the agent port.
    pub agent_endpoint: String,
    /// The server's root, as text of a [`Pin`].
    pub ca_pin: String,
    /// By the machine's clock.
    pub enrolled_at: Timestamp,
}

/// An identity that cannot be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(durable::Error),
    /// A file is missing or says something else than it should.
    #[error("{} is damaged; restore it, or remove the identity by `wipe` and enroll again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The pin of the server's root is none.
    #[error("the pin of the server's root in the identity is damaged; restore it, or `wipe` and enroll again")]
    Pin,
    /// The certificate that was given is for another key than the one that was asked for, or none of the server's.
    #[error("the certificate that the server gave is not for the key that was asked for")]
    OtherKey,
    /// The key could not be made or used.
    #[error("could not make or use a key")]
    Key(#[source] rcgen::Error),
}

impl Identity {
    /// Reads the identity; `None` when the host is not enrolled.
    pub fn load(places: &Places) -> Result<Option<Self>, Error> {
        let directory = current(places);
        if !directory.exists() {
            return Ok(None);
        }
        let facts_path = directory.join(FACTS);
        let facts = private_text(&facts_path)?.ok_or_else(|| damaged(&facts_path))?;
        let credential_path = directory.join(CREDENTIAL);
        Ok(Some(Self {
            facts: serde_json::from_str(&facts).map_err(|_| damaged(&facts_path))?,
            credential: Credential::load(&credential_path)?.ok_or_else(|| damaged(&credential_path))?,
        }))
    }
}

impl Facts {
    /// The server's root.
    pub fn pin(&self) -> Option<Pin> {
        self.ca_pin.parse().ok()
    }
}

fn current(places: &Places) -> PathBuf {
    places.identity_dir().join("current")
}

fn candidate(places: &Places) -> PathBuf {
    places.identity_dir().join("candidate")
}

/// Reads a file of text; `None` when there is none.
fn private_text(path: &Path) -> Result<Option<String>, Error> {
    let content = durable::read(path).map_err(Error::File)?;
    content
        .map(|content| String::from_utf8(content).map_err(|_| damaged(path)))
        .transpose()
}

fn csr_pem(key: &KeyPair) -> Result<String, Error> {
    let request = CertificateParams::default()
        .serialize_request(key)
        .map_err(Error::Key)?;
    request.pem().map_err(Error::Key)
}

/// SHA-256 of the public key info, by which server and identity key mean it.
fn key_hash(key: &KeyPair) -> [u8; 32] {
    Sha256::digest(key.subject_public_key_info()).into()
}

fn damaged(path: &Path) -> Error {
    Error::Damaged { path: path.to_owned() }
}
