//! The program itself under attack: what it uses is bounded, and it comes back by itself.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::{Heartbeat, JobStarted, event};
use serde_json::{Value, json};
use support::agent::{Agent, log_chunk};
use support::machine::Machine;
use support::rest::Client;
use support::until;
use tempfile::TempDir;
use tokio::time::Instant;

const UNKNOWN_JOB: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_files_left_pauses_and_comes_back() {
    let server = Process::start(Some(60)).await;
    let client = server.client();
    assert_eq!(client.get("/healthz").await.status, 204);

    let taken: Vec<TcpStream> = (0..120).map(|_| TcpStream::connect(server.web).unwrap()).collect();
    until(async || server.log().contains("no room for another connection")).await;
    drop(taken);

    until(async || server.client().get("/healthz").await.status == 204).await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "what it used is worth reading")]
async fn under_attack_from_all_sides_memory_is_bounded_and_an_agent_is_served() {
    let server = Process::start(None).await;
    let admin = server.admin().await;
    let quiet = server.agent(&admin, "quiet").await;
    let (mut wire, _) = quiet.connect().await;
    let before = server.resident_kib();
    let mut hostile = Vec::new();
    for number in 0..10 {
        hostile.push(server.agent(&admin, &format!("hostile-{number}")).await);
    }

    let lines: Vec<String> = (0..60).map(|_| "x".repeat(16_000)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let log = log_chunk(UNKNOWN_JOB, 1, &lines);
    let mut attacks = Vec::new();
    for (number, agent) in hostile.into_iter().enumerate() {
        let log = log.clone();
        attacks.push(tokio::spawn(async move {
            loop {
                let (wire, _) = agent.connect().await;
                for _ in 0..50 {
                    match number % 3 {
                        0 => wire.say(Up::LogChunk(log.clone())).await,
                        1 => wire.say(Up::Heartbeat(Heartbeat {})).await,
                        _ => {
                            let mut large = log.clone();
                            large.lines_zstd = vec![7; 400 * 1024];
                            wire.say(Up::LogChunk(large)).await;
                        }
                    }
                }
            }
        }));
    }
    let silent: Vec<TcpStream> = (0..200)
        .filter_map(|_| TcpStream::connect(server.agents).ok())
        .collect();
    for mut socket in &silent {
        // No handshake begins like this.
        let _ = socket.write_all(&[0x16, 3, 1, 0x40, 0]);
    }
    let (mut slowest, mut most) = (Duration::ZERO, before);
    for seq in 1..=40 {
        let asked = Instant::now();
        wire.report(
            seq,
            vec![event::Event::JobStarted(JobStarted {
                job_id: UNKNOWN_JOB.to_owned(),
                ..JobStarted::default()
            })],
        )
        .await;
        assert_eq!(wire.ack().await, seq);
        slowest = slowest.max(asked.elapsed());
        most = most.max(server.resident_kib());
        // sleep: the attack is to last for some seconds.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    attacks.iter().for_each(tokio::task::JoinHandle::abort);
    drop(silent);

    let limits = admin.get("/api/system/limits").await.ok();
    eprintln!("resident memory: {before} KiB before, at most {most} KiB; slowest acknowledgement: {slowest:?}");
    for limit in limits.as_array().unwrap() {
        eprintln!(
            "{}: {} of {}, reached {}",
            limit["name"], limit["in_use"], limit["limit"], limit["reached"]
        );
    }
    assert!(
        most < before + 128 * 1024,
        "{before} KiB before, {most} KiB under attack"
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

/// The server's program, with a data directory and ports of its own.
struct Process {
    child: Child,
    web: SocketAddr,
    agents: SocketAddr,
    directory: TempDir,
}

impl Process {
    /// Starts it, with so many files at most, and waits until it answers.
    async fn start(files: Option<u32>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (web, agents) = (free_port(), free_port());
        let limit = files.map_or_else(String::new, |files| format!("ulimit -n {files}; "));
        let child = Command::new("sh")
            .args([
                "-c",
                &format!("{limit}exec \"$0\" serve"),
                env!("CARGO_BIN_EXE_restic-manager-server"),
            ])
            .env("RM_CONFIG", directory.path().join("none.yaml"))
            .env("RM_DATA_DIR", directory.path())
            .env("RM_LISTEN", web.to_string())
            .env("RM_AGENT_LISTEN", agents.to_string())
            .env("RM_AGENT_URL", format!("https://{agents}"))
            .env("RM_BASE_URL", format!("http://{web}"))
            .env("RM_TRUSTED_PROXY", "127.0.0.0/8")
            .env("RM_BOOTSTRAP_TOKEN_FILE", token_file(directory.path()))
            .env("RM_SECRET_KEY_FILE", directory.path().join("secret.key"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(directory.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            web,
            agents,
            directory,
        };
        until(async || TcpStream::connect(web).is_ok()).await;
        server
    }

    fn client(&self) -> Client {
        Client::new(self.web, "198.51.100.1".to_owned(), None)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// Memory that it has, in KiB.
    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Makes the first admin.
    async fn admin(&self) -> Client {
        let file = token_file(self.directory.path());
        until(async || std::fs::read_to_string(&file).is_ok_and(|token| !token.is_empty())).await;
        let token = std::fs::read_to_string(file).unwrap();
        let body = json!({"token": token.trim(), "username": "admin", "password": support::PASSWORD});
        let answer = self.client().post("/api/bootstrap", body).await;
        answer.ok();
        let session = answer.session().unwrap();
        Client::new(self.web, "198.51.100.2".to_owned(), Some(session.into()))
    }

    /// Enrolls an agent.
    async fn agent(&self, admin: &Client, name: &str) -> Agent {
        let made = admin
            .mint(json!({"hostname": name, "repo_url": format!("/srv/{name}"), "repo_password": "password"}))
            .await
            .ok();
        let key = rcgen::KeyPair::generate().unwrap();
        let machine = Machine::with(&rcgen::CertificateParams::default(), &key);
        let address = format!(
            "198.51.100.{}",
            name.len() + usize::from(name.as_bytes()[name.len() - 1])
        );
        let nobody = Client::new(self.web, address, None);
        let enrolled: Value = nobody.post("/api/agents/enroll", machine.body(&made)).await.ok();
        Agent::enrolled(&enrolled, &key, self.agents)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token_file(directory: &Path) -> std::path::PathBuf {
    directory.join("setup-token")
}

/// An address that nothing listens on.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
