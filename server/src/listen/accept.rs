//! The loop itself.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use domain::IdSource;
use domain::rate::Rate;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::arrivals::Arrivals;
use super::connections::{Connections, Counted};
use super::in_use::Calls;
use super::origin::{OriginService, TrustedProxies};
use crate::config;
use crate::grpc::connection::Connection;
use crate::meters::Meters;
use crate::pki::peer::{PeerIdentity, PeerReader};

/// How long a connection that is closed because nothing happens on it may take to end.
const LAST_CALL: Duration = Duration::from_secs(5);
/// Pause of the loop when the system has no descriptor or memory for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// What bounds a port.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections of one address.
    pub per_address: usize,
    /// Open connections of all addresses.
    pub total: usize,
    /// TLS handshakes at the same time; more wait.
    pub handshakes: usize,
    /// How many may wait for their turn; more are closed.
    pub handshake_queue: usize,
    /// How long a handshake may take, the wait for its turn included.
    pub handshake_deadline: Duration,
    /// How long the head of a request may take, and how long a connection may stand before its first one.
    pub header_deadline: Duration,
    /// On a port that asks for certificates: open connections of one address without one, and of all addresses.
    pub without_certificate: (usize, usize),
    /// On such a port: new connections of one address without a certificate; more are closed.
    pub stranger_rate: Rate,
    /// How long a connection may stand without a call once it had one.
    pub idle: Duration,
    /// HTTP/2 streams of one connection.
    pub streams: u32,
    /// HTTP/2 window of one stream, in bytes.
    pub stream_window: u32,
    /// HTTP/2 window of one connection, in bytes.
    pub connection_window: u32,
    /// Bytes that wait to be sent on one stream.
    pub send_buffer: usize,
    /// Bytes of all headers of one request.
    pub header_list: u32,
    /// How often a silent connection is asked for a sign of life, and how long the answer may take.
    pub keepalive: Duration,
}

/// Which versions of HTTP a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/2: browsers and scripts.
    Any,
    /// HTTP/2 only: agents.
    Http2,
}

/// Gives the TLS configuration in force, so that a renewed certificate is used from the next connection on.
pub type TlsSource = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// One port and what answers on it.
pub struct Listener {
    /// The bound socket.
    pub socket: TcpListener,
    /// TLS as it is at the moment of a handshake; `None` for a port behind a proxy that ends it.
    pub tls: Option<TlsSource>,
    /// Reads the client certificate of agents; `None` on a port that asks for none.
    pub peers: Option<PeerReader>,
    /// What it speaks.
    pub protocol: Protocol,
    /// What bounds it.
    pub limits: Limits,
    /// Whose word about clients is taken.
    pub proxies: TrustedProxies,
    /// Where request ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Where it is counted how far the limits are used.
    pub meters: Meters,
    /// What answers.
    pub router: Router,
}

struct Port {
    tls: Option<TlsSource>,
    peers: Option<PeerReader>,
    protocol: Protocol,
    limits: Limits,
    proxies: TrustedProxies,
    ids: Arc<dyn IdSource>,
    meters: Meters,
    router: Router,
    handshakes: Semaphore,
    /// Those at work and those that wait for their turn.
    in_handshake: Semaphore,
    arrivals: Arrivals,
    strangers: Arc<Connections>,
    http: auto::Builder<TokioExecutor>,
}

/// Accepts until `shutdown`; open connections then finish what they are doing, as tasks of `tracker`.
pub async fn serve(listener: Listener, shutdown: CancellationToken, tracker: TaskTracker) {
    let Listener {
        socket,
        tls,
        peers,
        protocol,
        limits,
        proxies,
        ids,
        meters,
        router,
    } = listener;
    let connections = Connections::new(limits.per_address, limits.total);
    let port = Arc::new(Port {
        tls,
        peers,
        protocol,
        handshakes: Semaphore::new(limits.handshakes),
        in_handshake: Semaphore::new(limits.handshakes + limits.handshake_queue),
        arrivals: Arrivals::new(limits.stranger_rate),
        strangers: Connections::new(limits.without_certificate.0, limits.without_certificate.1),
        http: http(&limits),
        limits,
        proxies,
        ids,
        meters,
        router,
    });
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if is_exhausted(&error) {
                    port.meters.open_files.reached();
                    tracing::warn!(%error, "no room for another connection; pausing");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
                continue;
            }
        };
        if port.peers.is_some() && !port.arrivals.admit(address.ip()) {
            port.meters.stranger_connection_rate.reached();
            continue;
        }
        // Over the limit the connection is closed without a word: words would cost what the limit saves.
        let Some(counted) = connections.count(address.ip()) else {
            continue;
        };
        tracker.spawn(connection(
            Arc::clone(&port),
            stream,
            address,
            counted,
            shutdown.clone(),
        ));
    }
}

/// Whether accepting failed because the system is out of something, not because the peer went away.
fn is_exhausted(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn connection(
    port: Arc<Port>,
    stream: TcpStream,
    address: SocketAddr,
    counted: Counted,
    shutdown: CancellationToken,
) {
    let _counted = counted;
    // Without it small messages of a live log wait for each other.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(tls) = &port.tls else {
        return requests(&port, stream, address.ip(), None, shutdown).await;
    };
    let Ok(waiting) = port.in_handshake.try_acquire() else {
        port.meters.handshake_queue.reached();
        return;
    };
    let handshake = async {
        let _turn = port.handshakes.acquire().await.ok()?;
        let _in_use = port.meters.handshakes.hold(1);
        TlsAcceptor::from(tls()).accept(stream).await.ok()
    };
    let Ok(Some(stream)) = tokio::time::timeout(port.limits.handshake_deadline, handshake).await else {
        tracing::debug!(%address, "TLS handshake failed");
        return;
    };
    drop(waiting);
    let peer = port
        .peers
        .as_ref()
        .and_then(|peers| peers.read(stream.get_ref().1))
        .map(Arc::new);
    let is_stranger = port.peers.is_some() && peer.is_none();
    if peer.is_some() {
        port.arrivals.forgive(address.ip());
    }
    let stranger = is_stranger.then(|| port.strangers.count(address.ip()));
    // Whoever has no certificate must not take the places of agents.
    if matches!(stranger, Some(None)) {
        port.meters.stranger_connections.reached();
        return;
    }
    let _in_use = is_stranger.then(|| port.meters.stranger_connections.hold(1));
    requests(&port, stream, address.ip(), peer, shutdown).await;
}

async fn requests<S>(
    port: &Port,
    stream: S,
    address: IpAddr,
    peer: Option<Arc<PeerIdentity>>,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let tls = port.tls.is_some();
    let (calls, handle) = (Calls::none(), Connection::default());
    let (begin, extension, router) = (calls.clone(), handle.clone(), port.router.clone());
    let router = tower::service_fn(move |mut request: http::Request<_>| {
        let call = begin.begin();
        request.extensions_mut().insert(extension.clone());
        if let Some(peer) = &peer {
            request.extensions_mut().insert(Arc::clone(peer));
        }
        let answer = router.clone().oneshot(request);
        async move { Ok::<_, Infallible>(call.answered(answer.await?)) }
    });
    let service = OriginService::new(router, address, tls, port.proxies.clone(), Arc::clone(&port.ids));
    let service = TowerToHyperService::new(service);
    let http = match port.protocol {
        Protocol::Any => port.http.clone(),
        Protocol::Http2 => port.http.clone().http2_only(),
    };
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => log_end(address, result),
        () = handle.closed() => {}
        () = calls.cease(port.limits.header_deadline, port.limits.idle) => {
            port.meters.idle_connections.reached();
            // A call that is on its way just now is still answered.
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(LAST_CALL, connection).await;
        }
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            log_end(address, connection.await);
        }
    }
}

fn log_end(address: IpAddr, result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!(%address, %error, "connection ended");
    }
}

fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_deadline);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_send_buf_size(limits.send_buffer)
        .max_header_list_size(limits.header_list)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .keep_alive_interval(limits.keepalive)
        .keep_alive_timeout(limits.keepalive);
    builder
}

impl Limits {
    /// The web port: browsers open several streams, and a NAT or proxy may stand for many people.
    pub fn web() -> Self {
        Self {
            per_address: 1_000,
            total: 10_000,
            handshakes: 128,
            handshake_deadline: Duration::from_secs(5),
            header_deadline: Duration::from_secs(10),
            handshake_queue: 4_096,
            without_certificate: (0, 0),
            stranger_rate: Rate {
                per_second: 0,
                burst: 0,
            },
            idle: Duration::from_mins(5),
            streams: 100,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            send_buffer: 256 * 1024,
            header_list: 32 * 1024,
            keepalive: Duration::from_secs(20),
        }
    }

    /// The agent port. Its windows are small unless configured otherwise: they are multiplied by the number of agents.
    pub fn agents(limits: &config::Limits) -> Self {
        Self {
            per_address: 12_000,
            total: 12_000,
            handshakes: limits.handshakes,
            handshake_queue: limits.handshake_queue,
            stranger_rate: limits.connection_rate,
            idle: limits.idle,
            handshake_deadline: Duration::from_secs(5),
            header_deadline: Duration::from_secs(10),
            // Enrollment is one short call; hosts of a rollout may share an address.
            without_certificate: (limits.connections, limits.connections.saturating_mul(10)),
            streams: limits.streams,
            stream_window: limits.stream_window,
            connection_window: limits.connection_window,
            send_buffer: limits.send_buffer,
            header_list: 16 * 1024,
            keepalive: Duration::from_secs(20),
        }
    }
}
