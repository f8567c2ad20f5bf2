//! The agent's session against a server in this process, over real TLS.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::time::Duration;

use agent::exit::Exit;
use agent::identity::Identity;
use agent::status::Status;
use proto::agent::v1::event::Event;
use proto::agent::v1::{self, server_message};
use support::authority::Authority;
use support::eventually;
use support::fake_restic::{FakeRestic, calls};
use support::host::{Host, backup, credentials, id, provide, settings};
use support::server::FakeServer;

#[tokio::test(flavor = "multi_thread")]
async fn the_greeting_says_what_the_machine_is_and_what_it_holds() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);

    let running = host.start();
    server.until_session(1).await;

    let hello = server.look(|record| record.hellos[0].clone());
    assert_eq!((hello.protocol_min, hello.protocol_max, hello.next_seq), (1, 1, 1));
    assert_eq!(hello.applied.len(), 3);
    assert!(hello.applied.iter().all(|state| state.version == 0));
    let inventory = hello.inventory.unwrap();
    assert_eq!(inventory.os, "linux");
    assert!(!inventory.hostname.is_empty() && !hello.boot_id.is_empty());
    server
        .until("an open session", |record| {
            record.heard.iter().any(|what| what == "heartbeat").then_some(())
        })
        .await;
    assert_eq!(running.stop().await, Exit::Ok);
    server
        .until("a goodbye", |record| (record.goodbyes == 1).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_show_signs_of_life() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();

    server
        .until("two heartbeats", |record| {
            let beats = record.heard.iter().filter(|what| *what == "heartbeat").count();
            (beats >= 2).then_some(())
        })
        .await;

    let status = eventually("the status", || {
        Status::read(&host.places.status())
            .unwrap()
            .filter(|status| status.online)
    })
    .await;
    assert_eq!(status.host_id.to_string(), support::host::HOST_ID);
    running.stop().await;
    assert!(!host.places.status().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn desired_state_is_stored_reported_and_held_in_the_next_session() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();
    server.until_session(1).await;

    provide(&server, credentials(4, "/srv/repo", "repository-canary")).await;
    server.cut();
    server.until_session(2).await;

    let hello = server.look(|record| record.hellos[1].clone());
    let version = |kind: v1::DesiredKind| {
        let state = hello
            .applied
            .iter()
            .find(|state| state.kind == i32::from(kind))
            .unwrap();
        state.version
    };
    assert_eq!(version(v1::DesiredKind::Credentials), 4);
    assert_eq!(version(v1::DesiredKind::Settings), 1);
    running.stop().await;
    assert_nowhere(host.path(), "repository-canary");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_set_of_credentials_is_refused_and_says_so() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();
    server.until_session(1).await;
    provide(&server, credentials(4, "/srv/repo", "password")).await;

    let older = credentials(3, "/srv/other", "password");
    server.say(server_message::Body::SetCredentials(older.clone())).await;

    let error = applied(&server, &older.hash).await;
    assert!(error.contains("older"), "{error}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_secrets_are_reported_and_not_written_over() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    std::fs::write(host.places.secrets(), b"damaged").unwrap();
    let restic = FakeRestic::default().install(host.path());
    let host = host.with_restic(&restic);
    let running = host.start();
    server.until_session(1).await;

    let set = credentials(1, "/srv/repo", "password");
    server.say(server_message::Body::SetCredentials(set.clone())).await;
    let error = applied(&server, &set.hash).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let finished = server.finished(&id(1)).await;

    assert!(error.starts_with("agent_secrets_unreadable"), "{error}");
    assert_eq!(finished.result_code, "agent_secrets_unreadable");
    assert_eq!(std::fs::read(host.places.secrets()).unwrap(), b"damaged");
    assert_eq!(calls(host.path()), [""; 0], "restic was started");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_without_the_pinned_root_is_refused_and_never_stored() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();
    server.until_session(1).await;
    let foreign = Authority::new().bundle_pem();

    server
        .say(server_message::Body::SetTrustBundle(v1::SetTrustBundle {
            version: 1,
            hash: "bb".repeat(32),
            ca_bundle_pem: foreign.clone(),
        }))
        .await;
    let refused = applied(&server, &"bb".repeat(32)).await;
    let after_the_refusal = std::fs::read_to_string(host.places.ca_bundle()).unwrap();
    server
        .say(server_message::Body::SetTrustBundle(v1::SetTrustBundle {
            version: 2,
            hash: "cc".repeat(32),
            ca_bundle_pem: format!("{foreign}{}", server.authority.bundle_pem()),
        }))
        .await;
    // Another root beside the pinned one is no harm.
    eventually("both roots", || {
        let kept = std::fs::read_to_string(host.places.ca_bundle()).unwrap();
        (kept == format!("{foreign}{}", server.authority.bundle_pem())).then_some(())
    })
    .await;

    assert!(refused.contains(&server.authority.pin().to_string()), "{refused}");
    assert_eq!(after_the_refusal, server.authority.bundle_pem());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_none_is_refused_and_the_session_goes_on() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();
    server.until_session(1).await;

    server
        .say(server_message::Body::SetTrustBundle(v1::SetTrustBundle {
            version: 1,
            hash: "bb".repeat(32),
            ca_bundle_pem: "no certificate".to_owned(),
        }))
        .await;
    let error = applied(&server, &"bb".repeat(32)).await;
    server.cut();
    server.until_session(2).await;

    assert!(error.contains("no certificate"), "{error}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_done_once_however_often_it_comes() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let restic = FakeRestic::default().install(host.path());
    let host = host.with_restic(&restic);
    let running = host.start();
    server.until_session(1).await;
    provide(&server, credentials(1, "/srv/repo", "password")).await;

    for _ in 0..3 {
        server.command(&id(1), backup(&id(1), &[host.path()])).await;
    }
    server.finished(&id(1)).await;
    server.cut();
    server.until_session(2).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let acks = server
        .until("four answers", |record| {
            (record.acks.len() == 4).then(|| record.acks.clone())
        })
        .await;

    let outcomes: Vec<i32> = acks.iter().map(|ack| ack.outcome).collect();
    let duplicate = i32::from(v1::CommandOutcome::Duplicate);
    assert_eq!(
        outcomes,
        [v1::CommandOutcome::Accepted.into(), duplicate, duplicate, duplicate]
    );
    assert_eq!(calls(host.path()).iter().filter(|call| *call == "backup").count(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_with_a_relative_path_is_refused() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();
    server.until_session(1).await;

    server
        .command(&id(1), backup(&id(1), &[std::path::Path::new("etc")]))
        .await;

    let ack = server.until("an answer", |record| record.acks.first().cloned()).await;
    assert_eq!(ack.outcome, i32::from(v1::CommandOutcome::Refused));
    assert_eq!(ack.reason, "invalid_command");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_once_though_the_link_breaks_again_and_again() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let slow = FakeRestic {
        backup: format!(
            "echo a line >&2; sleep 0.05; echo another >&2; {}",
            support::fake_restic::SUMMARY
        ),
        ..FakeRestic::default()
    };
    let restic = slow.install(host.path());
    let host = host.with_restic(&restic);
    let running = host.start();
    server.until_session(1).await;
    provide(&server, credentials(1, "/srv/repo", "password")).await;

    for number in 1..=4 {
        server.command(&id(number), backup(&id(number), &[host.path()])).await;
        let sessions = server.look(|record| record.hellos.len());
        server
            .until("the answer", |record| {
                (record.acks.len() >= number as usize).then_some(())
            })
            .await;
        server.cut();
        server.until_session(sessions + 1).await;
    }

    for number in 1..=4 {
        let finished = server.finished(&id(number)).await;
        assert_eq!(finished.result_code, "ok", "{finished:?}");
        assert_eq!(
            server.story(&id(number)),
            ["started", "running", "finalizing", "snapshots", "finished"]
        );
        let log = server.log(&id(number));
        assert_eq!(u64::try_from(log.lines().count()).unwrap(), finished.log_lines, "{log}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_is_sent_again_after_a_restart() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    server.behave(|behave| behave.never_ack = true);
    let running = host.start();
    server.until_session(1).await;
    server.say(settings()).await;
    server
        .until("the event", |record| (record.events.len() == 1).then_some(()))
        .await;
    running.stop().await;

    // The server forgets, as one that crashed before its commit did.
    server.forget();
    server.behave(|behave| behave.never_ack = false);
    let running = host.start();
    let event = server
        .until("the event again", |record| record.events.first().cloned())
        .await;

    assert!(matches!(event, Event::DesiredStateApplied(applied) if applied.error.is_empty()));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_set_back_gets_what_is_left_under_a_new_incarnation() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();
    server.until_session(1).await;
    server.say(settings()).await;
    server
        .until("an event", |record| (record.events.len() == 1).then_some(()))
        .await;
    // One batch is on the way at a time: with the second here, the agent knows that the first is committed.
    server
        .say(server_message::Body::SetCredentials(credentials(
            1,
            "/srv/repo",
            "password",
        )))
        .await;
    server
        .until("another event", |record| (record.events.len() == 2).then_some(()))
        .await;

    server.forget();
    server.cut();
    server.until_session(2).await;
    server.until_session(3).await;

    let incarnations: Vec<String> = server.look(|record| {
        record
            .hellos
            .iter()
            .map(|hello| hello.outbox_incarnation.clone())
            .collect()
    });
    assert_eq!(incarnations[0], incarnations[1]);
    assert_ne!(incarnations[1], incarnations[2]);
    assert!(server.look(|record| record.hellos[2].next_seq) <= 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_agent_keeps_its_key_and_asks_seldom() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    server.behave(|behave| behave.refuse = Some(tonic::Status::unauthenticated("the host is not known")));
    let running = host.start();
    server
        .until("the refusal", |record| {
            record
                .heard
                .iter()
                .any(|what| what == "refused to come back")
                .then_some(())
        })
        .await;

    let status = eventually("the status", || {
        Status::read(&host.places.status())
            .unwrap()
            .filter(|status| status.trouble.is_some())
    })
    .await;
    // sleep: nothing must happen meanwhile
    tokio::time::sleep(Duration::from_secs(3)).await;

    assert!(status.trouble.unwrap().contains("the host is not known"));
    assert_eq!(
        server.look(|record| record.heard.clone()),
        ["refused", "refused to come back"],
        "it asked again within seconds"
    );
    assert!(Identity::load(&host.places).unwrap().is_some());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_host_forgets_its_identity_and_ends_for_good() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let running = host.start();
    server.until_session(1).await;
    provide(&server, credentials(1, "/srv/repo", "password")).await;

    server
        .say(server_message::Body::Goodbye(v1::Goodbye {
            reason: v1::GoodbyeReason::Revoked.into(),
            retry_after: None,
        }))
        .await;

    assert_eq!(running.ended().await, Exit::Refused);
    assert!(Identity::load(&host.places).unwrap().is_none());
    assert!(!host.places.secrets().exists() && !host.places.secrets_key().exists());
    assert_eq!(server.look(|record| record.hellos.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_not_talked_to() {
    let ours = FakeServer::start().await;
    let other = FakeServer::start().await;
    let mut host = Host::enrolled(&ours);
    host.config.agent_url = Some(other.endpoint());
    let running = host.start();

    let status = eventually("the status", || {
        Status::read(&host.places.status())
            .unwrap()
            .filter(|status| status.trouble.is_some())
    })
    .await;

    let trouble = status.trouble.unwrap();
    assert!(
        trouble.contains("is not the server that this agent trusts"),
        "{trouble}"
    );
    assert_eq!(other.look(|record| record.hellos.len()), 0);
    running.stop().await;
}

async fn applied(server: &FakeServer, hash: &str) -> String {
    server
        .until("an answer to the desired state", |record| {
            record.events.iter().find_map(|event| match event {
                Event::DesiredStateApplied(applied) if applied.hash == hash && !applied.error.is_empty() => {
                    Some(applied.error.clone())
                }
                _ => None,
            })
        })
        .await
}

/// Reads every file below a directory.
fn assert_nowhere(directory: &std::path::Path, canary: &str) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere(&path, canary);
        } else {
            let content = std::fs::read(&path).unwrap();
            let found = content.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{} holds {canary}", path.display());
        }
    }
}
