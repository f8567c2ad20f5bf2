//! Who a host is, as agents on the wire see it: revoked, replaced, copied.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::clock::MockClock;
use domain::enrollment::WantedRepository;
use domain::fleet::{DeleteHost, HostView, RevokeHost};
use domain::host::HostStatus;
use domain::repository::RepoStatus;
use domain::{Clock as _, Role};
use proto::agent::v1;
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::command::Command as Order;
use proto::agent::v1::event::Event;
use proto::agent::v1::server_message::Body as Down;
use proto::agent::v1::{CommandOutcome, GoodbyeReason, JobOutcome};
use serde_json::json;
use server::clock::SystemClock;
use support::agent::{Agent, Wire, log_chunk};
use support::host::{RESTIC_ID, local_repository};
use support::{As, TestServer, grpc, system};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const ADMIN: As = As::User(Role::Admin);
const OPERATOR: As = As::User(Role::Operator);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Two heartbeats: an agent that is there is not silent for longer.
const GRACE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_host_is_cut_within_a_second_and_its_certificate_is_void() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (mut wire, _) = agent.connect().await;
    let admin = server.caller(Role::Admin).await;
    let delete = DeleteHost {
        id: agent.host,
        confirmation: "web-01".to_owned(),
    };
    let begun = Instant::now();

    server.app.delete_host(&admin, delete).await.unwrap();
    let goodbye = wire.farewell().await;

    assert_eq!(goodbye.reason(), GoodbyeReason::Revoked);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    is_void(&agent.dial().await.err().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_host_is_cut_within_a_second_and_keeps_its_history() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&mut wire).await;
    let before = host(&server, &agent).await;
    let admin = server.caller(Role::Admin).await;
    let revoke = RevokeHost {
        id: agent.host,
        confirmation: "web-01".to_owned(),
    };
    let begun = Instant::now();

    let revoked = server.app.revoke_host(&admin, revoke.clone()).await.unwrap();
    let goodbye = wire.farewell().await;

    assert_eq!(goodbye.reason(), GoodbyeReason::CertificateRevoked);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    is_void(&agent.dial().await.err().unwrap());
    assert_eq!(
        (revoked.status, revoked.health.as_str()),
        (HostStatus::Revoked, "failing")
    );
    assert!(
        revoked.health_reason.contains("replace_host_id"),
        "{}",
        revoked.health_reason
    );
    assert_eq!(
        (revoked.repository_id, revoked.repo_status),
        (before.repository_id, RepoStatus::Ready)
    );
    assert!(refused_job(&server, &agent).await.contains("revoked"));
    // Once more: nothing happens, and nothing is recorded.
    assert_eq!(server.app.revoke_host(&admin, revoke).await.unwrap(), revoked);
    let actions = server.actions().await;
    assert_eq!(actions.iter().filter(|action| *action == "host.revoked").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_being_opened_when_its_certificate_became_void_is_refused() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    // The door has let it in already.
    let mut wire = agent.dial().await.unwrap();
    let replacing = server.agent_in_place_of(agent.host).await;

    wire.say(Up::Hello(agent.greeting())).await;

    is_void(&wire.hear().await.unwrap_err());
    assert!(!server.app.sessions().connected(agent.host));
    replacing.connect().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_in_the_place_of_a_host_takes_over_everything_but_the_certificate() {
    let server = TestServer::start().await;
    let former = server.agent("web-01", local_repository("web-01")).await;
    let (mut of_former, _) = former.connect().await;
    make_repository(&mut of_former).await;
    let before = host(&server, &former).await;

    let agent = server.agent_in_place_of(former.host).await;

    assert_eq!(of_former.farewell().await.reason(), GoodbyeReason::CertificateRevoked);
    is_void(&former.dial().await.err().unwrap());
    let pending = host(&server, &agent).await;
    assert_eq!((agent.host, pending.status), (former.host, HostStatus::Pending));
    assert_eq!((pending.last_seen_at, pending.applied_version), (None, 0));
    assert_eq!(
        (
            &pending.hostname,
            &pending.restic_host,
            pending.enrolled_at,
            pending.repository_id
        ),
        (
            &before.hostname,
            &before.restic_host,
            before.enrolled_at,
            before.repository_id
        )
    );
    let (mut wire, welcome) = agent.connect().await;
    // Its outbox is a new one; what the former agent had reported is not mistaken for its own.
    assert_eq!(welcome.acknowledged_seq, 0);
    assert!(welcome.session_epoch > 1);
    let credentials = wire
        .hear_until(|heard| {
            let Down::SetCredentials(set) = heard else {
                panic!("{heard:?} before the credentials")
            };
            Some(set)
        })
        .await;
    assert_eq!(credentials.repositories[0].url, "/srv/web-01");
    let after = host(&server, &agent).await;
    assert_eq!(
        (after.status, after.repo_status),
        (HostStatus::Online, RepoStatus::Ready)
    );
    run_backup(&server, &agent).await;
    assert!(matches!(wire.command().await.command, Some(Order::Backup(_))));
    let entry = server.last_entry("host.enrolled").await;
    assert_eq!(
        (&entry["payload"]["replaced"], &entry["payload"]["voided_certificates"]),
        (&json!(true), &json!(1.0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_or_quarantined_host_begins_again_when_a_machine_takes_its_place() {
    let server = TestServer::start().await;
    let revoked = server.agent("web-01", WantedRepository::None).await;
    let revoke = RevokeHost {
        id: revoked.host,
        confirmation: "web-01".to_owned(),
    };
    let admin = server.caller(Role::Admin).await;
    server.app.revoke_host(&admin, revoke).await.unwrap();
    let quarantined = server.agent("web-02", WantedRepository::None).await;
    quarantine(&quarantined).await;

    for host_id in [revoked.host, quarantined.host] {
        let agent = server.agent_in_place_of(host_id).await;

        assert_eq!(host(&server, &agent).await.status, HostStatus::Pending);
        agent.connect().await;
        assert_eq!(host(&server, &agent).await.status, HostStatus::Online);
    }
    is_void(&quarantined.dial().await.err().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_machine_is_refused_while_the_other_is_there_and_then_neither_speaks() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&mut wire).await;
    let copy = agent.copied("boot-2");

    let first = copy.is_refused().await;
    for _ in 0..2 {
        clock.advance(GRACE);
        speaks(&mut wire).await;
        is_duplicate(&copy.is_refused().await);
    }
    clock.advance(GRACE);
    speaks(&mut wire).await;
    let last = copy.is_refused().await;

    is_duplicate(&first);
    assert_eq!(
        (last.code(), grpc::code(&last).as_str()),
        (Code::FailedPrecondition, "host_quarantined")
    );
    assert_eq!(wire.farewell().await.reason(), GoodbyeReason::Quarantined);
    assert_eq!(grpc::code(&agent.is_refused().await), "host_quarantined");
    let seen = host(&server, &agent).await;
    assert_eq!(
        (seen.status, seen.health.as_str()),
        (HostStatus::Quarantined, "failing")
    );
    assert!(seen.health_reason.contains("Two machines"), "{}", seen.health_reason);
    let summary = server.rest(ADMIN).await.get("/api/fleet/summary").await.ok();
    assert_eq!(
        (&summary["quarantined"], &summary["online"]),
        (&json!("1"), &json!("0"))
    );
    let mut actions = server.actions().await;
    actions.retain(|action| action != "auth.login");
    assert_eq!(actions[0], "host.quarantined");
    let conflicts = actions.iter().filter(|action| *action == "security.duplicate_identity");
    assert_eq!(conflicts.count(), 3);
    let conflict = server.last_entry("security.duplicate_identity").await;
    assert_eq!(conflict["payload"]["boot_id"], "boot-2");
    assert_eq!(conflict["ip"], "127.0.0.1");
    assert!(refused_job(&server, &agent).await.contains("Two machines"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_machine_whose_old_connection_still_stands_waits_a_moment_and_no_more() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (mut dead, _) = agent.connect().await;
    speaks(&mut dead).await;
    let restarted = agent.copied("boot-2");

    // Before the server can know, however often somebody starts the agent.
    for _ in 0..5 {
        clock.advance(GRACE / 10);
        let refused = restarted.is_refused().await;
        is_duplicate(&refused);
        let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(wait <= GRACE + Duration::from_secs(1), "{wait:?}");
    }
    clock.advance(GRACE);
    let (_wire, welcome) = restarted.connect().await;

    assert_eq!(welcome.session_epoch, 2);
    assert_eq!(dead.farewell().await.reason(), GoodbyeReason::Superseded);
    assert_eq!(host(&server, &agent).await.status, HostStatus::Online);
    let actions = server.actions().await;
    assert!(
        !actions.iter().any(|action| action.starts_with("security.")),
        "{actions:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_of_one_machine_that_push_each_other_out_are_quarantined() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;

    let refused = quarantine(&agent).await;

    assert_eq!(grpc::code(&refused), "host_quarantined");
    assert_eq!(host(&server, &agent).await.status, HostStatus::Quarantined);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_agent_is_told_when_to_ask_again() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (mut older, _) = agent.connect().await;

    let _newer = agent.copied(&agent.boot_id).connect().await;

    let goodbye = older.farewell().await;
    assert_eq!(goodbye.reason(), GoodbyeReason::Superseded);
    assert_eq!(goodbye.retry_after.unwrap().seconds, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_ends_when_an_admin_says_so() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    quarantine(&agent).await;
    let path = format!("/api/hosts/{}/release", agent.host);
    let operator = server.rest(OPERATOR).await;
    assert_eq!(operator.post(&path, json!({})).await.code(), "forbidden");
    let client = server.rest(ADMIN).await;

    let answer = client.post(&path, json!({})).await.ok();
    let again = client.post(&path, json!({})).await.ok();

    let reminder = answer["reminder"].as_str().unwrap();
    assert!(
        reminder.contains("wipe --yes") && reminder.contains(&agent.host.to_string()),
        "{reminder}"
    );
    assert_eq!(
        (&answer["host"]["status"], &again["reminder"]),
        (&json!("offline"), &json!(""))
    );
    let entry = server.last_entry("host.released").await;
    assert_eq!(
        (&entry["actor_name"], &entry["target_name"]),
        (&json!("admin"), &json!("web-01"))
    );
    assert_eq!(
        server
            .actions()
            .await
            .iter()
            .filter(|action| *action == "host.released")
            .count(),
        1
    );
    // What went before is forgotten: one more takeover proves nothing.
    let (mut wire, _) = agent.connect().await;
    assert_eq!(host(&server, &agent).await.status, HostStatus::Online);
    assert!(matches!(wire.command().await.command, Some(Order::Init(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_remembers_later_sessions_than_the_server_gets_a_later_one() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    // The server's database was set back to an earlier copy of itself.
    agent.last_epoch.store(40, Ordering::Relaxed);

    let (mut wire, welcome) = agent.connect().await;

    assert_eq!(welcome.session_epoch, 41);
    assert_eq!(wire.command().await.session_epoch, 41);
    agent.last_epoch.store(u64::MAX, Ordering::Relaxed);
    let (_, welcome) = agent.connect().await;
    assert!(welcome.session_epoch < 1 << 33, "{}", welcome.session_epoch);
}

// What tests say and look for.

/// Plays two processes with one identity on one machine until the server has had enough. The last refusal.
async fn quarantine(agent: &Agent) -> Status {
    let copy = agent.copied(&agent.boot_id);
    let mut former = None;
    for one in [agent, &copy, agent, &copy] {
        let (mut wire, _) = one.connect().await;
        speaks(&mut wire).await;
        if let Some(mut former) = former.replace(wire) {
            assert_eq!(former.farewell().await.reason(), GoodbyeReason::Superseded);
        }
    }
    let refused = agent.is_refused().await;
    assert_eq!(former.unwrap().farewell().await.reason(), GoodbyeReason::Quarantined);
    refused
}

/// Says something, and waits until the server has taken it.
async fn speaks(wire: &mut Wire) {
    wire.say(Up::LogChunk(log_chunk(UNKNOWN, 1, &["alive"]))).await;
    wire.hear_until(|heard| matches!(heard, Down::LogCredit(_)).then_some(()))
        .await;
}

#[track_caller]
fn is_void(refused: &Status) {
    assert_eq!(
        (refused.code(), grpc::code(refused).as_str()),
        (Code::Unauthenticated, "certificate_revoked"),
        "{refused:?}"
    );
}

#[track_caller]
fn is_duplicate(refused: &Status) {
    assert_eq!(
        (refused.code(), grpc::code(refused).as_str()),
        (Code::FailedPrecondition, "duplicate_identity"),
        "{refused:?}"
    );
}

async fn host(server: &TestServer, agent: &Agent) -> HostView {
    server.app.get_host(&system(), agent.host).await.unwrap()
}

/// Asks for a backup that waits until the host is back. What the refusal says.
async fn refused_job(server: &TestServer, agent: &Agent) -> String {
    let client = server.rest(OPERATOR).await;
    let body = json!({"kind": "backup", "args": ["/etc"], "queue_if_offline": true});
    let refused = client.post(&format!("/api/hosts/{}/jobs", agent.host), body).await;
    assert_eq!(refused.status.as_u16(), 409, "{refused:?}");
    refused.json()["message"].as_str().unwrap().to_owned()
}

async fn run_backup(server: &TestServer, agent: &Agent) {
    let client = server.rest(OPERATOR).await;
    let body = json!({"kind": "backup", "args": ["/etc"]});
    client.post(&format!("/api/hosts/{}/jobs", agent.host), body).await.ok();
}

/// Does the init that the server orders by itself.
async fn make_repository(wire: &mut Wire) {
    let init = wire.command().await;
    let Some(Order::Init(order)) = &init.command else {
        panic!("{init:?}")
    };
    let job_id = order.job_id.clone();
    wire.answer(&init, CommandOutcome::Accepted).await;
    let started = v1::JobStarted {
        job_id: job_id.clone(),
        ..v1::JobStarted::default()
    };
    let finished = v1::JobFinished {
        job_id,
        outcome: JobOutcome::Succeeded.into(),
        restic_repository_id: RESTIC_ID.to_owned(),
        ..v1::JobFinished::default()
    };
    wire.report(1, vec![Event::JobStarted(started), Event::JobFinished(finished)])
        .await;
    assert_eq!(wire.ack().await, 2);
}
