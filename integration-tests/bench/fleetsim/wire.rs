//! One connection of one agent: TCP from its own address, TLS, HTTP/2, and the stream of messages.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::agent_service_client::AgentServiceClient;
use proto::agent::v1::server_message::Body as Down;
use proto::agent::v1::{AgentMessage, ServerMessage};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

/// As the agent's own; see its `tls` module.
const STREAM_WINDOW: u32 = 256 * 1024;
const KEEPALIVE: Duration = Duration::from_secs(20);
/// Messages that may wait to be sent.
const OUTGOING: usize = 64;

/// A stream of messages.
pub(crate) struct Wire {
    up: mpsc::Sender<AgentMessage>,
    down: Streaming<ServerMessage>,
}

impl Wire {
    /// Connects and greets.
    pub(crate) async fn open(
        from: Ipv4Addr,
        to: SocketAddr,
        tls: &Arc<ClientConfig>,
        greeting: Up,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let channel = channel(from, to, Arc::clone(tls)).await?;
        let (up, messages) = mpsc::channel(OUTGOING);
        up.send(message(greeting)).await?;
        let mut client = AgentServiceClient::new(channel);
        let down = client.open_session(ReceiverStream::new(messages)).await?.into_inner();
        Ok(Self { up, down })
    }

    /// Says something. What becomes of it is heard, or not.
    pub(crate) async fn say(&self, body: Up) {
        self.up.send(message(body)).await.ok();
    }

    /// Hears the next message; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Result<Option<Down>, Status> {
        Ok(self.down.message().await?.and_then(|message| message.body))
    }
}

fn message(body: Up) -> AgentMessage {
    AgentMessage { body: Some(body) }
}

async fn channel(
    from: Ipv4Addr,
    to: SocketAddr,
    tls: Arc<ClientConfig>,
) -> Result<Channel, Box<dyn std::error::Error + Send + Sync>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(tls)
        .connect(ServerName::from(to.ip()), stream)
        .await?;
    let mut slot = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_| {
        let stream = slot.take();
        async move { stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
    });
    // The scheme only satisfies tonic, which would look for its own TLS otherwise.
    let endpoint = Endpoint::from_shared(format!("http://{to}"))?
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAM_WINDOW);
    Ok(endpoint.connect_with_connector(connector).await?)
}
