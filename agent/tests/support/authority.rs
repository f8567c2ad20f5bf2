//! A certificate authority of three levels' worth: one root that signs servers and hosts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent::tls::pin_of;
use domain::Timestamp;
use domain::enrollment::Pin;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

pub struct Authority {
    root: CertificateDer<'static>,
    root_pem: String,
    issuer: Issuer<'static, KeyPair>,
    issued: AtomicU64,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            root: certificate.der().clone(),
            root_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            issued: AtomicU64::new(1),
        }
    }

    pub fn pin(&self) -> Pin {
        pin_of(&self.root).unwrap()
    }

    pub fn bundle_pem(&self) -> String {
        self.root_pem.clone()
    }

    /// The host's certificate, for some thousand years; of the request only the key counts.
    pub fn certify(&self, csr_pem: &str) -> String {
        let year = Duration::from_hours(24 * 365);
        self.certify_for(
            csr_pem,
            Timestamp::UNIX_EPOCH,
            Timestamp::UNIX_EPOCH.saturating_add(year * 1_000),
        )
    }

    /// The host's certificate, from one time to another.
    pub fn certify_for(&self, csr_pem: &str, not_before: Timestamp, not_after: Timestamp) -> String {
        let request = CertificateSigningRequestParams::from_pem(csr_pem).unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI("rm://test/agent/1".try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        // The type of these times is that of a crate which only rcgen uses; its arithmetic is enough to get there.
        let time = |at: Timestamp| rcgen::date_time_ymd(1970, 1, 1) + at.since(Timestamp::UNIX_EPOCH);
        (params.not_before, params.not_after) = (time(not_before), time(not_after));
        // 16 bytes, as those of the real server.
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let serial = (0x40_u128 << 120) | u128::from(number);
        params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
        params.signed_by(&request.public_key, &self.issuer).unwrap().pem()
    }

    /// What a server on the loopback address needs. It asks for a client certificate and does not insist.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![leaf.der().clone(), self.root.clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }
}
