//! [`Candidate`]: the key of an enrollment that is under way.

use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER;
use domain::certificate::{IdentityProof, Occasion};
use domain::enrollment::EnrollNonce;
use domain::id::EnrollmentTokenId;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use super::credential::Credential;
use super::host_key::HostKey;
use super::{CREDENTIAL, Error, FACTS, Facts, KEY, candidate, csr_pem, current, damaged, key_hash};
use crate::config::Places;
use crate::durable;
use crate::random::random_bytes;

const ATTEMPT: &str = "attempt.json";

/// A key without a certificate.
#[derive(Debug)]
pub struct Candidate {
    key: KeyPair,
    attempt: Attempt,
    host_key: HostKey,
}

/// What is kept of an attempt to enroll.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Attempt {
    /// The id of the token, which is not secret. Another token is another attempt.
    token: EnrollmentTokenId,
    nonce: String,
}

impl Candidate {
    /// Takes up the attempt that this token began, or begins one.
    pub fn for_token(places: &Places, token: EnrollmentTokenId) -> Result<Self, Error> {
        let directory = candidate(places);
        let host_key = HostKey::load_or_make(places)?;
        if let Some((key, attempt)) = begun(&directory, token)? {
            return Ok(Self { key, attempt, host_key });
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
        Ok(Self { key, attempt, host_key })
    }

    /// The certificate signing request, PEM. Only its public key counts.
    pub fn csr_pem(&self) -> Result<String, Error> {
        csr_pem(&self.key)
    }

    /// The same for every repetition of this attempt.
    pub fn nonce(&self) -> &str {
        &self.attempt.nonce
    }

    /// What the identity key says about this attempt.
    pub fn proof(&self) -> Result<IdentityProof, Error> {
        let nonce: EnrollNonce = self.attempt.nonce.parse().map_err(|_| damaged(Path::new(ATTEMPT)))?;
        let occasion = Occasion::Enrollment {
            token: self.attempt.token,
            nonce: &nonce,
        };
        self.host_key.prove(&occasion, &key_hash(&self.key))
    }

    /// Whether the first certificate of a chain is for this key.
    pub fn is_certified_by(&self, certificate_pem: &str) -> bool {
        Credential::of(&self.key, certificate_pem).is_some()
    }

    /// Makes the candidate the host's identity, all at once. Until then the attempt can be taken up again.
    pub fn promote(self, places: &Places, facts: &Facts, certificate_pem: &str, bundle_pem: &str) -> Result<(), Error> {
        let directory = candidate(places);
        let stored = serde_json::to_vec_pretty(facts).map_err(|_| damaged(&directory.join(FACTS)))?;
        let credential =
            Credential::of(&self.key, certificate_pem).ok_or_else(|| damaged(&directory.join(CREDENTIAL)))?;
        durable::write(&places.ca_bundle(), bundle_pem.as_bytes())
            .and_then(|()| durable::write(&directory.join(CREDENTIAL), credential.pem.expose().as_bytes()))
            .and_then(|()| durable::write(&directory.join(FACTS), &stored))
            .map_err(Error::File)?;
        let current = current(places);
        fs::rename(&directory, &current)
            .map_err(|source| durable::Error::new("write", &current, source))
            .and_then(|()| durable::sync_directory(durable::parent(&current)))
            .and_then(|()| durable::remove(&current.join(KEY)))
            .and_then(|()| durable::remove(&current.join(ATTEMPT)))
            .map_err(Error::File)
    }
}

fn begun(directory: &Path, token: EnrollmentTokenId) -> Result<Option<(KeyPair, Attempt)>, Error> {
    let attempt = durable::read(&directory.join(ATTEMPT)).map_err(Error::File)?;
    let key = durable::read(&directory.join(KEY)).map_err(Error::File)?;
    let attempt = attempt.and_then(|content| serde_json::from_slice::<Attempt>(&content).ok());
    let key = key.and_then(|content| String::from_utf8(content).ok());
    let key = key.and_then(|pem| KeyPair::from_pem(&pem).ok());
    // An attempt that cannot be read is one that never asked: it is written before the question.
    Ok(match (attempt, key) {
        (Some(attempt), Some(key)) if attempt.token == token => Some((key, attempt)),
        (Some(_) | None, _) => None,
    })
}
