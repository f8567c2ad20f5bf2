//! The files beside this one were made with OpenSSL 3.0: `openssl req -new -key … -subj /CN=x`.

use data_encoding::BASE64;
use rcgen::PublicKeyData as _;
use sha2::{Digest as _, Sha256};

use super::*;

const OPENSSL_P256: &str = include_str!("requests/ecdsa-p256.csr");
const OPENSSL_P256_SHA384: &str = include_str!("requests/ecdsa-p256-sha384.csr");
const OPENSSL_P521: &str = include_str!("requests/ecdsa-p521.csr");
const OPENSSL_RSA: &str = include_str!("requests/rsa-2048.csr");

#[test]
fn the_accepted_key_types_are_accepted() {
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();

        let request = CertificateRequest::from_pem(&request_pem(&rcgen::CertificateParams::default(), &key)).unwrap();

        let expected: [u8; 32] = Sha256::digest(key.subject_public_key_info()).into();
        assert_eq!(request.public_key_sha256(), &expected);
        assert_eq!(request.subject_public_key_info(), key.subject_public_key_info());
        assert!(
            World::new(1)
                .authority
                .issue_agent(&request, host(7), WEEK, start())
                .is_ok()
        );
    }
    assert!(CertificateRequest::from_pem(OPENSSL_P256).is_ok());
}

#[test]
fn other_types_of_key_and_signature_are_refused() {
    for text in [OPENSSL_RSA, OPENSSL_P521, OPENSSL_P256_SHA384] {
        assert_eq!(
            CertificateRequest::from_pem(text),
            Err(InvalidRequest::KeyType),
            "{text}"
        );
    }
}

#[test]
fn a_request_that_was_changed_after_signing_is_refused() {
    let mut der = der_of(OPENSSL_P256);
    let subject = der.windows(3).position(|part| part == b"\x0c\x01x").unwrap();
    der[subject + 2] = b'y';

    assert_eq!(
        CertificateRequest::from_pem(&pem_of(&der)),
        Err(InvalidRequest::Signature)
    );
}

#[test]
fn a_request_with_the_signature_of_another_key_is_refused() {
    let other = rcgen::CertificateParams::default().serialize_request(&key()).unwrap();
    let mut der = der_of(OPENSSL_P256);
    let other = other.der();
    let signature = 64;
    let at = der.len() - signature;
    der[at..].copy_from_slice(&other[other.len() - signature..]);

    assert!(CertificateRequest::from_pem(&pem_of(&der)).is_err());
}

#[test]
fn what_is_no_request_is_refused() {
    let der = der_of(OPENSSL_P256);
    let certificate = World::new(1).authority.bundle_pem();
    for text in [
        String::new(),
        "hello".to_owned(),
        OPENSSL_P256[..200].to_owned(),
        certificate,
        pem_of(&der[..der.len() - 1]),
        pem_of(&[der.as_slice(), &[0]].concat()),
        pem_of(&[]),
        format!("{OPENSSL_P256}{}", "x".repeat(16 * 1024)),
    ] {
        assert_eq!(
            CertificateRequest::from_pem(&text),
            Err(InvalidRequest::Unreadable),
            "{text}"
        );
    }
}

#[test]
fn every_changed_bit_and_every_cut_gives_a_refusal_or_the_same_key() {
    let whole = der_of(OPENSSL_P256);
    let expected = CertificateRequest::from_pem(OPENSSL_P256).unwrap();

    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            if let Ok(read) = CertificateRequest::from_pem(&pem_of(&changed)) {
                assert_eq!(read, expected, "bit {bit} of byte {at}");
            }
        }
        assert!(
            CertificateRequest::from_pem(&pem_of(&whole[..at])).is_err(),
            "cut at {at}"
        );
    }
}

fn der_of(text: &str) -> Vec<u8> {
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    BASE64.decode(base64.as_bytes()).unwrap()
}

fn pem_of(der: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        BASE64.encode(der)
    )
}
