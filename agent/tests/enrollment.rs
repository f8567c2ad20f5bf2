//! Enrolling and the command line, with the program as people run it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};

use agent::identity::Identity;
use domain::Secret;
use domain::enrollment::{EnrollmentToken, Pin};
use domain::id::EnrollmentTokenId;
use support::host::{HOST_ID, Host};
use support::server::FakeServer;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_environment_enrolls_and_the_agent_then_connects() {
    let server = FakeServer::start().await;
    let host = Host::new();
    let token = token(server.authority.pin());

    let output = enroll(&host, &["--server", &server.web().await], &token).await;

    assert_eq!(code(&output), 0, "{output:?}");
    let identity = Identity::load(&host.places).unwrap().unwrap();
    assert_eq!(identity.facts.host_id.to_string(), HOST_ID);
    assert_eq!(identity.facts.agent_endpoint, server.endpoint());
    assert_private(host.places.state_dir());
    let request = server.look(|record| record.enrollments[0].clone());
    assert_eq!((request.os.as_str(), request.enroll_nonce.len()), ("linux", 32));
    assert!(request.csr_pem.contains("CERTIFICATE REQUEST"));

    let program = host.start_program();
    server.until_session(1).await;
    let status = run(&host, &["status", "--json"]).await;
    assert_eq!(code(&status), 0, "{status:?}");
    let wipe = run(&host, &["wipe", "--yes"]).await;
    assert_eq!(code(&wipe), 1, "{wipe:?}");
    program.kill();
    assert_eq!(code(&run(&host, &["status"]).await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_file_or_on_stdin_works_without_asking_the_web_port() {
    let server = FakeServer::start().await;
    for source in ["-", "file"] {
        let host = Host::new();
        let text = token(server.authority.pin());
        let path = host.path().join("token");
        std::fs::write(&path, format!("{}\n", text.expose())).unwrap();
        let source = if source == "-" { source } else { path.to_str().unwrap() };
        let endpoint = server.endpoint();
        let mut command = host.command(&["enroll", "--agent-url", &endpoint, "--token-file", source]);
        command.stdin(std::fs::File::open(&path).unwrap());

        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();

        assert_eq!(code(&output), 0, "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_not_sent_to_a_server_of_another_root() {
    let ours = FakeServer::start().await;
    let other = FakeServer::start().await;
    let host = Host::new();
    let text = token(ours.authority.pin());

    let by_hint = enroll(&host, &["--server", &other.web().await], &text).await;
    let by_hand = enroll(&host, &["--agent-url", &other.endpoint()], &text).await;

    assert_eq!((code(&by_hint), code(&by_hand)), (1, 1));
    assert!(said(&by_hint).contains("was made by another server"), "{by_hint:?}");
    assert!(
        said(&by_hand).contains("is not the server that this agent trusts"),
        "{by_hand:?}"
    );
    assert_eq!(other.look(|record| record.enrollments.len()), 0);
    assert!(Identity::load(&host.places).unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_on_the_command_line_must_be_the_tokens() {
    let server = FakeServer::start().await;
    let host = Host::new();
    let text = token(server.authority.pin());
    let pin = "ab".repeat(32);

    let output = enroll(&host, &["--agent-url", &server.endpoint(), "--ca-pin", &pin], &text).await;

    assert_eq!(code(&output), 2, "{output:?}");
    assert_eq!(server.look(|record| record.enrollments.len()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again_with_the_same_key_and_nonce() {
    let server = FakeServer::start().await;
    let host = Host::new();
    server.behave(|behave| behave.lose_answers = 2);
    let text = token(server.authority.pin());

    let output = enroll(&host, &["--agent-url", &server.endpoint()], &text).await;

    assert_eq!(code(&output), 0, "{output:?}");
    let asked = server.look(|record| record.enrollments.clone());
    assert_eq!(asked.len(), 3);
    assert!(
        asked
            .iter()
            .all(|request| request.enroll_nonce == asked[0].enroll_nonce)
    );
    let keys: std::collections::BTreeSet<String> = asked.iter().map(|request| public_key(&request.csr_pem)).collect();
    assert_eq!(keys.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_given_up_is_continued_by_the_next() {
    let server = FakeServer::start().await;
    let host = Host::new();
    server.behave(|behave| behave.refuse_enrollment = Some(Status::unavailable("starting")));
    let text = token(server.authority.pin());

    let first = enroll(&host, &["--agent-url", &server.endpoint()], &text).await;
    server.behave(|behave| behave.refuse_enrollment = None);
    let second = enroll(&host, &["--agent-url", &server.endpoint()], &text).await;

    assert_eq!((code(&first), code(&second)), (75, 0), "{first:?}");
    let nonces: std::collections::BTreeSet<String> = server.look(|record| {
        record
            .enrollments
            .iter()
            .map(|request| request.enroll_nonce.clone())
            .collect()
    });
    assert_eq!(nonces.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_server_is_told_with_its_code_and_ends_for_good() {
    let server = FakeServer::start().await;
    for (grpc, reason, exit, hint) in [
        (Code::FailedPrecondition, "TOKEN_USED", 77, ""),
        (Code::AlreadyExists, "HOST_EXISTS", 77, "replaces the host"),
        (Code::Unauthenticated, "INVALID_TOKEN", 77, ""),
        (Code::ResourceExhausted, "RATE_LIMITED", 75, ""),
    ] {
        let host = Host::new();
        let details = ErrorDetails::with_error_info(reason, "restic-manager", HashMap::new());
        let status = Status::with_error_details(grpc, "The server's sentence.", details);
        server.behave(|behave| behave.refuse_enrollment = Some(status));
        let text = token(server.authority.pin());

        let output = enroll(&host, &["--agent-url", &server.endpoint()], &text).await;

        assert_eq!(code(&output), exit, "{output:?}");
        let said = said(&output);
        assert!(
            said.contains("The server's sentence.") && said.contains(&reason.to_lowercase()),
            "{said}"
        );
        assert!(said.contains(hint), "{said}");
        assert!(!said.contains(text.expose().as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_machine_is_not_enrolled_again_until_it_is_wiped() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let text = token(server.authority.pin());

    let again = enroll(&host, &["--agent-url", &server.endpoint()], &text).await;
    let unsure = run(&host, &["wipe"]).await;
    let wiped = run(&host, &["wipe", "--yes"]).await;
    let anew = enroll(&host, &["--agent-url", &server.endpoint()], &text).await;

    assert_eq!(
        (code(&again), code(&unsure), code(&wiped), code(&anew)),
        (1, 2, 0, 0),
        "{anew:?}"
    );
    assert!(said(&again).contains("--force"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_force_an_enrolled_machine_becomes_another_host_once_the_server_has_answered() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let text = token(server.authority.pin());
    let endpoint = server.endpoint();
    let args = ["--force", "--agent-url", endpoint.as_str()];
    let identity = || Identity::load(&host.places).unwrap().unwrap();
    let before = identity().credential.pem.expose().clone();
    std::fs::write(host.places.secrets(), "of the former host").unwrap();
    let running = host.start();
    server.until_session(1).await;

    let while_it_runs = enroll(&host, &args, &text).await;
    running.stop().await;
    server.behave(|behave| behave.refuse_enrollment = Some(Status::already_exists("taken")));
    let refused = enroll(&host, &args, &text).await;
    let kept = (
        identity().credential.pem.expose().clone(),
        host.places.secrets().exists(),
    );
    server.behave(|behave| behave.refuse_enrollment = None);
    let anew = enroll(&host, &args, &text).await;

    assert_eq!(
        (code(&while_it_runs), code(&refused), code(&anew)),
        (1, 77, 0),
        "{while_it_runs:?} {refused:?} {anew:?}"
    );
    assert!(said(&while_it_runs).contains("stop it first"), "{while_it_runs:?}");
    assert_eq!(kept, (before.clone(), true));
    assert_ne!(*identity().credential.pem.expose(), before);
    assert!(!host.places.secrets().exists() && !host.places.database().exists());
    assert!(!host.places.beside().state_dir().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_on_the_command_line_have_their_exit_codes() {
    let host = Host::new();

    let no_token = run(&host, &["enroll", "--server", "https://localhost"]).await;
    let mangled = enroll(
        &host,
        &["--server", "https://localhost"],
        &Secret::new("rme1_mangled".to_owned()),
    )
    .await;
    let no_server = enroll(&host, &[], &token("ab".repeat(32).parse().unwrap())).await;
    let nobody = enroll(
        &host,
        &["--server", "http://127.0.0.1:1"],
        &token("ab".repeat(32).parse().unwrap()),
    )
    .await;
    let not_enrolled = run(&host, &["run"]).await;
    let version = run(&host, &["version"]).await;
    let unknown = run(&host, &["backup"]).await;
    std::fs::write(host.places.config(), "unknown: key\n").unwrap();
    let bad_config = run(&host, &["run"]).await;

    assert_eq!((code(&no_token), code(&mangled), code(&no_server)), (2, 2, 2));
    assert!(said(&no_token).contains("RM_TOKEN"), "{no_token:?}");
    assert!(!said(&mangled).contains("rme1_mangled"), "{mangled:?}");
    assert_eq!(code(&nobody), 75, "{nobody:?}");
    assert_eq!((code(&not_enrolled), code(&bad_config)), (78, 78), "{bad_config:?}");
    assert_eq!((code(&version), code(&unknown)), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_healthy_agent_healthy_and_a_lost_server_lost() {
    let server = FakeServer::start().await;
    let mut host = Host::enrolled(&server);

    let healthy = run(&host, &["doctor"]).await;
    host.config.agent_url = Some("https://127.0.0.1:1".to_owned());
    host.config.store(host.places.config()).unwrap();
    let lost = run(&host, &["doctor"]).await;

    let text = String::from_utf8_lossy(&healthy.stdout).into_owned();
    assert!(text.contains("server") && text.contains("answers"), "{text}");
    assert_eq!(code(&lost), 1);
    assert!(
        String::from_utf8_lossy(&lost.stdout).contains("could not reach 127.0.0.1:1"),
        "{lost:?}"
    );
}

async fn enroll(host: &Host, args: &[&str], token: &Secret<String>) -> Output {
    let mut command = host.command(&[&["enroll"], args].concat());
    command.env("RM_TOKEN", token.expose()).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

async fn run(host: &Host, args: &[&str]) -> Output {
    let mut command = host.command(args);
    command.stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn token(pin: Pin) -> Secret<String> {
    EnrollmentToken::new(
        EnrollmentTokenId::from_uuid(Uuid::from_u128(7)),
        &Secret::new([9; 17]),
        pin,
    )
    .encode()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn public_key(csr_pem: &str) -> String {
    use x509_parser::prelude::FromDer as _;

    let (_, pem) = x509_parser::pem::parse_x509_pem(csr_pem.as_bytes()).unwrap();
    let (_, request) = x509_parser::certification_request::X509CertificationRequest::from_der(&pem.contents).unwrap();
    data_encoding::HEXLOWER.encode(request.certification_request_info.subject_pki.raw)
}

/// Nobody else can read a file or enter a directory.
fn assert_private(path: &std::path::Path) {
    let mode = std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            assert_private(&entry.unwrap().path());
        }
    }
}
