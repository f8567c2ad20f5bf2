//! TLS of the web port, where it ends here and not in a proxy.

use std::path::Path;
use std::sync::Arc;

use domain::Clock;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::super::Error;
use super::presented::Presented;
use super::{ServerTime, provider};
use crate::config::Tls;

/// TLS 1.2 and 1.3 with the certificate of the operator, read from PEM files.
#[derive(Debug)]
pub struct WebPort {
    files: Tls,
    config: Arc<ServerConfig>,
    presented: Arc<Presented>,
}

impl WebPort {
    /// Reads the files. [`Error::ReadPem`] or [`Error::WebCertificate`] when they are not usable.
    pub fn new(files: Tls, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let presented = Arc::new(Presented::new(read(&files)?));
        let mut config = ServerConfig::builder_with_details(provider(), Arc::new(ServerTime(clock)))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(Error::tls)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&presented) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            files,
            config: Arc::new(config),
            presented,
        })
    }

    /// For the listener; it stays good when the files are read again.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Reads the files again, for new connections. On an error the certificate in use stays.
    pub fn reload(&self) -> Result<(), Error> {
        self.presented.set(read(&self.files)?);
        Ok(())
    }
}

fn read(files: &Tls) -> Result<CertifiedKey, Error> {
    let Tls { certificate, key } = files;
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| {
            if chain.is_empty() {
                Err(pem::Error::NoItemsFound)
            } else {
                Ok(chain)
            }
        })
        .map_err(|source| unreadable(certificate, source))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| unreadable(key, source))?;
    CertifiedKey::from_der(chain, private, &provider()).map_err(|source| Error::WebCertificate {
        certificate: certificate.clone(),
        key: key.clone(),
        source,
    })
}

fn unreadable(path: &Path, source: pem::Error) -> Error {
    Error::ReadPem {
        path: path.to_owned(),
        source,
    }
}
