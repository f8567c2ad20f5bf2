//! [`Credential`]: a key and its certificate, in one file, so that one rename replaces both.

use std::path::Path;

use data_encoding::HEXLOWER;
use domain::certificate::{Lifetime, Serial};
use domain::{Secret, Timestamp};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::{Error, damaged, private_text};

/// A key, the certificate for it, and the intermediate that signed that.
#[derive(Debug, Clone)]
pub struct Credential {
    /// All of them, PEM.
    pub pem: Secret<String>,
    /// When the certificate is in force.
    pub lifetime: Lifetime,
    /// Its serial number.
    pub serial: Serial,
    /// Its public key info, DER.
    public_key: Vec<u8>,
}

impl Credential {
    /// Puts a key and a chain together. `None` when the certificate is for another key, or says something else than ours do.
    pub(super) fn of(key: &KeyPair, chain_pem: &str) -> Option<Self> {
        let pem = format!("{}{chain_pem}", key.serialize_pem());
        let credential = Self::parse(Secret::new(pem))?;
        credential.is_for(key).then_some(credential)
    }

    /// Reads a file; `None` when there is none.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, Error> {
        private_text(path)?
            .map(|pem| Self::parse(Secret::new(pem)).ok_or_else(|| damaged(path)))
            .transpose()
    }

    /// Whether the certificate is for this key.
    pub(super) fn is_for(&self, key: &KeyPair) -> bool {
        self.public_key == key.subject_public_key_info()
    }

    fn parse(pem: Secret<String>) -> Option<Self> {
        KeyPair::from_pem(pem.expose()).ok()?;
        let leaf = CertificateDer::from_pem_slice(pem.expose().as_bytes()).ok()?;
        let (_, certificate) = X509Certificate::from_der(&leaf).ok()?;
        let time = |seconds| Timestamp::from_seconds(seconds, 0).ok();
        let validity = certificate.validity();
        let lifetime = Lifetime {
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
        };
        let serial = HEXLOWER.encode(certificate.raw_serial()).parse().ok()?;
        let public_key = certificate.public_key().raw.to_vec();
        Some(Self {
            pem,
            lifetime,
            serial,
            public_key,
        })
    }
}
