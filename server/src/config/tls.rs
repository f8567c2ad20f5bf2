//! TLS of the web listener.

use std::path::PathBuf;

use super::keys;
use super::reader::{Reader, path};

/// The files of the web listener's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Chain in PEM, leaf first.
    pub certificate: PathBuf,
    /// Private key in PEM.
    pub key: PathBuf,
}

impl Tls {
    /// `None` when the web listener speaks plain HTTP.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let certificate = reader.optional(&keys::TLS_CERT, path);
        let key = reader.optional(&keys::TLS_KEY, path);
        match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Self { certificate, key }),
            (None, None) => None,
            (Some(_), None) => {
                reader.refuse_key(&keys::TLS_CERT, "`RM_TLS_KEY` is missing; set both or none");
                None
            }
            (None, Some(_)) => {
                reader.refuse_key(&keys::TLS_KEY, "`RM_TLS_CERT` is missing; set both or none");
                None
            }
        }
    }
}
