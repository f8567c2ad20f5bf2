//! The next certificate on disk: asked for, held, promoted.
//!
//! ```text
//! identity/candidate/key.pem          a key that a certificate was, or will be, asked for
//! identity/candidate/credential.pem   the key and the certificate that was given for it
//! identity/current/credential.pem     those in use; replaced by one rename
//! ```
//!
//! **Invariant:** after a crash at any point there is a whole `current`, and whatever the server may have seen of a next
//! one is there, too.

use std::fs;

use domain::certificate::{IdentityProof, Lifetime, Occasion};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use super::credential::Credential;
use super::host_key::HostKey;
use super::{CREDENTIAL, Error, KEY, candidate, csr_pem, current, damaged, key_hash, private_text};
use crate::config::Places;
use crate::durable;

/// A key that a certificate is asked for.
#[derive(Debug)]
pub struct Wish {
    key: KeyPair,
    host_key: HostKey,
}

impl Wish {
    /// Takes up the key that was asked for before, or makes one. It is on disk when this returns.
    pub fn take_up(places: &Places) -> Result<Self, Error> {
        let host_key = HostKey::load_or_make(places)?;
        let directory = candidate(places);
        let path = directory.join(KEY);
        if let Some(pem) = private_text(&path)? {
            // One that cannot be read has asked for nothing, and one that has its certificate must not ask again.
            if let Ok(key) = KeyPair::from_pem(&pem)
                && !has_certificate(places, &key)?
            {
                return Ok(Self { key, host_key });
            }
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Error::Key)?;
        durable::create_directory(&directory)
            .and_then(|()| durable::write(&path, key.serialize_pem().as_bytes()))
            .and_then(|()| durable::sync_directory(durable::parent(&directory)))
            .map_err(Error::File)?;
        Ok(Self { key, host_key })
    }

    /// The certificate signing request, PEM. Only its public key counts.
    pub fn csr_pem(&self) -> Result<String, Error> {
        csr_pem(&self.key)
    }

    /// What the identity key says about it on this occasion.
    pub fn proof(&self, occasion: &Occasion<'_>) -> Result<IdentityProof, Error> {
        self.host_key.prove(occasion, &key_hash(&self.key))
    }
}

/// The next certificate; `None` when none was given yet.
pub fn held(places: &Places) -> Result<Option<Credential>, Error> {
    Credential::load(&candidate(places).join(CREDENTIAL))
}

/// Stores the certificate that was given for the key that was asked for, beside the one in use.
pub fn store(places: &Places, certificate_pem: &str) -> Result<Lifetime, Error> {
    let directory = candidate(places);
    let path = directory.join(KEY);
    let key = private_text(&path)?.ok_or_else(|| damaged(&path))?;
    let key = KeyPair::from_pem(&key).map_err(|_| damaged(&path))?;
    let credential = Credential::of(&key, certificate_pem).ok_or(Error::OtherKey)?;
    durable::write(&directory.join(CREDENTIAL), credential.pem.expose().as_bytes())
        .and_then(|()| durable::remove(&path))
        .map_err(Error::File)?;
    Ok(credential.lifetime)
}

/// Puts the next certificate and its key in the place of those in use, which are gone by that.
pub fn promote(places: &Places) -> Result<(), Error> {
    let (from, to) = (candidate(places), current(places));
    let path = to.join(CREDENTIAL);
    fs::rename(from.join(CREDENTIAL), &path)
        .map_err(|source| durable::Error::new("write", &path, source))
        .and_then(|()| durable::sync_directory(&to))
        .and_then(|()| durable::sync_directory(&from))
        .and_then(|()| durable::remove_directory(&from))
        .map_err(Error::File)
}

/// Removes the next certificate, or the key that one was asked for.
pub fn discard(places: &Places) -> Result<(), Error> {
    durable::remove_directory(&candidate(places)).map_err(Error::File)
}

fn has_certificate(places: &Places, key: &KeyPair) -> Result<bool, Error> {
    let current = Credential::load(&current(places).join(CREDENTIAL))?;
    Ok([current, held(places)?]
        .into_iter()
        .flatten()
        .any(|credential| credential.is_for(key)))
}
