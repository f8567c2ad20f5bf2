//! TLS to the agent port: 1.3 only, HTTP/2 only, no resumption, so that every connection checks every certificate.
//!
//! Where the agent has no certificate to show, the server is known by its pin alone ([`enrolling`]); otherwise by the stored bundle, and the agent
//! shows its certificate ([`session`]).

mod address;
mod pinned;
mod unchecked;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use domain::Secret;
use domain::enrollment::Pin;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

pub use address::{AgentAddress, InvalidAddress};
pub use pinned::pin_of;

const TCP_WITHIN: Duration = Duration::from_secs(10);
/// The server gives a handshake 5 s from its side; a slow network adds its own.
const TLS_WITHIN: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(20);
/// One message of the server has at most 1 MiB.
const STREAM_WINDOW: u32 = 256 * 1024;

/// A connection that could not be made, or the means for one that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no way to the server.
    #[error("could not reach {address}")]
    Unreachable {
        /// Where it should be.
        address: AgentAddress,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It does not answer.
    #[error("{address} does not answer")]
    Timeout {
        /// Where it should be.
        address: AgentAddress,
    },
    /// What answers is not the server that the pin or the bundle names.
    #[error("{address} is not the server that this agent trusts")]
    Untrusted {
        /// Who answered.
        address: AgentAddress,
        /// What is wrong with its certificate.
        #[source]
        source: io::Error,
    },
    /// The certificate is out of its time, which most often is this machine's clock.
    #[error("the certificate of {address} is not valid at this machine's time; check the clock")]
    Clock {
        /// Who answered.
        address: AgentAddress,
        /// By how much.
        #[source]
        source: io::Error,
    },
    /// The handshake failed otherwise.
    #[error("{address} does not accept the connection")]
    Handshake {
        /// Who answered.
        address: AgentAddress,
        /// What the other side or the network said.
        #[source]
        source: io::Error,
    },
    /// HTTP/2 does not come up.
    #[error("{address} does not speak the agent protocol")]
    Http2 {
        /// Who answered.
        address: AgentAddress,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// A PEM file of ours cannot be used.
    #[error("{what} cannot be used")]
    Material {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Knows the server by the pin of its root, and shows no certificate: to enroll, or when the last certificate has ended.
pub fn enrolling(pin: Pin) -> Arc<ClientConfig> {
    let provider = provider();
    let verifier = Arc::new(pinned::PinnedRoot::new(pin, Arc::clone(&provider)));
    let config = builder(provider)
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    finished(config)
}

/// Knows the server by the bundle, and shows the certificate in a text that also holds its key.
pub fn session(bundle_pem: &str, credential_pem: &Secret<String>) -> Result<Arc<ClientConfig>, Error> {
    let roots = roots(bundle_pem)?;
    let chain = certificates("the host's certificate", credential_pem.expose())?;
    let key = PrivateKeyDer::from_pem_slice(credential_pem.expose().as_bytes()).map_err(material("the host's key"))?;
    let config = builder(provider())
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(material("the host's key and certificate"))?;
    Ok(finished(config))
}

/// Reads a bundle of root certificates. Errors when it is empty or holds something else.
pub fn roots(bundle_pem: &str) -> Result<RootCertStore, Error> {
    const WHAT: &str = "the bundle of trusted certificates";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(WHAT, bundle_pem)? {
        roots.add(certificate).map_err(material(WHAT))?;
    }
    Ok(roots)
}

/// Whether the pinned root is in the bundle.
pub fn holds_root(bundle_pem: &str, pin: Pin) -> bool {
    let certificates = certificates("the bundle of trusted certificates", bundle_pem);
    certificates.is_ok_and(|all| all.iter().any(|certificate| pin_of(certificate) == Some(pin)))
}

/// Trusts anybody. For a question whose answer is not trusted either; see `enroll/lookup.rs`.
pub(crate) fn unchecked() -> Arc<ClientConfig> {
    let provider = provider();
    let verifier = Arc::new(unchecked::Anybody(Arc::clone(&provider)));
    let config = builder(provider)
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Arc::new(config)
}

/// Connects, and hands back a channel that does not reconnect by itself.
pub async fn connect(address: &AgentAddress, tls: Arc<ClientConfig>) -> Result<Channel, Error> {
    let stream = handshake(address, tls).await?;
    let mut slot = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_: http::Uri| {
        let stream = slot.take();
        async move { stream.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the connection is gone")) }
    });
    // The scheme only satisfies tonic, which would look for its own TLS otherwise.
    let http2 = |source| Error::Http2 {
        address: address.clone(),
        source,
    };
    Endpoint::from_shared(format!("http://{address}"))
        .map_err(http2)?
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAM_WINDOW)
        .connect_timeout(TLS_WITHIN)
        .connect_with_connector(connector)
        .await
        .map_err(http2)
}

async fn handshake(
    address: &AgentAddress,
    tls: Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
    let timeout = |_| Error::Timeout {
        address: address.clone(),
    };
    let connecting = TcpStream::connect((address.host(), address.port()));
    let tcp = tokio::time::timeout(TCP_WITHIN, connecting)
        .await
        .map_err(timeout)?
        .map_err(|source| Error::Unreachable {
            address: address.clone(),
            source,
        })?;
    // Best effort: without it small messages wait for one another.
    let _ = tcp.set_nodelay(true);
    let shaking = TlsConnector::from(tls).connect(address.server_name(), tcp);
    tokio::time::timeout(TLS_WITHIN, shaking)
        .await
        .map_err(timeout)?
        .map_err(|source| judged(address.clone(), source))
}

fn judged(address: AgentAddress, source: io::Error) -> Error {
    let reason = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match reason {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => Error::Clock { address, source },
        Some(rustls::Error::InvalidCertificate(_)) => Error::Untrusted { address, source },
        Some(_) | None => Error::Handshake { address, source },
    }
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.map_err(material(what))?;
    if certificates.is_empty() {
        return Err(material(what)("it holds no certificate"));
    }
    Ok(certificates)
}

fn material<E>(what: &'static str) -> impl Fn(E) -> Error
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    move |source| Error::Material {
        what,
        source: source.into(),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder(provider: Arc<CryptoProvider>) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring speaks TLS 1.3")
}

fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
