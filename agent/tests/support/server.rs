//! A server that keeps what agents say as the real one does: effect and cursor together, log by line number.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::clock::SystemClock;
use domain::Clock as _;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use prost::Message as _;
use proto::agent::v1::agent_message::Body;
use proto::agent::v1::agent_service_server::{AgentService, AgentServiceServer};
use proto::agent::v1::enrollment_service_server::{EnrollmentService, EnrollmentServiceServer};
use proto::agent::v1::event::Event;
use proto::agent::v1::{self, AgentMessage, ServerMessage, server_message};
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use tower::ServiceExt as _;

use super::PATIENCE;
use super::authority::Authority;

const WINDOW: u32 = 256 * 1024;

/// A server on a free loopback port.
pub struct FakeServer {
    pub authority: Arc<Authority>,
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the server knows and how it behaves.
#[derive(Default)]
pub struct Record {
    pub hellos: Vec<v1::Hello>,
    /// The cursor of each incarnation.
    pub cursors: BTreeMap<String, u64>,
    /// Events in the order they took effect, each once.
    pub events: Vec<Event>,
    /// Everything that came, in order, by a short name.
    pub heard: Vec<String>,
    pub acks: Vec<v1::CommandAck>,
    pub progress: Vec<v1::JobProgress>,
    /// Lines by job and number.
    pub log: BTreeMap<(String, u64), v1::LogRecord>,
    pub goodbyes: usize,
    /// Messages that came, without greetings and heartbeats, lost ones included.
    pub messages: usize,
    pub enrollments: Vec<v1::EnrollRequest>,
    /// Wishes for the next certificate.
    pub wishes: Vec<v1::RenewRequest>,
    /// Wishes to come back.
    pub returns: Vec<v1::RenewExpiredRequest>,
    /// The certificate that each session was opened with, DER.
    pub shown: Vec<Vec<u8>>,
    pub behave: Behaviour,
}

/// What the server does otherwise than usual.
#[derive(Default, Clone)]
pub struct Behaviour {
    /// Takes events and does not say so.
    pub never_ack: bool,
    /// Takes log and gives no credit.
    pub never_credit: bool,
    /// Refuses every session with this.
    pub refuse: Option<Status>,
    /// Refuses every enrollment with this.
    pub refuse_enrollment: Option<Status>,
    /// Loses so many answers to enrollments.
    pub lose_answers: usize,
    /// Gives certificates for so long, and not for ever.
    pub certify_for: Option<Duration>,
    /// Cuts the link once.
    pub cut: Option<CutAt>,
}

/// A moment in which the link breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutAt {
    /// At the message with this number, from 1, over all sessions. Greetings and heartbeats do not count.
    pub message: usize,
    /// Whether the message takes effect. Its answer is lost in any case.
    pub arrives: bool,
}

#[derive(Default)]
struct Shared {
    record: Mutex<Record>,
    changed: Notify,
    session: Mutex<Option<mpsc::Sender<Result<ServerMessage, Status>>>>,
    epoch: Mutex<u64>,
    cut: Mutex<Option<broadcast::Sender<()>>>,
}

/// The certificate that the other side showed.
#[derive(Clone)]
struct Peer {
    certificate: Option<Vec<u8>>,
}

impl FakeServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            authority: Arc::new(Authority::new()),
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        server.serve(listener);
        server
    }

    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The web port's one route.
    pub async fn web(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body = serde_json::json!({
            "agent_endpoint": self.endpoint(),
            "ca_pin_sha256": self.authority.pin().to_string(),
            "server_version": "0.1.0",
            "protocol_min": 1,
            "protocol_max": 1,
        })
        .to_string();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let _ = stream.read(&mut request).await;
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.shared.record.lock().unwrap().behave);
    }

    pub fn look<T>(&self, look: impl FnOnce(&Record) -> T) -> T {
        look(&self.shared.record.lock().unwrap())
    }

    /// Waits until something is there to be seen.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Record) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(found) = self.look(&look) {
                    return found;
                }
                changed.await;
            }
        };
        let Ok(found) = tokio::time::timeout(PATIENCE, waiting).await else {
            panic!(
                "never happened: {what}; heard {:#?}",
                self.look(|record| record.heard.clone())
            )
        };
        found
    }

    pub async fn until_session(&self, number: usize) {
        self.until(&format!("session {number}"), |record| {
            (record.hellos.len() >= number).then_some(())
        })
        .await;
    }

    /// Says something in the open session; without one it is lost.
    pub async fn say(&self, body: server_message::Body) {
        let session = self.shared.session.lock().unwrap().clone();
        if let Some(session) = session {
            let _ = session.send(Ok(ServerMessage { body: Some(body) })).await;
        }
    }

    pub async fn command(&self, id: &str, command: v1::command::Command) {
        let epoch = *self.shared.epoch.lock().unwrap();
        self.say(server_message::Body::Command(v1::Command {
            command_id: id.to_owned(),
            session_epoch: epoch,
            ttl: Some(pbjson_types::Duration { seconds: 900, nanos: 0 }),
            command: Some(command),
        }))
        .await;
    }

    /// Loses all that agents reported, as a database that was set back does.
    pub fn forget(&self) {
        let mut record = self.shared.record.lock().unwrap();
        record.cursors.clear();
        record.events.clear();
    }

    /// Cuts every connection, as a network does.
    pub fn cut(&self) {
        if let Some(cut) = self.shared.cut.lock().unwrap().as_ref() {
            let _ = cut.send(());
        }
    }

    /// The end of a job, once it came.
    pub async fn finished(&self, job: &str) -> v1::JobFinished {
        self.until(&format!("the end of {job}"), |record| {
            record.events.iter().find_map(|event| match event {
                Event::JobFinished(finished) if finished.job_id == job => Some(finished.clone()),
                _ => None,
            })
        })
        .await
    }

    pub async fn running(&self, job: &str) {
        self.until(&format!("{job} running"), |record| {
            record.events.iter().find_map(|event| match event {
                Event::JobPhaseChanged(changed)
                    if changed.job_id == job && changed.phase == i32::from(v1::JobPhase::Running) =>
                {
                    Some(())
                }
                _ => None,
            })
        })
        .await;
    }

    /// The log of a job as text, with a number before each line.
    pub fn log(&self, job: &str) -> String {
        self.look(|record| {
            let lines = record.log.iter().filter(|((of, _), _)| of == job);
            let lines: Vec<String> = lines
                .map(|((_, number), line)| format!("{number} {}", line.payload))
                .collect();
            lines.join("\n")
        })
    }

    /// The kinds of a job's events, in order.
    pub fn story(&self, job: &str) -> Vec<&'static str> {
        self.look(|record| {
            let kinds = record.events.iter().filter_map(|event| match event {
                Event::JobStarted(started) if started.job_id == job => Some("started"),
                Event::JobPhaseChanged(changed) if changed.job_id == job => {
                    Some(if changed.phase == i32::from(v1::JobPhase::Running) {
                        "running"
                    } else {
                        "finalizing"
                    })
                }
                Event::SnapshotReport(report) if report.job_id == job => Some("snapshots"),
                Event::JobFinished(finished) if finished.job_id == job => Some("finished"),
                _ => None,
            });
            kinds.collect()
        })
    }

    fn serve(&self, listener: TcpListener) {
        let acceptor = TlsAcceptor::from(self.authority.server_config());
        let service = Service {
            shared: Arc::clone(&self.shared),
            authority: self.authority.bundle_pem(),
            pin: self.authority.pin().to_string(),
            endpoint: self.endpoint(),
            certify: Arc::clone(&self.authority),
        };
        let app = tonic::service::Routes::new(AgentServiceServer::new(service.clone()))
            .add_service(EnrollmentServiceServer::new(service))
            .into_axum_router();
        let (cut, _) = broadcast::channel(4);
        *self.shared.cut.lock().unwrap() = Some(cut.clone());
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, app, mut cut) = (acceptor.clone(), app.clone(), cut.subscribe());
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else { return };
                    let peer = Peer {
                        certificate: tls
                            .get_ref()
                            .1
                            .peer_certificates()
                            .and_then(|chain| chain.first())
                            .map(|leaf| leaf.to_vec()),
                    };
                    let service = app.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                        request.extensions_mut().insert(peer.clone());
                        request
                    });
                    let builder = auto::Builder::new(TokioExecutor::new()).http2_only();
                    let connection = builder.serve_connection(TokioIo::new(tls), TowerToHyperService::new(service));
                    tokio::select! {
                        _ = connection => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
    }
}

#[derive(Clone)]
struct Service {
    shared: Arc<Shared>,
    authority: String,
    pin: String,
    endpoint: String,
    certify: Arc<Authority>,
}

#[tonic::async_trait]
impl EnrollmentService for Service {
    async fn get_endpoint(&self, _: Request<v1::GetEndpointRequest>) -> Result<Response<v1::Endpoint>, Status> {
        Err(Status::unimplemented("the web port answers this"))
    }

    async fn enroll(&self, request: Request<v1::EnrollRequest>) -> Result<Response<v1::EnrollResponse>, Status> {
        let request = request.into_inner();
        let behave = {
            let mut record = self.shared.record.lock().unwrap();
            record.enrollments.push(request.clone());
            let behave = record.behave.clone();
            record.behave.lose_answers = behave.lose_answers.saturating_sub(1);
            behave
        };
        self.shared.changed.notify_waiters();
        if let Some(status) = behave.refuse_enrollment {
            return Err(status);
        }
        if behave.lose_answers > 0 {
            self.cut();
            std::future::pending::<()>().await;
        }
        Ok(Response::new(v1::EnrollResponse {
            host_id: super::host::HOST_ID.to_owned(),
            certificate_pem: self.certify(&request.csr_pem, behave.certify_for),
            ca_bundle_pem: self.authority.clone(),
            cert_pin_sha256: self.pin.clone(),
            agent_endpoint: self.endpoint.clone(),
            not_after: None,
        }))
    }

    async fn renew_expired(
        &self,
        request: Request<v1::RenewExpiredRequest>,
    ) -> Result<Response<v1::EnrollResponse>, Status> {
        let showed_one = request
            .extensions()
            .get::<Peer>()
            .is_some_and(|peer| peer.certificate.is_some());
        assert!(!showed_one, "the certificate that has ended was shown");
        let request = request.into_inner();
        let behave = self.shared.record.lock().unwrap().behave.clone();
        if let Some(status) = behave.refuse {
            self.heard("refused to come back");
            return Err(status);
        }
        let certificate_pem = self.certify(&request.csr_pem, behave.certify_for);
        self.shared.record.lock().unwrap().returns.push(request);
        self.heard("came back");
        Ok(Response::new(v1::EnrollResponse {
            certificate_pem,
            ..v1::EnrollResponse::default()
        }))
    }
}

#[tonic::async_trait]
impl AgentService for Service {
    type OpenSessionStream = ReceiverStream<Result<ServerMessage, Status>>;

    async fn open_session(
        &self,
        request: Request<Streaming<AgentMessage>>,
    ) -> Result<Response<Self::OpenSessionStream>, Status> {
        let certificate = request
            .extensions()
            .get::<Peer>()
            .and_then(|peer| peer.certificate.clone());
        let certificate = certificate.ok_or_else(|| Status::unauthenticated("a client certificate is needed"))?;
        let refuse = self.shared.record.lock().unwrap().behave.refuse.clone();
        if let Some(status) = refuse {
            self.heard("refused");
            return Err(status);
        }
        let mut messages = request.into_inner();
        // The greeting is read before the call is answered, as the real server may do.
        let Some(Ok(AgentMessage {
            body: Some(Body::Hello(hello)),
        })) = messages.next().await
        else {
            return Err(Status::invalid_argument("the greeting comes first"));
        };
        let (sender, receiver) = mpsc::channel(64);
        let incarnation = hello.outbox_incarnation.clone();
        let epoch = {
            let mut epoch = self.shared.epoch.lock().unwrap();
            *epoch += 1;
            *epoch
        };
        let acknowledged = {
            let record = self.shared.record.lock().unwrap();
            record.cursors.get(&incarnation).copied().unwrap_or(0)
        };
        let welcome = v1::Welcome {
            protocol: 1,
            session_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            session_epoch: epoch,
            acknowledged_seq: acknowledged,
            heartbeat_interval: Some(pbjson_types::Duration { seconds: 1, nanos: 0 }),
            server_time: Some(pbjson_types::Timestamp::default()),
            log_window_bytes: WINDOW,
            reconnect_spread: None,
        };
        let _ = sender.send(Ok(says(server_message::Body::Welcome(welcome)))).await;
        *self.shared.session.lock().unwrap() = Some(sender.clone());
        {
            let mut record = self.shared.record.lock().unwrap();
            record.hellos.push(hello);
            record.shown.push(certificate);
        }
        self.heard("hello");
        let service = self.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                let cut = service.count(&message);
                if let Some(cut) = cut {
                    if cut.arrives {
                        service.take(&incarnation, message);
                    }
                    service.cut();
                    break;
                }
                if let Some(answer) = service.take(&incarnation, message) {
                    let _ = sender.send(Ok(says(answer))).await;
                }
            }
            service.heard("session over");
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

impl Service {
    fn certify(&self, csr_pem: &str, life: Option<Duration>) -> String {
        let Some(life) = life else {
            return self.certify.certify(csr_pem);
        };
        let now = SystemClock.now();
        self.certify.certify_for(csr_pem, now, now.saturating_add(life))
    }

    fn heard(&self, what: &str) {
        self.shared.record.lock().unwrap().heard.push(what.to_owned());
        self.shared.changed.notify_waiters();
    }

    /// Counts a message. Where the link breaks if it does so here.
    fn count(&self, message: &AgentMessage) -> Option<CutAt> {
        if matches!(message.body, Some(Body::Heartbeat(_))) {
            return None;
        }
        let mut record = self.shared.record.lock().unwrap();
        record.messages += 1;
        let number = record.messages;
        record.behave.cut.take_if(|cut| cut.message == number)
    }

    fn cut(&self) {
        if let Some(cut) = self.shared.cut.lock().unwrap().as_ref() {
            let _ = cut.send(());
        }
    }

    fn take(&self, incarnation: &str, message: AgentMessage) -> Option<server_message::Body> {
        assert!(message.encoded_len() <= 256 * 1024, "a message is too large");
        let mut record = self.shared.record.lock().unwrap();
        let answer = match message.body.expect("a body") {
            Body::Hello(_) => panic!("a second greeting"),
            Body::Heartbeat(_) => {
                record.heard.push("heartbeat".to_owned());
                Some(server_message::Body::Heartbeat(v1::Heartbeat {}))
            }
            Body::Events(batch) => {
                let cursor = record.cursors.get(incarnation).copied().unwrap_or(0);
                let mut through = cursor;
                for event in batch.events {
                    if event.seq <= through {
                        continue;
                    }
                    assert_eq!(event.seq, through + 1, "a gap in the events");
                    through = event.seq;
                    let event = event.event.expect("an event");
                    record.heard.push(name(&event));
                    record.events.push(event);
                }
                record.cursors.insert(incarnation.to_owned(), through);
                let ack = server_message::Body::Ack(v1::Ack { through_seq: through });
                (!record.behave.never_ack).then_some(ack)
            }
            Body::LogChunk(chunk) => {
                let next_line = take_log(&mut record, &chunk);
                record.heard.push(format!("log through {}", next_line - 1));
                let credit = server_message::Body::LogCredit(v1::LogCredit {
                    job_id: chunk.job_id,
                    next_line,
                    bytes: u32::try_from(chunk.lines_zstd.len()).unwrap(),
                });
                (!record.behave.never_credit).then_some(credit)
            }
            Body::Progress(progress) => {
                record.heard.push("progress".to_owned());
                record.progress.push(progress);
                None
            }
            Body::CommandAck(ack) => {
                record.heard.push(format!("ack {}", ack.outcome));
                record.acks.push(ack);
                None
            }
            Body::RenewRequest(wish) => {
                record.heard.push("wish".to_owned());
                let certificate_pem = self.certify(&wish.csr_pem, record.behave.certify_for);
                record.wishes.push(wish);
                Some(server_message::Body::CertificateOffer(v1::CertificateOffer {
                    certificate_pem,
                    not_after: None,
                }))
            }
            Body::Goodbye(_) => {
                record.heard.push("goodbye".to_owned());
                record.goodbyes += 1;
                None
            }
        };
        drop(record);
        self.shared.changed.notify_waiters();
        answer
    }
}

fn take_log(record: &mut Record, chunk: &v1::LogChunk) -> u64 {
    let mut raw = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(chunk.lines_zstd.as_slice())
        .unwrap()
        .read_to_end(&mut raw)
        .unwrap();
    let mut rest = raw.as_slice();
    let mut line = chunk.first_line;
    while !rest.is_empty() {
        let read = v1::LogRecord::decode_length_delimited(&mut rest).unwrap();
        let known = record
            .log
            .entry((chunk.job_id.clone(), line))
            .or_insert_with(|| read.clone());
        assert_eq!(known.payload, read.payload, "line {line} was another one before");
        line += 1;
    }
    assert_eq!(line, chunk.first_line + u64::from(chunk.line_count));
    line
}

fn name(event: &Event) -> String {
    match event {
        Event::JobStarted(_) => "started".to_owned(),
        Event::JobPhaseChanged(changed) => format!("phase {}", changed.phase),
        Event::SnapshotReport(_) => "snapshots".to_owned(),
        Event::JobFinished(finished) => format!("finished {}", finished.result_code),
        Event::DesiredStateApplied(applied) => format!("applied {} {}", applied.kind, applied.error),
    }
}

fn says(body: server_message::Body) -> ServerMessage {
    ServerMessage { body: Some(body) }
}
