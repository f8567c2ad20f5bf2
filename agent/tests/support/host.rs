//! A host in a temporary directory, with its agent in this process or in one of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use agent::clock::{SystemClock, SystemIds};
use agent::config::{Config, Places};
use agent::exit::Exit;
use agent::identity::{Candidate, Facts};
use agent::supervisor::{Error, Setup, Supervisor};
use domain::Timestamp;
use domain::id::EnrollmentTokenId;
use proto::agent::v1::{self, server_message};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::server::FakeServer;

pub const HOST_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8001";
pub const REPOSITORY: &str = "01890a5d-ac96-774b-bcce-b302099a8002";
pub const AGENT: &str = env!("CARGO_BIN_EXE_restic-manager-agent");

pub struct Host {
    pub directory: tempfile::TempDir,
    pub places: Places,
    pub config: Config,
}

/// An agent in this process.
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<Exit, Error>>,
}

/// An agent in a process of its own; killed when dropped.
pub struct Program(Child);

impl Host {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(
            Some(directory.path().join("agent.yaml")),
            Some(directory.path().join("state")),
        );
        Self {
            directory,
            places,
            config: Config::default(),
        }
    }

    /// A host that has enrolled with this server.
    pub fn enrolled(server: &FakeServer) -> Self {
        Self::enrolled_with(server, |csr_pem| server.authority.certify(csr_pem))
    }

    /// A host that has enrolled with this server, and its certificate.
    pub fn enrolled_with(server: &FakeServer, certify: impl Fn(&str) -> String) -> Self {
        let host = Self::new();
        agent::durable::create_directory(host.places.state_dir()).unwrap();
        let token = EnrollmentTokenId::from_uuid(Uuid::from_u128(1));
        let candidate = Candidate::for_token(&host.places, token).unwrap();
        let certificate = certify(&candidate.csr_pem().unwrap());
        let facts = Facts {
            host_id: HOST_ID.parse().unwrap(),
            agent_endpoint: server.endpoint(),
            ca_pin: server.authority.pin().to_string(),
            enrolled_at: Timestamp::UNIX_EPOCH,
        };
        candidate
            .promote(&host.places, &facts, &certificate, &server.authority.bundle_pem())
            .unwrap();
        host
    }

    pub fn with_restic(mut self, path: &Path) -> Self {
        self.config.restic_path = Some(path.to_owned());
        self.config.store(self.places.config()).unwrap();
        self
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn start(&self) -> Running {
        self.start_with_grace(Duration::from_secs(30))
    }

    pub fn start_with_grace(&self, grace: Duration) -> Running {
        let clock = Arc::new(SystemClock);
        let supervisor = Supervisor::start(Setup {
            places: self.places.clone(),
            config: self.config.clone(),
            program: AGENT.into(),
            ids: Arc::new(SystemIds::new(clock.clone())),
            clock,
            grace,
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(supervisor.expect("the agent starts").run(stop.clone()));
        Running { stop, task }
    }

    /// The agent as people run it.
    pub fn start_program(&self) -> Program {
        let child = self.command(&["run"]).stdin(Stdio::null()).spawn().unwrap();
        Program(child)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(AGENT);
        command
            .args(args)
            .arg("--config")
            .arg(self.places.config())
            .arg("--state-dir")
            .arg(self.places.state_dir())
            .env("RM_LOG", "info")
            .env_remove("RM_TOKEN")
            .env_remove("RM_SERVER")
            .env_remove("RM_CA_PIN");
        command
    }

    pub fn spool(&self, job: &str) -> PathBuf {
        self.places.spool().join(job)
    }
}

impl Running {
    /// Asks it to stop and waits for its end.
    pub async fn stop(self) -> Exit {
        self.stop.cancel();
        self.ended().await
    }

    /// Waits for its end.
    pub async fn ended(self) -> Exit {
        tokio::time::timeout(super::PATIENCE, self.task)
            .await
            .expect("it ends")
            .unwrap()
            .unwrap()
    }
}

impl Program {
    /// As a crash does.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The credentials of a repository, as the server sends them.
pub fn credentials(version: u64, url: &str, password: &str) -> v1::SetCredentials {
    v1::SetCredentials {
        version,
        hash: format!("{version:064x}"),
        repositories: vec![v1::RepositoryCredentials {
            repository_id: REPOSITORY.to_owned(),
            url: url.to_owned(),
            repo_password: password.to_owned(),
            ..v1::RepositoryCredentials::default()
        }],
    }
}

pub fn settings() -> server_message::Body {
    server_message::Body::SetSettings(v1::SetSettings {
        version: 1,
        hash: "aa".repeat(32),
        restic_host: "web-1".to_owned(),
        limit_upload_kib_s: 0,
        limit_download_kib_s: 0,
    })
}

/// Gives the host its settings and credentials, and waits until it has them.
pub async fn provide(server: &FakeServer, set: v1::SetCredentials) {
    let hash = set.hash.clone();
    server.say(settings()).await;
    server.say(server_message::Body::SetCredentials(set)).await;
    server
        .until("credentials applied", |record| {
            record.events.iter().find_map(|event| match event {
                v1::event::Event::DesiredStateApplied(applied) if applied.hash == hash => {
                    assert_eq!(applied.error, "");
                    Some(())
                }
                _ => None,
            })
        })
        .await;
}

/// A job's id by a small number; the command has the same.
pub fn id(number: u32) -> String {
    format!("01890a5d-ac96-774b-bcce-{number:012}")
}

pub fn init(job: &str) -> v1::command::Command {
    v1::command::Command::Init(v1::InitCommand {
        job_id: job.to_owned(),
        repository_id: REPOSITORY.to_owned(),
        must_be_new: false,
    })
}

pub fn reinit(job: &str) -> v1::command::Command {
    v1::command::Command::Init(v1::InitCommand {
        job_id: job.to_owned(),
        repository_id: REPOSITORY.to_owned(),
        must_be_new: true,
    })
}

pub fn unlock(job: &str, remove_all: bool) -> v1::command::Command {
    v1::command::Command::Unlock(v1::UnlockCommand {
        job_id: job.to_owned(),
        repository_id: REPOSITORY.to_owned(),
        remove_all,
    })
}

pub fn stats(job: &str) -> v1::command::Command {
    v1::command::Command::Stats(v1::StatsCommand {
        job_id: job.to_owned(),
        repository_id: REPOSITORY.to_owned(),
    })
}

pub fn probe(job: &str) -> v1::command::Command {
    v1::command::Command::Probe(v1::ProbeCommand {
        job_id: job.to_owned(),
        repository_id: REPOSITORY.to_owned(),
    })
}

pub fn snapshots(job: &str) -> v1::command::Command {
    v1::command::Command::Snapshots(v1::SnapshotsCommand {
        job_id: job.to_owned(),
        repository_id: REPOSITORY.to_owned(),
    })
}

pub fn cancel(job: &str) -> v1::command::Command {
    v1::command::Command::Cancel(v1::CancelCommand { job_id: job.to_owned() })
}

pub fn backup(job: &str, paths: &[&Path]) -> v1::command::Command {
    v1::command::Command::Backup(backup_command(job, paths))
}

pub fn backup_command(job: &str, paths: &[&Path]) -> v1::BackupCommand {
    v1::BackupCommand {
        job_id: job.to_owned(),
        repository_id: REPOSITORY.to_owned(),
        paths: paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect(),
        tag: "default".to_owned(),
        ..v1::BackupCommand::default()
    }
}
