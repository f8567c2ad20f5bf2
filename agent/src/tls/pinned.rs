//! [`PinnedRoot`]: trusts the one root whose public key has the pin's hash, and checks all else as usual.

use std::sync::Arc;

use domain::enrollment::Pin;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use x509_parser::prelude::FromDer as _;

/// The chain as sent must hold the pinned root; from there on names, validity and signatures are checked as always.
#[derive(Debug)]
pub(super) struct PinnedRoot {
    pin: Pin,
    provider: Arc<CryptoProvider>,
}

/// The server's chain ends elsewhere.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("its certificate chain does not end in the root that the pin names")]
struct OtherRoot;

/// The pin of a certificate; `None` when it is none.
pub fn pin_of(certificate: &CertificateDer<'_>) -> Option<Pin> {
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(certificate).ok()?;
    Some(Pin::of_public_key_info(parsed.tbs_certificate.subject_pki.raw))
}

impl PinnedRoot {
    pub(super) fn new(pin: Pin, provider: Arc<CryptoProvider>) -> Self {
        Self { pin, provider }
    }

    /// The usual verifier, trusting nothing but the pinned root.
    fn verifier(&self, chain: &[CertificateDer<'_>]) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let other_root = || Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(OtherRoot))));
        let root = chain.iter().find(|certificate| pin_of(certificate) == Some(self.pin));
        let mut roots = RootCertStore::empty();
        roots.add(root.ok_or_else(other_root)?.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))
    }
}

impl ServerCertVerifier for PinnedRoot {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier(intermediates)?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    use super::*;

    #[test]
    fn only_a_chain_from_the_pinned_root_with_the_right_name_is_trusted() {
        let ours = Authority::new();
        let other = Authority::new();
        let (leaf, chain) = ours.server("backup.example.org");
        let (foreign_leaf, foreign_chain) = other.server("backup.example.org");
        // A foreign leaf beside our root: the pin is there, but it did not sign.
        let mixed = vec![other.root.clone(), ours.root.clone()];

        assert!(verify(&ours, &leaf, &chain, "backup.example.org").is_ok());
        for (leaf, chain, name) in [
            (&leaf, &chain, "other.example.org"),
            (&foreign_leaf, &foreign_chain, "backup.example.org"),
            (&foreign_leaf, &mixed, "backup.example.org"),
            (&leaf, &Vec::new(), "backup.example.org"),
        ] {
            let refused = verify(&ours, leaf, chain, name).unwrap_err();

            assert!(matches!(refused, Error::InvalidCertificate(_)), "{refused}");
        }
    }

    struct Authority {
        root: CertificateDer<'static>,
        issuer: Issuer<'static, KeyPair>,
    }

    impl Authority {
        fn new() -> Self {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Self {
                root: params.self_signed(&key).unwrap().der().clone(),
                issuer: Issuer::new(params, key),
            }
        }

        fn server(&self, name: &str) -> (CertificateDer<'static>, Vec<CertificateDer<'static>>) {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let leaf = params.signed_by(&key, &self.issuer).unwrap();
            (leaf.der().clone(), vec![self.root.clone()])
        }
    }

    fn verify(
        pinned: &Authority,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &str,
    ) -> Result<ServerCertVerified, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = PinnedRoot::new(pin_of(&pinned.root).unwrap(), provider);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(leaf, chain, &name, &[], UnixTime::now())
    }
}
