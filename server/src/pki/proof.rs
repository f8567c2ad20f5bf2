//! Signatures of identity keys.

use domain::certificate::{IdentityProof, Occasion};
use rustls::SignatureScheme;

/// Whether a proof's key has signed the statement of the occasion, about the key of a certificate request.
pub fn is_signed(proof: &IdentityProof, occasion: &Occasion<'_>, request_key: &[u8; 32]) -> bool {
    let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let ed25519 = known
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == SignatureScheme::ED25519);
    let statement = occasion.statement(request_key);
    ed25519
        .and_then(|(_, algorithms)| algorithms.first())
        .is_some_and(|algorithm| {
            let (key, signature) = (proof.key.as_bytes(), proof.signature.as_bytes());
            algorithm.verify_signature(key, &statement, signature).is_ok()
        })
}

#[cfg(test)]
mod tests {
    use domain::certificate::{IdentityKey, IdentitySignature};
    use domain::id::HostId;
    use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_key_itself_signs_and_only_this_statement() {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let (ours, theirs) = (renewal(1), renewal(2));
        let proof = proof(&key, &key, &ours);

        assert!(is_signed(&proof, &ours, &[7; 32]));
        assert!(!is_signed(&proof, &theirs, &[7; 32]), "another host");
        assert!(!is_signed(&proof, &ours, &[8; 32]), "another request");
        assert!(
            !is_signed(&self::proof(&key, &other, &ours), &ours, &[7; 32]),
            "another key"
        );
    }

    fn proof(claimed: &KeyPair, signer: &KeyPair, occasion: &Occasion<'_>) -> IdentityProof {
        let signature = signer.sign(&occasion.statement(&[7; 32])).unwrap();
        IdentityProof {
            key: IdentityKey::from_bytes(claimed.der_bytes().try_into().unwrap()),
            signature: IdentitySignature::from_bytes(signature.try_into().unwrap()),
        }
    }

    fn renewal(host: u128) -> Occasion<'static> {
        Occasion::Renewal {
            host: HostId::from_uuid(Uuid::from_u128(host)),
        }
    }
}
