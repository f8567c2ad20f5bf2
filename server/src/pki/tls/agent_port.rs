//! TLS of the agent port.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use domain::{Clock, Timestamp};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};

use super::super::Error;
use super::super::authority::{Authority, ServerLeaf};
use super::presented::Presented;
use super::{ServerTime, provider};

/// TLS 1.3 with the built-in CA. A client certificate is optional in the handshake, because enrollment has none; one that
/// is presented must come from the CA for agents.
///
/// **Invariant:** no session is resumed. Resumption would skip the look at the client's certificate.
pub struct AgentPort {
    config: Arc<ServerConfig>,
    presented: Arc<Presented>,
    accepted: Arc<Accepted>,
    clock: Arc<dyn Clock>,
}

impl AgentPort {
    /// Presents `leaf` and accepts the agents of `authority`.
    pub fn new(authority: &Authority, leaf: &ServerLeaf, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let presented = Arc::new(Presented::new(certified(leaf)?));
        let accepted = Arc::new(Accepted(RwLock::new(verifier(authority, clock.now())?)));
        let mut config = ServerConfig::builder_with_details(provider(), Arc::new(ServerTime(Arc::clone(&clock))))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(Error::tls)?
            .with_client_cert_verifier(Arc::clone(&accepted) as Arc<dyn ClientCertVerifier>)
            .with_cert_resolver(Arc::clone(&presented) as _);
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self {
            config: Arc::new(config),
            presented,
            accepted,
            clock,
        })
    }

    /// For the listener; it stays good when certificates are exchanged.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Exchanges what new handshakes get and accept. On an error everything stays as it was.
    pub fn replace(&self, authority: &Authority, leaf: &ServerLeaf) -> Result<(), Error> {
        let presented = certified(leaf)?;
        let accepted = verifier(authority, self.clock.now())?;
        self.presented.set(presented);
        *self.accepted.0.write().unwrap_or_else(PoisonError::into_inner) = accepted;
        Ok(())
    }
}

fn certified(leaf: &ServerLeaf) -> Result<CertifiedKey, Error> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf.key.expose().clone()));
    CertifiedKey::from_der(leaf.chain.clone(), key, &provider()).map_err(Error::tls)
}

/// Trusts the CAs for agents themselves and not the root: a certificate of another branch leads nowhere.
fn verifier(authority: &Authority, now: Timestamp) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut anchors = RootCertStore::empty();
    for ca in authority.accepted_agent_cas(now) {
        anchors.add(ca.clone()).map_err(Error::tls)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), provider())
        .allow_unauthenticated()
        .build()
        .map_err(Error::tls)
}

/// The verifier that was set last.
struct Accepted(RwLock<Arc<dyn ClientCertVerifier>>);

impl Accepted {
    fn current(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientCertVerifier for Accepted {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Agents have one certificate and need no hint; others need not know the names of our CAs.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.current().verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current().supported_verify_schemes()
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accepted")
    }
}
