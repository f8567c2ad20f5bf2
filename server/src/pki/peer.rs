//! [`PeerIdentity`]: who is at the other end of a connection to the agent port.

use domain::Timestamp;
use domain::id::HostId;
use rustls::ServerConnection;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

use super::ca;
use super::name::{Deployment, Name, Subject};

/// What the certificate of an agent says. The handshake has proven that the peer holds its key and that our CA for agents
/// issued it; whether it is revoked is for the database to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// This installation.
    pub deployment: Deployment,
    /// The host it was issued to.
    pub host: HostId,
    /// 32 lower-case hex digits.
    pub serial: String,
    /// SHA-256 of the public key info.
    pub public_key_sha256: [u8; 32],
    /// The end of its life.
    pub not_after: Timestamp,
}

/// Reads the identity of peers of one deployment.
#[derive(Debug, Clone, Copy)]
pub struct PeerReader {
    deployment: Deployment,
}

impl PeerReader {
    /// Accepts names of this deployment only.
    pub fn new(deployment: Deployment) -> Self {
        Self { deployment }
    }

    /// The identity of a peer after its handshake; `None` when it presented no certificate.
    pub fn read(&self, connection: &ServerConnection) -> Option<PeerIdentity> {
        self.identify(connection.peer_certificates()?.first()?)
    }

    /// The identity in a leaf; `None` when it is no agent's of this deployment.
    pub(super) fn identify(&self, leaf: &CertificateDer<'_>) -> Option<PeerIdentity> {
        let certificate = ca::parse(leaf).ok()?;
        let usage = certificate.extended_key_usage().ok()??;
        let Name {
            deployment,
            subject: Subject::Agent(host),
        } = Name::of(&certificate)?
        else {
            return None;
        };
        if deployment != self.deployment || !usage.value.client_auth {
            return None;
        }
        Some(PeerIdentity {
            deployment,
            host,
            serial: ca::serial(&certificate),
            public_key_sha256: Sha256::digest(certificate.public_key().raw).into(),
            not_after: ca::validity(&certificate)?.not_after,
        })
    }
}
