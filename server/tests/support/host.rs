//! A host whose agent a test plays: enrolled with a real token and key, speaking as its session would.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::enrollment::{Enroll, EnrollmentToken, NewEnrollmentToken, OperatingSystem, TokenTtl, WantedRepository};
use domain::host::Inventory;
use domain::id::{HostId, JobId, OutboxIncarnation, RepositoryId};
use domain::job::{BackupSummary, FailureCode, Problems, Progress};
use domain::name::Tags;
use domain::repository::NewRepository;
use domain::session::{
    AgentEvent, Applied, Command, CommandAck, CommandOutcome, DesiredSet, Ending, Fact, HeldRepository, Hello,
    Instruction, JobEnd, LogChunk, ProtocolRange, SnapshotPart,
};
use domain::snapshot::Snapshot;
use domain::{IdSource as _, ResticRepositoryId, Role, Timestamp};
use prost::Message as _;
use proto::agent::v1::LogRecord;
use server::app::{AgentSession, App, Caller, Who};
use server::clock::{SystemClock, SystemIds};
use server::sessions::{PROTOCOL, Seat};

use super::{As, TestServer, origin};

/// What `restic init` made, in tests.
pub const RESTIC_ID: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// An enrolled host without a session.
pub struct Host {
    pub id: HostId,
    app: App,
    certificate: String,
    incarnation: OutboxIncarnation,
}

/// A host with an open session.
pub struct Connected {
    pub id: HostId,
    pub session: AgentSession,
    app: App,
    /// Held, or its numbers would not be shown.
    _seat: Seat,
    next_seq: AtomicU64,
}

impl TestServer {
    /// Enrolls a host.
    pub async fn enroll(&self, name: &str, repository: WantedRepository) -> Host {
        let operator = self.caller(Role::Operator).await;
        let new = NewEnrollmentToken {
            hostname: name.parse().unwrap(),
            tags: Tags::default(),
            repository,
            initial_paths: None,
            ttl: TokenTtl::default(),
            source: None,
        };
        let token = self.app.create_enrollment_token(&operator, new).await.unwrap().token;
        self.enroll_with(token.expose(), name).await
    }

    /// Enrolls a machine with a token, as what the installer starts would.
    pub async fn enroll_with(&self, token: &str, name: &str) -> Host {
        let key = rcgen::KeyPair::generate().unwrap();
        let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
        let enroll = Enroll {
            token: EnrollmentToken::parse(token).unwrap(),
            hostname: name.into(),
            os: OperatingSystem::Linux,
            arch: "x86_64".into(),
            agent_version: "0.1.0".into(),
            restic_version: Some("0.18.0".into()),
            csr_pem: csr.pem().unwrap(),
            nonce: "0".repeat(32).parse().unwrap(),
            identity: None,
        };
        let nobody = Caller {
            who: Who::Anonymous,
            origin: origin(Some(self.next_address())),
        };
        let enrolled = self.app.enroll(&nobody, enroll).await.unwrap();
        let incarnation = OutboxIncarnation::from_uuid(SystemIds::new(std::sync::Arc::new(SystemClock)).next_uuid());
        Host {
            id: enrolled.host_id,
            app: self.app.clone(),
            certificate: serial(&enrolled.certificate_pem),
            incarnation,
        }
    }

    /// Enrolls a host with a repository of its own and connects it; the repository is made.
    pub async fn ready_host(&self, name: &str) -> Connected {
        let host = self.enroll(name, local_repository(name)).await.connect().await;
        host.make_repository().await;
        host
    }

    /// A signed-in user of a role.
    pub async fn caller(&self, role: Role) -> Caller {
        let token = self.token(As::User(role)).await.unwrap();
        let user = self.app.authenticate_user(&token).await.unwrap().unwrap();
        Caller {
            who: Who::User(user),
            origin: origin(None),
        }
    }
}

/// The serial number of the first certificate in a text.
pub fn serial(pem: &str) -> String {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    data_encoding::HEXLOWER.encode(pem.parse_x509().unwrap().raw_serial())
}

/// A repository in a directory that is named after its host.
pub fn local_repository(name: &str) -> WantedRepository {
    WantedRepository::At(Box::new(NewRepository {
        name: None,
        url: format!("/srv/{name}").parse().unwrap(),
        credentials: domain::repository::Credentials::default(),
    }))
}

impl Host {
    /// Opens a session, the first one.
    pub async fn connect(&self) -> Connected {
        self.connect_with(|_| {}).await
    }

    /// Opens a session with a greeting of the test's own.
    pub async fn connect_with(&self, change: impl FnOnce(&mut Hello)) -> Connected {
        let mut hello = Hello {
            protocol: ProtocolRange {
                oldest: PROTOCOL.oldest,
                newest: PROTOCOL.newest,
            },
            inventory: Inventory {
                restic_version: Some("0.18.0".into()),
                ..Inventory::default()
            },
            boot_id: "boot".into(),
            outbox: self.incarnation,
            next_seq: 1,
            applied: Applied::default(),
            wall_time: None,
            last_epoch: 0,
            live: Vec::new(),
        };
        change(&mut hello);
        let caller = Caller {
            who: Who::Agent(self.id),
            origin: origin(None),
        };
        let (session, welcome) = self
            .app
            .open_session(&caller, &self.certificate, &hello, PROTOCOL.newest)
            .await
            .unwrap();
        let seat = self
            .app
            .sessions()
            .enter(self.id, session.epoch, &hello.boot_id)
            .unwrap();
        Connected {
            id: self.id,
            session,
            app: self.app.clone(),
            _seat: seat,
            next_seq: AtomicU64::new(welcome.acknowledged_seq + 1),
        }
    }
}

impl Connected {
    /// Takes the commands that wait.
    pub async fn commands(&self) -> Vec<Command> {
        self.app
            .deliver(&self.session, &Applied::default(), None)
            .await
            .unwrap()
            .unwrap()
            .commands
    }

    /// Takes the commands that wait and accepts them. The jobs to begin.
    pub async fn accept(&self) -> Vec<JobId> {
        let mut begun = Vec::new();
        for command in self.commands().await {
            if let Instruction::Run { job, .. } = &command.instruction {
                begun.push(*job);
            }
            let ack = CommandAck {
                command: command.id,
                outcome: CommandOutcome::Accepted,
            };
            self.app.settle_command(&self.session, ack).await.unwrap();
        }
        begun
    }

    /// What the host should open its repository with.
    pub async fn credentials(&self) -> Option<HeldRepository> {
        let delivery = self
            .app
            .deliver(&self.session, &Applied::default(), None)
            .await
            .unwrap()
            .unwrap();
        delivery.desired.into_iter().find_map(|state| match state.set {
            DesiredSet::Credentials(mut repositories) => repositories.pop(),
            DesiredSet::Settings(_) | DesiredSet::TrustBundle(_) => None,
        })
    }

    /// The number of the next event.
    pub fn next_seq(&self) -> u64 {
        self.next_seq.load(Ordering::Relaxed)
    }

    /// Reports something.
    pub async fn report(&self, fact: Fact) {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let event = AgentEvent {
            seq,
            occurred_at: Some(moment(seq)),
            fact,
        };
        self.app.ingest(&self.session, vec![event]).await.unwrap();
    }

    /// Sends lines of a job's log, the first of which has this number.
    pub async fn log(&self, job: JobId, first_line: u64, texts: &[&str]) {
        let record = |text: &&str| LogRecord {
            ts: None,
            stream: 1,
            payload: (*text).to_owned(),
        };
        let bytes: Vec<u8> = texts
            .iter()
            .flat_map(|text| record(text).encode_length_delimited_to_vec())
            .collect();
        let chunk = LogChunk {
            job,
            first_line,
            line_count: u32::try_from(texts.len()).unwrap(),
            text_bytes: texts.iter().map(|text| text.len() as u64).sum(),
            follows_line: None,
            lines_zstd: zstd::encode_all(bytes.as_slice(), 1).unwrap(),
        };
        self.app.keep_log(&self.session, chunk).await.unwrap();
    }

    /// Sends numbers of a running job.
    pub async fn progress(&self, job: JobId, done: u64, total: u64) {
        let progress = Progress {
            elapsed: Duration::from_secs(done),
            bytes_done: domain::ByteSize::from_bytes(done),
            bytes_total: domain::ByteSize::from_bytes(total),
            ..Progress::default()
        };
        self.app.show_progress(&self.session, job, progress).await.unwrap();
    }

    /// Begins a job: restic runs.
    pub async fn begin(&self, job: JobId) {
        self.report(Fact::JobStarted { job, work: None }).await;
        self.report(Fact::JobRunning { job }).await;
    }

    /// Ends a job well.
    pub async fn succeed(&self, job: JobId) {
        let backup = BackupSummary {
            files_new: 3,
            ..BackupSummary::default()
        };
        self.end(
            job,
            JobEnd {
                backup: Some(backup),
                ..end(Ending::Succeeded)
            },
        )
        .await;
    }

    /// Ends a job badly.
    pub async fn fail(&self, job: JobId, code: FailureCode) {
        self.end(
            job,
            JobEnd {
                failure: Some(code),
                ..end(Ending::Failed)
            },
        )
        .await;
    }

    /// Ends a job.
    pub async fn end(&self, job: JobId, end: JobEnd) {
        self.report(Fact::JobFinished {
            job,
            end: Box::new(end),
        })
        .await;
    }

    /// Lists the host's snapshots, all in one part.
    pub async fn list(&self, job: JobId, repository: RepositoryId, snapshots: Vec<Snapshot>) {
        self.report(Fact::Snapshots(SnapshotPart {
            job,
            repository,
            part: 0,
            last: true,
            snapshots,
        }))
        .await;
    }

    /// Does the init that the server orders by itself.
    pub async fn make_repository(&self) {
        for job in self.accept().await {
            self.begin(job).await;
            self.succeed(job).await;
        }
    }
}

/// How a job ends, without numbers. The repository is the one that tests make.
pub fn end(ending: Ending) -> JobEnd {
    JobEnd {
        ending,
        failure: None,
        message: "".into(),
        exit_code: None,
        backup: None,
        unlock: None,
        stats: None,
        problems: Problems::default(),
        started_at: None,
        log_lines: 0,
        restic_repository: Some(RESTIC_ID.parse::<ResticRepositoryId>().unwrap()),
    }
}

fn moment(seq: u64) -> Timestamp {
    Timestamp::from_seconds(1_777_593_600 + i64::try_from(seq).unwrap(), 0).unwrap()
}
