//! An agent that a test plays on the wire: its own key and certificate, its own connection, one message at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::certificate::{IdentityKey, IdentityProof, IdentitySignature, Occasion};
use domain::enrollment::{
    Enroll, EnrollNonce, EnrollmentToken, NewEnrollmentToken, NewReplacementToken, OperatingSystem, TokenTtl,
    WantedRepository, WantedToken,
};
use domain::id::HostId;
use domain::name::Tags;
use domain::{Clock, IdSource as _, Role, Timestamp};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use proto::agent::v1;
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::agent_service_client::AgentServiceClient;
use proto::agent::v1::server_message::Body as Down;
use proto::convert::to_timestamp;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use server::app::{Caller, Who};
use server::clock::{SystemClock, SystemIds};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

use super::host::serial;
use super::{TestServer, origin};

/// How long a test waits for a word of the server.
const PATIENCE: Duration = Duration::from_secs(20);

/// An enrolled agent with its key.
#[derive(Clone)]
pub struct Agent {
    pub host: HostId,
    /// Identifies the start of its machine.
    pub boot_id: String,
    pub incarnation: String,
    /// What its process remembers of its sessions.
    pub last_epoch: Arc<AtomicU64>,
    port: SocketAddr,
    root: CertificateDer<'static>,
    identity: Option<(Vec<CertificateDer<'static>>, Vec<u8>)>,
    /// Ed25519, made once.
    pub identity_key: Arc<KeyPair>,
    /// Serial number of its certificate.
    pub serial: String,
    clock: Arc<dyn Clock>,
}

/// One stream of an agent.
pub struct Wire {
    up: mpsc::Sender<v1::AgentMessage>,
    down: Streaming<v1::ServerMessage>,
}

impl TestServer {
    /// Enrolls an agent with a token, as a machine would.
    pub async fn agent(&self, name: &str, repository: WantedRepository) -> Agent {
        let new = NewEnrollmentToken {
            hostname: name.parse().unwrap(),
            tags: Tags::default(),
            repository,
            initial_paths: None,
            ttl: TokenTtl::default(),
            source: None,
        };
        self.agent_with(WantedToken::Host(new)).await
    }

    /// Enrolls an agent in the place of a host.
    pub async fn agent_in_place_of(&self, host: HostId) -> Agent {
        let new = NewReplacementToken {
            host,
            hostname: None,
            ttl: TokenTtl::default(),
            source: None,
        };
        self.agent_with(WantedToken::Replacement(new)).await
    }

    async fn agent_with(&self, wanted: WantedToken) -> Agent {
        let operator = self.caller(Role::Operator).await;
        let token = self.app.make_enrollment_token(&operator, wanted).await.unwrap().token;
        let (key, csr) = key_and_request();
        let identity_key = Arc::new(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap());
        let token = EnrollmentToken::parse(token.expose()).unwrap();
        let nonce: EnrollNonce = "0".repeat(32).parse().unwrap();
        let occasion = Occasion::Enrollment {
            token: token.id(),
            nonce: &nonce,
        };
        let identity = Some(signed(&identity_key, &occasion, &key));
        let enroll = Enroll {
            token,
            hostname: "machine".into(),
            os: OperatingSystem::Linux,
            arch: "x86_64".into(),
            agent_version: "0.1.0".into(),
            restic_version: Some("0.18.0".into()),
            csr_pem: csr,
            nonce,
            identity,
        };
        let nobody = Caller {
            who: Who::Anonymous,
            origin: origin(Some(self.next_address())),
        };
        let enrolled = self.app.enroll(&nobody, enroll).await.unwrap();
        Agent {
            host: enrolled.host_id,
            boot_id: "boot-1".to_owned(),
            incarnation: SystemIds::new(Arc::new(SystemClock)).next_uuid().to_string(),
            last_epoch: Arc::default(),
            port: self.agents,
            root: certificates(&enrolled.ca_bundle_pem).remove(0),
            identity: Some((certificates(&enrolled.certificate_pem), key.serialize_der())),
            identity_key,
            serial: serial(&enrolled.certificate_pem),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Agent {
    /// An agent with what a server has answered to its enrollment over REST.
    pub fn enrolled(answer: &Value, key: &KeyPair, port: SocketAddr) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap();
        Self {
            host: text("host_id").parse().unwrap(),
            boot_id: "boot-1".to_owned(),
            incarnation: SystemIds::new(Arc::new(SystemClock)).next_uuid().to_string(),
            last_epoch: Arc::default(),
            port,
            root: certificates(text("ca_bundle_pem")).remove(0),
            identity: Some((certificates(text("certificate_pem")), key.serialize_der())),
            identity_key: Arc::new(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap()),
            serial: serial(text("certificate_pem")),
            clock: Arc::new(SystemClock),
        }
    }

    /// Somebody without a certificate.
    pub fn without_certificate(mut self) -> Self {
        self.identity = None;
        self
    }

    /// The same with its next certificate.
    pub fn with_certificate(&self, certificate_pem: &str, key: &KeyPair) -> Self {
        Self {
            identity: Some((certificates(certificate_pem), key.serialize_der())),
            serial: serial(certificate_pem),
            ..self.clone()
        }
    }

    /// Judges the server's certificates by this clock.
    pub fn by_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// A wish for the next certificate in a session, and the key that it is for.
    pub fn wish(&self) -> (v1::RenewRequest, KeyPair) {
        let (key, csr_pem) = key_and_request();
        let proof = signed(&self.identity_key, &Occasion::Renewal { host: self.host }, &key);
        let wish = v1::RenewRequest {
            csr_pem,
            identity_key: proof.key.as_bytes().to_vec(),
            proof: proof.signature.as_bytes().to_vec(),
        };
        (wish, key)
    }

    /// A wish to come back after the certificate has ended, and the key that it is for.
    pub fn wish_to_come_back(&self, at: Timestamp) -> (v1::RenewExpiredRequest, KeyPair) {
        let (key, csr_pem) = key_and_request();
        let last = self.serial.parse().unwrap();
        let occasion = Occasion::Return {
            host: self.host,
            last: &last,
            at,
        };
        let proof = signed(&self.identity_key, &occasion, &key);
        let wish = v1::RenewExpiredRequest {
            host_id: self.host.to_string(),
            csr_pem,
            last_serial: self.serial.clone(),
            requested_at: Some(to_timestamp(at)),
            identity_key: proof.key.as_bytes().to_vec(),
            proof: proof.signature.as_bytes().to_vec(),
        };
        (wish, key)
    }

    /// What the agent greets with.
    pub fn greeting(&self) -> v1::Hello {
        v1::Hello {
            protocol_min: 1,
            protocol_max: 1,
            inventory: Some(v1::Inventory {
                hostname: "machine".to_owned(),
                os: "linux".to_owned(),
                arch: "x86_64".to_owned(),
                agent_version: "0.1.0".to_owned(),
                restic_version: "0.18.0".to_owned(),
                ..v1::Inventory::default()
            }),
            boot_id: self.boot_id.clone(),
            outbox_incarnation: self.incarnation.clone(),
            next_seq: 1,
            applied: Vec::new(),
            wall_time: None,
            last_session_epoch: self.last_epoch.load(Ordering::Relaxed),
            live_jobs: Vec::new(),
        }
    }

    /// Opens a stream and says nothing yet.
    pub async fn dial(&self) -> Result<Wire, Status> {
        let (up, said) = mpsc::channel(1);
        let mut client = AgentServiceClient::new(self.channel().await);
        let down = client.open_session(ReceiverStream::new(said)).await?.into_inner();
        Ok(Wire { up, down })
    }

    /// Opens a stream, greets and is welcomed.
    pub async fn connect(&self) -> (Wire, v1::Welcome) {
        let mut wire = self.dial().await.unwrap();
        wire.say(Up::Hello(self.greeting())).await;
        let Some(Down::Welcome(welcome)) = wire.hear().await.unwrap() else {
            panic!("no welcome")
        };
        self.last_epoch.fetch_max(welcome.session_epoch, Ordering::Relaxed);
        (wire, welcome)
    }

    /// Opens a stream, greets and is refused.
    pub async fn is_refused(&self) -> Status {
        let mut wire = match self.dial().await {
            Ok(wire) => wire,
            Err(refused) => return refused,
        };
        wire.say(Up::Hello(self.greeting())).await;
        wire.hear().await.expect_err("it is refused")
    }

    /// A copy of its machine: the same certificate and state, in a process of its own.
    pub fn copied(&self, boot_id: &str) -> Self {
        Self {
            boot_id: boot_id.to_owned(),
            last_epoch: Arc::default(),
            ..self.clone()
        }
    }

    /// Connects to this address from here on.
    pub fn dials(&mut self, port: SocketAddr) {
        self.port = port;
    }

    /// Lets the next connection go through a proxy. The task ends when the server has closed it.
    pub async fn through_proxy(&mut self) -> JoinHandle<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = std::mem::replace(&mut self.port, listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut from_agent, mut to_agent) = listener.accept().await.unwrap().0.into_split();
            let (mut from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
            let up = tokio::spawn(async move { tokio::io::copy(&mut from_agent, &mut to_server).await });
            // It may be closed in the middle of something, which is an error here and no fault.
            let _ = tokio::io::copy(&mut from_server, &mut to_agent).await;
            up.abort();
        })
    }

    /// Connects to the agent port.
    pub async fn channel(&self) -> Channel {
        let (connector, port) = (TlsConnector::from(Arc::new(self.tls())), self.port);
        let connect = tower::service_fn(move |_| {
            let connector = connector.clone();
            async move {
                let stream = TcpStream::connect(port).await?;
                let name = ServerName::from(port.ip());
                Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
            }
        });
        Endpoint::from_shared(format!("http://{port}"))
            .unwrap()
            .initial_stream_window_size(65_535)
            .initial_connection_window_size(65_535)
            .connect_with_connector(connect)
            .await
            .unwrap()
    }

    /// Streams, window of a stream and window of the connection, as the first frames of the agent port tell them.
    pub async fn told_by_http2(&self) -> (u32, u32, u32) {
        /// What both sides begin with.
        const CONNECTION_WINDOW: u32 = 65_535;
        let tcp = TcpStream::connect(self.port).await.unwrap();
        let connector = TlsConnector::from(Arc::new(self.tls()));
        let mut stream = connector.connect(ServerName::from(self.port.ip()), tcp).await.unwrap();
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        stream.write_all(preface).await.unwrap();
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        let (mut streams, mut window) = (None, None);
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::try_from(number(&head[..3])).unwrap()];
            stream.read_exact(&mut payload).await.unwrap();
            match head[3] {
                // SETTINGS: pairs of two bytes and four.
                4 => {
                    for setting in payload.chunks(6) {
                        match number(&setting[..2]) {
                            3 => streams = Some(number(&setting[2..])),
                            4 => window = Some(number(&setting[2..])),
                            _ => {}
                        }
                    }
                }
                // WINDOW_UPDATE of the connection: how much more than at the beginning.
                8 => return (streams.unwrap(), window.unwrap(), CONNECTION_WINDOW + number(&payload)),
                _ => {}
            }
        }
    }

    fn tls(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clock = Arc::new(ClientTime(Arc::clone(&self.clock)));
        let config = ClientConfig::builder_with_details(provider, clock)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let key = PrivateKeyDer::try_from(key.clone()).unwrap();
                config.with_client_auth_cert(chain.clone(), key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

impl Wire {
    /// Says something.
    pub async fn say(&self, body: Up) {
        // When the stream has ended, that is what the test will hear.
        let _ = self.up.send(v1::AgentMessage { body: Some(body) }).await;
    }

    /// Hears the next word that is no sign of life; `None` when the stream has ended in order.
    pub async fn hear(&mut self) -> Result<Option<Down>, Status> {
        loop {
            let heard = tokio::time::timeout(PATIENCE, self.down.message())
                .await
                .expect("the server says nothing");
            match heard?.and_then(|message| message.body) {
                Some(Down::Heartbeat(_)) => {}
                other => return Ok(other),
            }
        }
    }

    /// Hears until `wanted` finds something.
    pub async fn hear_until<T>(&mut self, mut wanted: impl FnMut(Down) -> Option<T>) -> T {
        loop {
            let heard = self.hear().await.unwrap().expect("the stream ended too early");
            if let Some(found) = wanted(heard) {
                return found;
            }
        }
    }

    /// Hears the next command.
    pub async fn command(&mut self) -> v1::Command {
        self.hear_until(|heard| {
            if let Down::Command(command) = heard {
                Some(command)
            } else {
                None
            }
        })
        .await
    }

    /// Hears the next acknowledgement of events.
    pub async fn ack(&mut self) -> u64 {
        self.hear_until(|heard| {
            if let Down::Ack(ack) = heard {
                Some(ack.through_seq)
            } else {
                None
            }
        })
        .await
    }

    /// Hears the server's farewell, and that nothing follows it.
    pub async fn farewell(&mut self) -> v1::Goodbye {
        let goodbye = self
            .hear_until(|heard| {
                if let Down::Goodbye(goodbye) = heard {
                    Some(goodbye)
                } else {
                    None
                }
            })
            .await;
        assert_eq!(self.hear().await.unwrap(), None);
        goodbye
    }

    /// Answers a command.
    pub async fn answer(&self, command: &v1::Command, outcome: v1::CommandOutcome) {
        let reason = if outcome == v1::CommandOutcome::Refused {
            "queue_full"
        } else {
            ""
        };
        let ack = v1::CommandAck {
            command_id: command.command_id.clone(),
            outcome: outcome.into(),
            reason: reason.to_owned(),
        };
        self.say(Up::CommandAck(ack)).await;
    }

    /// Reports events with these numbers.
    pub async fn report(&self, first_seq: u64, events: Vec<v1::event::Event>) {
        let events = (first_seq..).zip(events).map(|(seq, event)| v1::Event {
            seq,
            occurred_at: Some(to_timestamp(moment(seq))),
            event: Some(event),
        });
        self.say(Up::Events(v1::EventBatch {
            events: events.collect(),
        }))
        .await;
    }
}

/// The clock of an agent, as rustls asks for it.
struct ClientTime(Arc<dyn Clock>);

impl TimeProvider for ClientTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.now().since(Timestamp::UNIX_EPOCH)))
    }
}

impl std::fmt::Debug for ClientTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientTime")
    }
}

fn key_and_request() -> (KeyPair, String) {
    let key = KeyPair::generate().unwrap();
    let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
    let csr = csr.pem().unwrap();
    (key, csr)
}

/// What an identity key says on an occasion about the key of a request.
fn signed(identity: &KeyPair, occasion: &Occasion<'_>, request: &KeyPair) -> IdentityProof {
    let request_key: [u8; 32] = Sha256::digest(request.subject_public_key_info()).into();
    let signature = identity.sign(&occasion.statement(&request_key)).unwrap();
    IdentityProof {
        key: IdentityKey::from_bytes(identity.der_bytes().try_into().unwrap()),
        signature: IdentitySignature::from_bytes(signature.try_into().unwrap()),
    }
}

/// A piece of log, as an agent sent it that did not say what it follows.
pub fn log_chunk(job: &str, first_line: u64, lines: &[&str]) -> v1::LogChunk {
    let bytes: Vec<u8> = lines
        .iter()
        .flat_map(|line| {
            let record = v1::LogRecord {
                payload: (*line).to_owned(),
                ..v1::LogRecord::default()
            };
            record.encode_length_delimited_to_vec()
        })
        .collect();
    v1::LogChunk {
        job_id: job.to_owned(),
        first_line,
        line_count: u32::try_from(lines.len()).unwrap(),
        lines_zstd: zstd::encode_all(bytes.as_slice(), 1).unwrap(),
        follows_line: None,
    }
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(Result::unwrap)
        .collect()
}

/// When the event with this number happened.
pub fn moment(seq: u64) -> Timestamp {
    Timestamp::from_seconds(1_777_593_600 + i64::try_from(seq).unwrap(), 0).unwrap()
}
