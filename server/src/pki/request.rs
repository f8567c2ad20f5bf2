//! [`CertificateRequest`]: the public key that an agent asks a certificate for.

use rcgen::{PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384,
    OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

/// More than any request for one of the accepted keys needs.
const MAX_PEM_BYTES: usize = 16 * 1024;

/// A certificate request (PKCS#10) whose signature is good: whoever made it holds the key.
///
/// **Invariant:** it holds the public key and nothing else that the request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    algorithm: &'static SignatureAlgorithm,
    public_key: Vec<u8>,
    public_key_sha256: [u8; 32],
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// It is not one PEM block with a certificate request.
    #[error("not a certificate request in PEM, of at most 16 KiB")]
    Unreadable,
    /// Key or signature are of another type than those accepted.
    #[error(
        "the key or its signature is of a type that is not accepted: ECDSA P-256 with SHA-256, ECDSA P-384 with SHA-384 \
         or Ed25519 is needed"
    )]
    KeyType,
    /// It was not signed with the key it holds.
    #[error("the signature does not match the key")]
    Signature,
}

impl CertificateRequest {
    /// Reads a request as agents send it.
    pub fn from_pem(text: &str) -> Result<Self, InvalidRequest> {
        if text.len() > MAX_PEM_BYTES {
            return Err(InvalidRequest::Unreadable);
        }
        let der =
            CertificateSigningRequestDer::from_pem_slice(text.as_bytes()).map_err(|_| InvalidRequest::Unreadable)?;
        Self::from_der(&der)
    }

    /// SHA-256 of the public key info; tells whether two certificates are for the same key.
    pub fn public_key_sha256(&self) -> &[u8; 32] {
        &self.public_key_sha256
    }

    fn from_der(der: &[u8]) -> Result<Self, InvalidRequest> {
        let Ok(([], request)) = X509CertificationRequest::from_der(der) else {
            return Err(InvalidRequest::Unreadable);
        };
        let key = &request.certification_request_info.subject_pki;
        let algorithm = algorithm(key).ok_or(InvalidRequest::KeyType)?;
        // One signature per key type, and no others that a library happens to know.
        let signed_with = &request.signature_algorithm.algorithm;
        let expected = if algorithm == &rcgen::PKCS_ECDSA_P256_SHA256 {
            OID_SIG_ECDSA_WITH_SHA256
        } else if algorithm == &rcgen::PKCS_ECDSA_P384_SHA384 {
            OID_SIG_ECDSA_WITH_SHA384
        } else {
            OID_SIG_ED25519
        };
        if *signed_with != expected {
            return Err(InvalidRequest::KeyType);
        }
        request.verify_signature().map_err(|_| InvalidRequest::Signature)?;
        let mut accepted = Self {
            algorithm,
            public_key: key.subject_public_key.data.to_vec(),
            public_key_sha256: [0; 32],
        };
        // Over the info that goes into the certificate, not the one in the request: the same key must give the same hash.
        accepted.public_key_sha256 = Sha256::digest(accepted.subject_public_key_info()).into();
        Ok(accepted)
    }
}

impl PublicKeyData for CertificateRequest {
    fn der_bytes(&self) -> &[u8] {
        &self.public_key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn algorithm(key: &SubjectPublicKeyInfo<'_>) -> Option<&'static SignatureAlgorithm> {
    let identifier = &key.algorithm;
    if identifier.algorithm == OID_SIG_ED25519 {
        return identifier.parameters.is_none().then_some(&rcgen::PKCS_ED25519);
    }
    if identifier.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY {
        return None;
    }
    let curve = identifier.parameters.as_ref()?.as_oid().ok()?;
    if curve == OID_EC_P256 {
        Some(&rcgen::PKCS_ECDSA_P256_SHA256)
    } else if curve == OID_NIST_EC_P384 {
        Some(&rcgen::PKCS_ECDSA_P384_SHA384)
    } else {
        None
    }
}
