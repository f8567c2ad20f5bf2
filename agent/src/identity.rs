//! [`Identity`]: the host's key and certificate, and [`Candidate`], the key of an enrollment that is under way.
//!
//! `identity/current/` appears by one rename when the certificate is there, so it is whole or absent. Until then the key
//! and the nonce lie in `identity/candidate/`: an enrollment whose answer got lost is asked for again with both, and the
//! server gives the same answer.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use domain::enrollment::Pin;
use domain::id::{EnrollmentTokenId, HostId};
use domain::{Secret, Timestamp};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};

use crate::config::Places;
use crate::durable;
use crate::random::random_bytes;

const KEY: &str = "key.pem";
const CERTIFICATE: &str = "certificate.pem";
const FACTS: &str = "identity.json";
const ATTEMPT: &str = "attempt.json";

/// Who the host is, and the proof.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What is known about it.
    pub facts: Facts,
    /// The host's certificate and the intermediate that signed it, PEM.
    pub certificate_pem: String,
    /// Its key, PEM.
    pub key_pem: Secret<String>,
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

/// A key without a certificate.
#[derive(Debug)]
pub struct Candidate {
    key: KeyPair,
    nonce: String,
}

/// What is kept of an attempt to enroll.
#[derive(serde::Serialize, serde::Deserialize)]
struct Attempt {
    /// The id of the token, which is not secret. Another token is another attempt.
    token: EnrollmentTokenId,
    nonce: String,
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
    /// The key could not be made.
    #[error("could not make a key")]
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
        let facts: Facts = serde_json::from_str(&text(&facts_path)?).map_err(|_| damaged(&facts_path))?;
        Ok(Some(Self {
            facts,
            certificate_pem: text(&directory.join(CERTIFICATE))?,
            key_pem: Secret::new(text(&directory.join(KEY))?),
        }))
    }

    /// When the certificate ends; `None` when it cannot be read.
    pub fn not_after(&self) -> Option<Timestamp> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(self.certificate_pem.as_bytes()).ok()?;
        let certificate = pem.parse_x509().ok()?;
        Timestamp::from_seconds(certificate.validity().not_after.timestamp(), 0).ok()
    }
}

impl Facts {
    /// The server's root.
    pub fn pin(&self) -> Option<Pin> {
        self.ca_pin.parse().ok()
    }
}

impl Candidate {
    /// Takes up the attempt that this token began, or begins one.
    pub fn for_token(places: &Places, token: EnrollmentTokenId) -> Result<Self, Error> {
        let directory = candidate(places);
        if let Some(candidate) = Self::begun(&directory, token)? {
            return Ok(candidate);
        }
        durable::remove_directory(&directory).map_err(Error::File)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Error::Key)?;
        let attempt = Attempt {
            token,
            nonce: HEXLOWER.encode(&random_bytes::<16>()),
        };
        let stored = serde_json::to_vec(&attempt).map_err(|_| damaged(&directory.join(ATTEMPT)))?;
        durable::create_directory(&directory)
            .and_then(|()| durable::write(&directory.join(KEY), key.serialize_pem().as_bytes()))
            .and_then(|()| durable::write(&directory.join(ATTEMPT), &stored))
            .and_then(|()| durable::sync_directory(durable::parent(&directory)))
            .map_err(Error::File)?;
        Ok(Self {
            key,
            nonce: attempt.nonce,
        })
    }

    /// The certificate signing request, PEM. Only its public key counts.
    pub fn csr_pem(&self) -> Result<String, Error> {
        let request = CertificateParams::default()
            .serialize_request(&self.key)
            .map_err(Error::Key)?;
        request.pem().map_err(Error::Key)
    }

    /// The same for every repetition of this attempt.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Whether the first certificate of a chain is for this key.
    pub fn is_certified_by(&self, certificate_pem: &str) -> bool {
        let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(certificate_pem.as_bytes()) else {
            return false;
        };
        pem.parse_x509()
            .is_ok_and(|certificate| certificate.public_key().raw == self.key.subject_public_key_info())
    }

    /// Makes the candidate the host's identity, all at once.
    pub fn promote(self, places: &Places, facts: &Facts, certificate_pem: &str, bundle_pem: &str) -> Result<(), Error> {
        let directory = candidate(places);
        let stored = serde_json::to_vec_pretty(facts).map_err(|_| damaged(&directory.join(FACTS)))?;
        durable::write(&places.ca_bundle(), bundle_pem.as_bytes())
            .and_then(|()| durable::write(&directory.join(CERTIFICATE), certificate_pem.as_bytes()))
            .and_then(|()| durable::write(&directory.join(FACTS), &stored))
            .and_then(|()| durable::remove(&directory.join(ATTEMPT)))
            .map_err(Error::File)?;
        let current = current(places);
        fs::rename(&directory, &current)
            .map_err(|source| durable::Error::new("write", &current, source))
            .and_then(|()| durable::sync_directory(durable::parent(&current)))
            .map_err(Error::File)
    }

    fn begun(directory: &Path, token: EnrollmentTokenId) -> Result<Option<Self>, Error> {
        let attempt = durable::read(&directory.join(ATTEMPT)).map_err(Error::File)?;
        let key = durable::read(&directory.join(KEY)).map_err(Error::File)?;
        let attempt = attempt.and_then(|content| serde_json::from_slice::<Attempt>(&content).ok());
        let key = key.and_then(|content| String::from_utf8(content).ok());
        let key = key.and_then(|pem| KeyPair::from_pem(&pem).ok());
        // An attempt that cannot be read is one that never asked: it is written before the question.
        Ok(match (attempt, key) {
            (Some(attempt), Some(key)) if attempt.token == token => Some(Self {
                key,
                nonce: attempt.nonce,
            }),
            (Some(_) | None, _) => None,
        })
    }
}

fn current(places: &Places) -> PathBuf {
    places.identity_dir().join("current")
}

fn candidate(places: &Places) -> PathBuf {
    places.identity_dir().join("candidate")
}

fn text(path: &Path) -> Result<String, Error> {
    let content = durable::read(path).map_err(Error::File)?.ok_or_else(|| damaged(path))?;
    String::from_utf8(content).map_err(|_| damaged(path))
}

fn damaged(path: &Path) -> Error {
    Error::Damaged { path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_repeated_attempt_has_the_same_key_and_nonce_and_another_token_has_others() {
        let (_directory, places) = places();

        let first = Candidate::for_token(&places, token(1)).unwrap();
        let again = Candidate::for_token(&places, token(1)).unwrap();
        let other = Candidate::for_token(&places, token(2)).unwrap();

        assert_eq!(first.nonce(), again.nonce());
        assert_eq!(first.key.public_key_raw(), again.key.public_key_raw());
        assert_ne!(first.nonce(), other.nonce());
        assert_ne!(first.key.public_key_raw(), other.key.public_key_raw());
        assert_eq!(first.nonce().len(), 32);
    }

    #[test]
    fn a_promoted_candidate_is_the_identity() {
        let (_directory, places) = places();
        let candidate = Candidate::for_token(&places, token(1)).unwrap();
        let key = candidate.key.serialize_pem();
        let certificate = CertificateParams::default().self_signed(&candidate.key).unwrap();
        assert!(candidate.is_certified_by(&certificate.pem()));
        assert!(Identity::load(&places).unwrap().is_none());

        candidate
            .promote(&places, &facts(), &certificate.pem(), "bundle")
            .unwrap();

        let identity = Identity::load(&places).unwrap().unwrap();
        assert_eq!(identity.facts, facts());
        assert_eq!(identity.key_pem.expose(), &key);
        assert!(identity.not_after().is_some());
        assert_eq!(fs::read_to_string(places.ca_bundle()).unwrap(), "bundle");
        assert!(!super::candidate(&places).exists());
    }

    #[test]
    fn a_damaged_identity_is_an_error_and_not_an_absent_one() {
        let (_directory, places) = places();
        let candidate = Candidate::for_token(&places, token(1)).unwrap();
        candidate.promote(&places, &facts(), "certificate", "bundle").unwrap();
        fs::write(current(&places).join(FACTS), "{").unwrap();

        let error = Identity::load(&places).unwrap_err();

        assert!(matches!(error, Error::Damaged { path } if path.ends_with(FACTS)));
    }

    fn places() -> (tempfile::TempDir, Places) {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(None, Some(directory.path().to_owned()));
        (directory, places)
    }

    fn facts() -> Facts {
        Facts {
            host_id: HostId::from_uuid(Uuid::from_u128(5)),
            agent_endpoint: "https://backup.example.org:8443".to_owned(),
            ca_pin: "ab".repeat(32),
            enrolled_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn token(number: u128) -> EnrollmentTokenId {
        EnrollmentTokenId::from_uuid(Uuid::from_u128(number))
    }
}
