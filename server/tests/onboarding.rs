//! The documented onboarding script, run as it stands against a server: only the machine that it asks a person to set up
//! is played by the test.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use domain::job::FailureCode;
use support::{PASSWORD, TestServer};
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread")]
async fn the_script_ends_well_once_the_host_is_online_and_its_repository_ready() {
    let server = TestServer::start().await;
    let mut script = Script::start(&server, "rest:http://127.0.0.1:9/web-01/");

    let token = script.token(&server);
    let host = server.enroll_with(&token, "web-01").await.connect().await;
    host.make_repository().await;
    let (code, out, err) = script.end();

    assert_eq!((code, out.as_str()), (Some(0), "ready\n"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_says_why_a_repository_could_not_be_made() {
    let server = TestServer::start().await;
    let mut script = Script::start(&server, "rest:http://127.0.0.1:9/web-01/");

    let token = script.token(&server);
    let host = server.enroll_with(&token, "web-01").await.connect().await;
    let job = host.accept().await[0];
    host.begin(job).await;
    host.fail(job, FailureCode::Unreachable).await;
    let (code, out, err) = script.end();

    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (Some(1), "", "repository: unreachable\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_stops_where_the_server_refuses() {
    let server = TestServer::start().await;
    let mut script = Script::start(&server, "ftp://nowhere");

    let (code, out, err) = script.end();

    assert_ne!(code, Some(0));
    assert!(!out.contains("rme1_") && err.contains("400"), "{out}{err}");
}

#[test]
fn the_guide_shows_the_script_and_what_it_needs() {
    let guide = std::fs::read_to_string(docs().join("src/guides/onboarding.md")).unwrap();
    let script = std::fs::read_to_string(docs().join("examples/onboarding.sh")).unwrap();

    assert!(guide.contains("{{#include ../../examples/onboarding.sh}}"));
    let variables = script
        .lines()
        .find_map(|line| line.strip_prefix("for name in ")?.strip_suffix("; do"))
        .unwrap();
    for variable in variables.split(' ') {
        assert!(guide.contains(&format!("`{variable}`")), "{variable} is not explained");
    }
}

/// The script while it runs.
struct Script {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Script {
    fn start(server: &TestServer, repository: &str) -> Self {
        let mut child = Command::new("bash")
            .arg(docs().join("examples/onboarding.sh"))
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("RM_SERVER", format!("http://{}", server.web))
            .env("RM_USER", "operator")
            .env("RM_PASS", PASSWORD)
            .env("RM_HOSTNAME", "web-01")
            .env("RM_REPO_URL", repository)
            .env("RM_REPO_USER", "web-01")
            .env("RM_REPO_PASS", "correct horse")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Reads what it tells a person to run, and takes the token out of that.
    fn token(&mut self, server: &TestServer) -> String {
        let (mut head, mut command) = (String::new(), String::new());
        block_in_place(|| {
            self.out.read_line(&mut head).unwrap();
            self.out.read_line(&mut command).unwrap();
        });
        assert_eq!(head, "On web-01, as root:\n");
        let web = format!("http://{}", server.web);
        let words: Vec<&str> = command.split_whitespace().collect();
        let ["curl", "-fsSL", url, "|", "sudo", address, token, "bash"] = words[..] else {
            panic!("{command}")
        };
        assert_eq!(url, format!("{web}/install/install.sh"));
        assert_eq!(address, format!("RM_SERVER={web}"));
        token.strip_prefix("RM_TOKEN=").unwrap().to_owned()
    }

    /// Waits for its end: exit code, what else it printed, and what it complained of.
    fn end(&mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        let code = block_in_place(|| {
            self.out.read_to_string(&mut out).unwrap();
            self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            self.child.wait().unwrap().code()
        });
        (code, out, err)
    }
}

impl Drop for Script {
    /// A test that failed leaves no script behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}
