//! [`HostKey`]: the key that the agent makes once and keeps. It speaks for the host when certificates have ended.

use std::path::PathBuf;

use domain::certificate::{IdentityKey, IdentityProof, IdentitySignature, Occasion};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData as _, SigningKey as _};

use super::{Error, damaged, private_text};
use crate::config::Places;
use crate::durable;

const KEY: &str = "host-key.pem";

/// Ed25519, in `identity/host-key.pem`.
#[derive(Debug)]
pub struct HostKey(KeyPair);

impl HostKey {
    /// Where the key lies.
    pub fn path(places: &Places) -> PathBuf {
        places.identity_dir().join(KEY)
    }

    /// Reads the key; `None` when there is none.
    pub fn load(places: &Places) -> Result<Option<Self>, Error> {
        let path = Self::path(places);
        let Some(pem) = private_text(&path)? else {
            return Ok(None);
        };
        let key = KeyPair::from_pem(&pem).map_err(|_| damaged(&path))?;
        if key.algorithm() == &PKCS_ED25519 {
            Ok(Some(Self(key)))
        } else {
            Err(damaged(&path))
        }
    }

    /// Reads the key, or makes it if there is none. One that cannot be read is an error and is not replaced: the server
    /// knows the host by it.
    pub fn load_or_make(places: &Places) -> Result<Self, Error> {
        let path = Self::path(places);
        if let Some(key) = Self::load(places)? {
            return Ok(key);
        }
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(Error::Key)?;
        durable::create_directory(&places.identity_dir())
            .and_then(|()| durable::write(&path, key.serialize_pem().as_bytes()))
            .and_then(|()| durable::sync_directory(places.state_dir()))
            .map_err(Error::File)?;
        Ok(Self(key))
    }

    /// Says what an occasion wants, about the key of a request.
    pub fn prove(&self, occasion: &Occasion<'_>, request_key: &[u8; 32]) -> Result<IdentityProof, Error> {
        let signature = self.0.sign(&occasion.statement(request_key)).map_err(Error::Key)?;
        let (Ok(key), Ok(signature)) = (self.0.der_bytes().try_into(), signature.try_into()) else {
            return Err(Error::Key(rcgen::Error::KeyGenerationUnavailable));
        };
        Ok(IdentityProof {
            key: IdentityKey::from_bytes(key),
            signature: IdentitySignature::from_bytes(signature),
        })
    }
}
