//! The least that a server with the agents' protocol can be: it answers each message with a sign of life and keeps nothing.
//!
//! TLS, client certificates and HTTP/2 are set as the server sets them for agents; everything above is missing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::agent_service_server::{AgentService, AgentServiceServer};
use proto::agent::v1::server_message::Body as Down;
use proto::agent::v1::{AgentMessage, Heartbeat, ServerMessage, Welcome};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt as _;
use tokio_stream::adapters::Map;
use tonic::{Request, Response, Status, Streaming};

/// As many as the agents of the other server are told.
const HEARTBEAT_SECONDS: i64 = 5;

type Answered = Result<ServerMessage, Status>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Echo;

#[tonic::async_trait]
impl AgentService for Echo {
    type OpenSessionStream = Map<Streaming<AgentMessage>, fn(Result<AgentMessage, Status>) -> Answered>;

    async fn open_session(
        &self,
        request: Request<Streaming<AgentMessage>>,
    ) -> Result<Response<Self::OpenSessionStream>, Status> {
        Ok(Response::new(request.into_inner().map(answer)))
    }
}

fn answer(message: Result<AgentMessage, Status>) -> Answered {
    let body = match message?.body {
        Some(Up::Hello(_)) => Down::Welcome(Welcome {
            protocol: 1,
            heartbeat_interval: Some(pbjson_types::Duration {
                seconds: HEARTBEAT_SECONDS,
                nanos: 0,
            }),
            ..Welcome::default()
        }),
        Some(_) | None => Down::Heartbeat(Heartbeat {}),
    };
    Ok(ServerMessage { body: Some(body) })
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(address), Some(agents), Some(root)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: restic-manager-bench-echo ADDRESS FILE-WITH-AGENTS-CA FILE-FOR-ROOT".into());
    };
    let address = address.to_str().ok_or("the address is text")?;
    let (tls, root_pem) = tls(&std::fs::read(PathBuf::from(agents))?)?;
    let listener = TcpListener::bind(address).await?;
    // Whoever waits for the file finds the port open.
    let root = PathBuf::from(root);
    std::fs::write(root.with_extension("part"), root_pem)?;
    std::fs::rename(root.with_extension("part"), root)?;

    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let http = http();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, http) = (acceptor.clone(), http.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = TowerToHyperService::new(AgentServiceServer::new(Echo));
            // How a connection ends is of no interest here.
            http.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

/// What the server sets for its agent port; see `Limits::agents` in its `listen` module.
fn http() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(8)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(128 * 1024)
        .max_send_buf_size(64 * 1024)
        .max_header_list_size(16 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// TLS 1.3 with client certificates of the agents' CA, and the root that clients know this server by, PEM.
fn tls(agents_ca_pem: &[u8]) -> Result<(ServerConfig, String), Failure> {
    let mut anchors = RootCertStore::empty();
    anchors.add(CertificateDer::from_pem_slice(agents_ca_pem)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&provider)).build()?;

    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate()?;
    let root_certificate = root.self_signed(&root_key)?;
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;

    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der())?)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok((config, root_certificate.pem()))
}
