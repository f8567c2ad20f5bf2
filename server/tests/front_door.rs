//! What agents and strangers may use up: whoever takes more is slowed down or cut off, and nobody else notices.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use domain::session::{Fact, SnapshotPart};
use domain::snapshot::Snapshot;
use domain::{Role, Timestamp};
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::{DesiredKind, DesiredStateApplied, GoodbyeReason, Heartbeat, JobStarted, SnapshotReport, event};
use server::clock::SystemClock;
use support::agent::log_chunk;
use support::host::local_repository;
use support::{As, TestServer, grpc, until};
use tokio::time::Instant;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_messages_is_read_at_its_rate_and_others_do_not_notice() {
    let server = with(&[("RM_AGENT_EVENT_RATE", "20")]).await;
    let flooding = server.agent("web-01", local_repository("web-01")).await;
    let quiet = server.agent("web-02", local_repository("web-02")).await;
    let (mut loud, _) = flooding.connect().await;
    let (mut other, _) = quiet.connect().await;
    let flood = tokio::spawn(async move {
        let begun = Instant::now();
        for _ in 0..140 {
            loud.say(Up::Heartbeat(Heartbeat {})).await;
        }
        loud.report(1, vec![word()]).await;
        (loud.ack().await, begun.elapsed())
    });

    let asked = Instant::now();
    other.report(1, vec![word()]).await;
    let acknowledged = other.ack().await;

    assert_eq!(acknowledged, 1);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    // 100 at once, then 20 a second.
    let (acknowledged, took) = flood.await.unwrap();
    assert_eq!(acknowledged, 1, "it is slowed down, not cut");
    assert!(took >= Duration::from_secs(2), "{took:?}");
    assert!(reached(&server, "agent_events").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_snapshots_beyond_their_rate_are_counted_and_taken_all_the_same() {
    let server = with(&[("RM_AGENT_LISTINGS", "2")]).await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    let list = || {
        event::Event::SnapshotReport(SnapshotReport {
            job_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            repository_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            last: true,
            ..SnapshotReport::default()
        })
    };

    // Twenty at once.
    wire.report(1, (0..20).map(|_| list()).collect()).await;
    assert_eq!(wire.ack().await, 20);
    let within = reached(&server, "agent_listings").await;
    wire.report(21, vec![list()]).await;

    assert_eq!(wire.ack().await, 21);
    let server = &server;
    until(async || reached(server, "agent_listings").await == 1).await;
    assert_eq!(within, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_as_large_as_is_configured_and_no_larger() {
    let (usual, generous) = (with(&[]).await, with(&[("RM_AGENT_MESSAGE", "512KiB")]).await);
    let large = || {
        event::Event::DesiredStateApplied(DesiredStateApplied {
            kind: DesiredKind::Settings.into(),
            version: 1,
            hash: "aa".to_owned(),
            error: "x".repeat(300 * 1024),
        })
    };

    for (server, is_taken) in [(&usual, false), (&generous, true)] {
        let agent = server.agent("web-01", local_repository("web-01")).await;
        let (mut wire, _) = agent.connect().await;
        wire.report(1, vec![large()]).await;

        if is_taken {
            assert_eq!(wire.ack().await, 1);
        } else {
            assert_eq!(wire.farewell().await.reason(), GoodbyeReason::ProtocolError);
        }
        assert_eq!(reached(server, "agent_message").await, u64::from(!is_taken));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_told_the_windows_that_are_configured() {
    let usual = with(&[]).await;
    let generous = with(&[
        ("RM_AGENT_STREAMS", "9"),
        ("RM_AGENT_STREAM_WINDOW", "512KiB"),
        ("RM_AGENT_CONNECTION_WINDOW", "1MiB"),
    ])
    .await;

    for (server, streams, stream, connection) in [
        (&usual, 8, 64 * 1024, 128 * 1024),
        (&generous, 9, 512 * 1024, 1024 * 1024),
    ] {
        let agent = server.agent("web-01", local_repository("web-01")).await;
        let told = tokio::time::timeout(PATIENCE, agent.told_by_http2()).await.unwrap();

        assert_eq!(told, (streams, stream, connection));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_beyond_the_credit_ends_the_session() {
    let server = with(&[("RM_AGENT_LOG_WINDOW", "64KiB")]).await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, welcome) = agent.connect().await;
    assert_eq!(welcome.log_window_bytes, 64 * 1024);
    // What does not shrink when it is packed.
    let texts: Vec<String> = (0..12).map(|_| noise(16_000)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let chunk = log_chunk("01890a5d-ac96-774b-bcce-b302099a8057", 1, &texts);
    assert!(chunk.lines_zstd.len() > 64 * 1024, "{}", chunk.lines_zstd.len());

    wire.say(Up::LogChunk(chunk)).await;

    assert_eq!(wire.farewell().await.reason(), GoodbyeReason::ProtocolError);
    assert_eq!(reached(&server, "agent_log_window").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_session_is_closed_though_it_answers_pings() {
    let server = with(&[("RM_IDLE_CONNECTION", "5s")]).await;
    let mut agent = server.agent("web-01", local_repository("web-01")).await;
    let connection = agent.through_proxy().await;
    let client = grpc::Client::over(agent.channel().await, None);
    let call = "/restic_manager.agent.v1.EnrollmentService/GetEndpoint";
    client.call(call, Vec::new()).await.unwrap();
    let idle = Instant::now();

    let closed = tokio::time::timeout(PATIENCE, connection).await;

    assert!(
        closed.is_ok() && idle.elapsed() >= Duration::from_secs(4),
        "{:?}",
        idle.elapsed()
    );
    assert_eq!(reached(&server, "idle_connections").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_of_one_address_are_few_and_slow_and_do_not_hinder_agents() {
    let server = with(&[
        ("RM_STRANGER_CONNECTION_BURST", "30"),
        ("RM_STRANGER_CONNECTION_RATE", "1000"),
        ("RM_HANDSHAKES", "2"),
        ("RM_HANDSHAKE_QUEUE", "8"),
    ])
    .await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;

    // They say nothing at all.
    let silent: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(server.agents).unwrap()).collect();
    let asked = Instant::now();
    wire.report(1, vec![word()]).await;

    assert_eq!(wire.ack().await, 1);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    tokio::task::spawn_blocking(|| silent.into_iter().for_each(until_closed))
        .await
        .unwrap();
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    assert!(reached(&server, "handshake_queue").await > 0);
    let (_again, _) = agent.connect().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_makes_so_many_connections_at_once() {
    let server = with(&[
        ("RM_STRANGER_CONNECTION_BURST", "10"),
        ("RM_STRANGER_CONNECTION_RATE", "1"),
    ])
    .await;

    let sockets: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(server.agents).unwrap()).collect();
    let server = &server;
    until(async || reached(server, "stranger_connection_rate").await >= 25).await;

    drop(sockets);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_snapshots_without_end_is_not_kept() {
    let server = TestServer::start().await;
    let host = server.ready_host("web-01").await;
    let client = server.rest(As::User(Role::Operator)).await;
    let job = client
        .post(
            &format!("/api/hosts/{}/jobs", host.id),
            serde_json::json!({"kind": "snapshots"}),
        )
        .await
        .ok();
    host.accept().await;
    let held = host.credentials().await.unwrap();

    host.report(Fact::Snapshots(SnapshotPart {
        job: job["id"].as_str().unwrap().parse().unwrap(),
        repository: held.id,
        part: SnapshotPart::MAX_PARTS,
        last: true,
        snapshots: vec![snapshot()],
    }))
    .await;

    let listed = client.get(&format!("/api/hosts/{}/snapshots", host.id)).await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 0);
    assert_eq!(reached(&server, "snapshot_lists").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_for_admins() {
    let server = TestServer::start().await;

    let operator = server.rest(As::User(Role::Operator)).await;
    let refused = operator.get("/api/system/limits").await;
    let admin = server.rest(As::User(Role::Admin)).await;
    let limits = admin.get("/api/system/limits").await.ok();

    assert_eq!(refused.code(), "forbidden");
    let window = limits
        .as_array()
        .unwrap()
        .iter()
        .find(|limit| limit["name"] == "agent_log_window");
    assert_eq!(window.unwrap()["limit"], "262144");
}

async fn with(settings: &[(&str, &str)]) -> TestServer {
    TestServer::start_with(settings, Arc::new(SystemClock)).await
}

async fn reached(server: &TestServer, name: &str) -> u64 {
    let limits = server
        .rest(As::User(Role::Admin))
        .await
        .get("/api/system/limits")
        .await
        .ok();
    let found = limits.as_array().unwrap().iter().find(|limit| limit["name"] == name);
    found.unwrap()["reached"].as_str().unwrap().parse().unwrap()
}

/// Something to report that changes nothing.
fn word() -> event::Event {
    event::Event::JobStarted(JobStarted {
        job_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        ..JobStarted::default()
    })
}

/// Text that packing does not shrink much.
fn noise(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).unwrap();
        text.push_str(&Uuid::from_bytes(bytes).simple().to_string());
    }
    text.truncate(length);
    text
}

fn until_closed(mut socket: TcpStream) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    match socket.read(&mut [0; 64]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("it stands: {other:?}"),
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        id: "ab".repeat(32).parse().unwrap(),
        time: Timestamp::from_seconds(1, 0).unwrap(),
        restic_host: "web-01".into(),
        paths: vec!["/etc".into()],
        tags: Vec::new(),
        size: None,
        file_count: None,
        program_version: None,
    }
}
