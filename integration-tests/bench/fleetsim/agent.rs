//! [`Played`]: one agent, as far as a server can tell.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::command::Command as Order;
use proto::agent::v1::event::Event as Fact;
use proto::agent::v1::server_message::Body as Down;
use proto::agent::v1::{self, CommandOutcome, DesiredKind, GoodbyeReason, JobOutcome};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Wire;
use crate::stopwatch::{Stopwatch, wall_time};

/// How long a server may take to close after a goodbye.
const FAREWELL: Duration = Duration::from_secs(5);

/// An agent that has enrolled, with what it remembers between its sessions.
#[derive(Clone)]
pub(crate) struct Played {
    number: u16,
    host: String,
    identity: Arc<Identity>,
    tls: Arc<ClientConfig>,
    last_epoch: u64,
    next_seq: u64,
    /// What was said and not acknowledged, in order.
    unacknowledged: Vec<v1::Event>,
    applied: BTreeMap<i32, v1::AppliedState>,
    /// Jobs that it claims to have done.
    done: u64,
}

/// What an agent shows, and whom it trusts.
pub(crate) struct Identity {
    certificate_pem: String,
    key: Vec<u8>,
    bundle_pem: String,
}

/// Something that happens to an agent.
#[derive(Debug)]
pub(crate) enum Told {
    /// It is welcome, has all it should have, and all it said is acknowledged.
    Settled(u16),
    /// It was told to do a job.
    Ordered {
        /// The job.
        job: String,
        /// When.
        at: Stopwatch,
    },
    /// All it said about a job is acknowledged.
    Done {
        /// The job.
        job: String,
    },
}

/// What goes on in one session.
struct Talk<'a> {
    agent: &'a mut Played,
    wire: Wire,
    tell: &'a Sender<Told>,
    /// The job whose end waits for its acknowledgement.
    ending: Option<String>,
    /// Its turn to connect, until it has settled.
    turn: Option<SemaphorePermit<'a>>,
}

/// The address that an agent calls from.
pub(super) fn address(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

impl Identity {
    pub(super) fn new(certificate_pem: String, key: Vec<u8>, bundle_pem: String) -> Self {
        Self {
            certificate_pem,
            key,
            bundle_pem,
        }
    }

    fn tls(&self, roots_pem: &str) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        for root in certificates(roots_pem) {
            roots.add(root).expect("a root is a certificate");
        }
        let key = PrivateKeyDer::try_from(self.key.clone()).expect("it was just written");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring speaks TLS 1.3")
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates(&self.certificate_pem), key)
            .expect("the certificate is for the key");
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    }
}

impl Played {
    pub(super) fn new(number: u16, host: String, identity: Identity) -> Self {
        let tls = identity.tls(&identity.bundle_pem);
        Self {
            number,
            host,
            identity: Arc::new(identity),
            tls,
            last_epoch: 0,
            next_seq: 1,
            unacknowledged: Vec::new(),
            applied: BTreeMap::new(),
            done: 0,
        }
    }

    /// Its number, from 0.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// The id of its host.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The CA that has signed its certificate, PEM.
    pub(super) fn issuer_pem(&self) -> &str {
        let pem = &self.identity.certificate_pem;
        &pem[pem.rfind("-----BEGIN").expect("a chain has two certificates")..]
    }

    /// The same agent, which also knows a server by this root certificate.
    pub(super) fn trusting(&self, root_pem: &str) -> Self {
        Self {
            tls: self.identity.tls(root_pem),
            ..self.clone()
        }
    }

    /// Opens a session and says nothing but the greeting.
    pub(crate) async fn dial(&self, target: SocketAddr) -> Wire {
        let wire = Wire::open(address(self.number), target, &self.tls, Up::Hello(self.greeting())).await;
        wire.unwrap_or_else(|error| panic!("agent {} could not connect: {error}", self.number))
    }

    /// Holds a session until it is stopped. Connecting waits for its turn, which lasts until the agent has settled: a server
    /// sends those away that wait too long for its database, and they come back later.
    pub(super) async fn hold(
        mut self,
        target: SocketAddr,
        turns: Arc<Semaphore>,
        tell: Sender<Told>,
        stop: CancellationToken,
    ) -> Self {
        let turn = turns.acquire().await.ok();
        let wire = self.dial(target).await;
        let mut talk = Talk {
            agent: &mut self,
            wire,
            tell: &tell,
            ending: None,
            turn,
        };
        let interval = talk.welcomed().await;
        let mut heartbeat = tokio::time::interval(interval);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = heartbeat.tick() => talk.wire.say(Up::Heartbeat(v1::Heartbeat {})).await,
                heard = talk.wire.hear() => talk.on(heard.expect("the session lasts").expect("the session lasts")).await,
            }
        }
        talk.leave().await;
        self
    }

    fn greeting(&self) -> v1::Hello {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, self.host.as_bytes()).to_string();
        v1::Hello {
            protocol_min: 1,
            protocol_max: 1,
            inventory: Some(v1::Inventory {
                hostname: format!("agent-{}", self.number),
                os: "linux".to_owned(),
                arch: "x86_64".to_owned(),
                os_version: "Debian GNU/Linux 13 (trixie)".to_owned(),
                kernel: "6.12.0".to_owned(),
                time_zone: "Europe/Berlin".to_owned(),
                agent_version: env!("CARGO_PKG_VERSION").to_owned(),
                restic_version: "0.18.0".to_owned(),
                restic_path: "/usr/bin/restic".to_owned(),
                cpu_count: 4,
                memory_bytes: 8 << 30,
            }),
            boot_id: id.clone(),
            outbox_incarnation: id,
            next_seq: self.next_seq,
            applied: self.applied.values().cloned().collect(),
            wall_time: Some(wall_time()),
            last_session_epoch: self.last_epoch,
            live_jobs: Vec::new(),
        }
    }

    fn is_settled(&self) -> bool {
        // The three parts of its desired state, and the init of its repository.
        self.applied.len() == 3 && self.done > 0 && self.unacknowledged.is_empty()
    }
}

impl Talk<'_> {
    /// Waits for the welcome and answers the pause between two signs of life.
    async fn welcomed(&mut self) -> Duration {
        let heard = self.wire.hear().await.expect("the session opens");
        let Some(Down::Welcome(welcome)) = heard else {
            panic!("agent {} is not welcome: {heard:?}", self.agent.number)
        };
        self.agent.last_epoch = welcome.session_epoch;
        let interval = welcome.heartbeat_interval.expect("a welcome has a heartbeat");
        self.acknowledged(welcome.acknowledged_seq);
        let events = self.agent.unacknowledged.clone();
        if !events.is_empty() {
            self.wire.say(Up::Events(v1::EventBatch { events })).await;
        }
        interval.try_into().expect("a pause is positive")
    }

    async fn on(&mut self, message: Down) {
        match message {
            Down::SetCredentials(set) => self.apply(DesiredKind::Credentials, set.version, set.hash).await,
            Down::SetSettings(set) => self.apply(DesiredKind::Settings, set.version, set.hash).await,
            Down::SetTrustBundle(set) => self.apply(DesiredKind::TrustBundle, set.version, set.hash).await,
            Down::Command(command) => self.obey(command).await,
            Down::Ack(ack) => self.acknowledged(ack.through_seq),
            Down::Heartbeat(_) => {}
            other @ (Down::Welcome(_)
            | Down::LogCredit(_)
            | Down::Goodbye(_)
            | Down::CertificateOffer(_)
            | Down::RenewRefused(_)) => panic!("agent {} did not expect {other:?}", self.agent.number),
        }
    }

    /// Forgets what is acknowledged, and tells when that is everything. The receiver may be gone, when nobody waits any more.
    fn acknowledged(&mut self, through_seq: u64) {
        self.agent.unacknowledged.retain(|event| event.seq > through_seq);
        if !self.agent.is_settled() {
            return;
        }
        if self.turn.take().is_some() {
            self.tell.send(Told::Settled(self.agent.number)).ok();
        }
        if let Some(job) = self.ending.take() {
            self.tell.send(Told::Done { job }).ok();
        }
    }

    async fn apply(&mut self, kind: DesiredKind, version: u64, hash: String) {
        let kind = i32::from(kind);
        self.report(vec![Fact::DesiredStateApplied(v1::DesiredStateApplied {
            kind,
            version,
            hash: hash.clone(),
            error: String::new(),
        })])
        .await;
        self.agent
            .applied
            .insert(kind, v1::AppliedState { kind, version, hash });
    }

    /// Does a job without doing anything.
    async fn obey(&mut self, command: v1::Command) {
        let at = Stopwatch::start();
        let (job_id, repository_id, kind) = match command.command {
            Some(Order::Init(init)) => (init.job_id, init.repository_id, v1::JobKind::Init),
            Some(Order::Probe(probe)) => (probe.job_id, probe.repository_id, v1::JobKind::Probe),
            other => panic!("agent {} did not expect {other:?}", self.agent.number),
        };
        self.tell
            .send(Told::Ordered {
                job: job_id.clone(),
                at,
            })
            .ok();
        let ack = v1::CommandAck {
            command_id: command.command_id,
            outcome: CommandOutcome::Accepted.into(),
            reason: String::new(),
        };
        self.wire.say(Up::CommandAck(ack)).await;
        let started = v1::JobStarted {
            job_id: job_id.clone(),
            kind: kind.into(),
            repository_id,
        };
        let finished = v1::JobFinished {
            job_id: job_id.clone(),
            outcome: JobOutcome::Succeeded.into(),
            result_code: "ok".to_owned(),
            exit_code: Some(0),
            restic_repository_id: format!("{:064x}", u32::from(self.agent.number) + 1),
            ..v1::JobFinished::default()
        };
        self.agent.done += 1;
        self.ending = Some(job_id);
        self.report(vec![Fact::JobStarted(started), Fact::JobFinished(finished)])
            .await;
    }

    async fn report(&mut self, facts: Vec<Fact>) {
        let first = self.agent.next_seq;
        let events: Vec<v1::Event> = (first..)
            .zip(facts)
            .map(|(seq, fact)| v1::Event {
                seq,
                occurred_at: Some(wall_time()),
                event: Some(fact),
            })
            .collect();
        self.agent.next_seq += events.len() as u64;
        self.agent.unacknowledged.extend(events.iter().cloned());
        self.wire.say(Up::Events(v1::EventBatch { events })).await;
    }

    async fn leave(mut self) {
        let goodbye = v1::Goodbye {
            reason: GoodbyeReason::Shutdown.into(),
            retry_after: None,
        };
        self.wire.say(Up::Goodbye(goodbye)).await;
        let closed = async { while matches!(self.wire.hear().await, Ok(Some(_))) {} };
        tokio::time::timeout(FAREWELL, closed).await.ok();
    }
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    certificates.collect::<Result<_, _>>().expect("the server writes PEM")
}
