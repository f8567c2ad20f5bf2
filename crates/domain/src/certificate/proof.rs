//! What an agent's identity key signs, so that a certificate is asked for by the host itself.
//!
//! **Invariant:** a signature is good for one occasion, one host or token, and one key: put anywhere else it does not
//! match.

use std::fmt;

use super::Serial;
use crate::Timestamp;
use crate::enrollment::EnrollNonce;
use crate::id::{EnrollmentTokenId, HostId};

/// The public half of the key that an agent makes once and keeps: Ed25519.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdentityKey([u8; 32]);

/// A signature with an identity key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdentitySignature([u8; 64]);

/// A signature and the key that it claims to be of. Nothing has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityProof {
    /// The key.
    pub key: IdentityKey,
    /// What it signed is the [`Occasion::statement`].
    pub signature: IdentitySignature,
}

/// What a certificate is asked for on.
#[derive(Debug, Clone, Copy)]
pub enum Occasion<'a> {
    /// A machine becomes a host.
    Enrollment {
        /// By this token.
        token: EnrollmentTokenId,
        /// In this attempt.
        nonce: &'a EnrollNonce,
    },
    /// A host renews its certificate in its session.
    Renewal {
        /// Which.
        host: HostId,
    },
    /// A host comes back after its certificate has ended.
    Return {
        /// Which.
        host: HostId,
        /// The certificate that it had last.
        last: &'a Serial,
        /// By its clock; the statement is good for a while from then.
        at: Timestamp,
    },
}

impl IdentityKey {
    /// Wraps the 32 bytes of the key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl IdentitySignature {
    /// Wraps the 64 bytes of the signature.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Occasion<'_> {
    /// The bytes that are signed: the occasion's name and a NUL, its facts at fixed lengths, and SHA-256 of the public key
    /// info of the certificate request.
    pub fn statement(&self, request_key: &[u8; 32]) -> Vec<u8> {
        let mut statement = Vec::with_capacity(128);
        match self {
            Self::Enrollment { token, nonce } => {
                statement.extend_from_slice(b"restic-manager/enroll/1\0");
                statement.extend_from_slice(token.as_uuid().as_bytes());
                statement.extend_from_slice(nonce.as_str().as_bytes());
            }
            Self::Renewal { host } => {
                statement.extend_from_slice(b"restic-manager/renew/1\0");
                statement.extend_from_slice(host.as_uuid().as_bytes());
            }
            Self::Return { host, last, at } => {
                statement.extend_from_slice(b"restic-manager/return/1\0");
                statement.extend_from_slice(host.as_uuid().as_bytes());
                statement.extend_from_slice(last.as_str().as_bytes());
                statement.extend_from_slice(&at.as_micros().to_be_bytes());
            }
        }
        statement.extend_from_slice(request_key);
        statement
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "identity:{}", data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for IdentitySignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentitySignature")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_fact_changes_the_statement() {
        let (host, other_host) = (
            HostId::from_uuid(Uuid::from_u128(1)),
            HostId::from_uuid(Uuid::from_u128(2)),
        );
        let (token, other_token) = (
            EnrollmentTokenId::from_uuid(Uuid::from_u128(1)),
            EnrollmentTokenId::from_uuid(Uuid::from_u128(2)),
        );
        let (nonce, other_nonce) = ("0".repeat(32).parse().unwrap(), "1".repeat(32).parse().unwrap());
        let (last, other_last) = ("0".repeat(32).parse().unwrap(), "1".repeat(32).parse().unwrap());
        let (at, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_micros(1).unwrap());
        let occasions = [
            Occasion::Enrollment { token, nonce: &nonce },
            Occasion::Enrollment {
                token: other_token,
                nonce: &nonce,
            },
            Occasion::Enrollment {
                token,
                nonce: &other_nonce,
            },
            Occasion::Renewal { host },
            Occasion::Renewal { host: other_host },
            Occasion::Return { host, last: &last, at },
            Occasion::Return {
                host: other_host,
                last: &last,
                at,
            },
            Occasion::Return {
                host,
                last: &other_last,
                at,
            },
            Occasion::Return {
                host,
                last: &last,
                at: later,
            },
        ];

        let statements: HashSet<Vec<u8>> = occasions
            .iter()
            .flat_map(|occasion| [[1; 32], [2; 32]].map(|key| occasion.statement(&key)))
            .collect();

        assert_eq!(statements.len(), occasions.len() * 2);
    }
}
