//! Sessions as agents on the wire see them: real connections with real certificates, played message by message.
//!
//! One file, long as it is: every test plays the same agent with the same few words, which stand at the end.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::clock::MockClock;
use domain::enrollment::WantedRepository;
use domain::fleet::HostView;
use domain::host::HostStatus;
use domain::id::JobId;
use domain::job::{JobState, JobView, Phase, RunJob, Sources, Work};
use domain::path::BackupPaths;
use domain::repository::RepoStatus;
use domain::{Actor, Clock as _, Role};
use proto::agent::v1;
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::command::Command as Order;
use proto::agent::v1::event::Event;
use proto::agent::v1::server_message::Body as Down;
use proto::agent::v1::{CommandOutcome, GoodbyeReason, JobOutcome};
use server::clock::SystemClock;
use support::agent::{Agent, Wire, log_chunk};
use support::host::{RESTIC_ID, local_repository};
use support::{TestServer, grpc, system, until};
use tokio::time::Instant;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_greeting_is_answered_with_a_welcome_and_what_the_agent_lacks() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;

    let (mut wire, welcome) = agent.connect().await;

    assert_eq!(
        (welcome.protocol, welcome.session_epoch, welcome.acknowledged_seq),
        (1, 1, 0)
    );
    assert_eq!(welcome.heartbeat_interval.unwrap().seconds, 30);
    assert!(welcome.log_window_bytes >= 64 * 1024 && welcome.reconnect_spread.is_some());
    let credentials = wire
        .hear_until(|heard| {
            let Down::SetCredentials(set) = heard else {
                panic!("{heard:?} before the credentials")
            };
            Some(set)
        })
        .await;
    assert_eq!(credentials.repositories[0].url, "/srv/web-01");
    assert!(!credentials.repositories[0].repo_password.is_empty() && credentials.hash.len() == 64);
    assert!(matches!(wire.hear().await, Ok(Some(Down::SetSettings(set))) if set.restic_host == "web-01"));
    assert!(matches!(wire.hear().await, Ok(Some(Down::SetTrustBundle(set))) if set.ca_bundle_pem.contains("BEGIN")));
    assert!(matches!(wire.command().await.command, Some(Order::Init(_))));
    let host = host(&server, &agent).await;
    assert_eq!((host.status, host.protocol_version), (HostStatus::Online, Some(1)));
    assert_eq!(host.inventory.hostname.as_str(), "machine");
    assert_eq!(host.repo_status, RepoStatus::Initialising);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_has_applied_is_not_sent_again() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    let mut applied = Vec::new();
    while applied.len() < 3 {
        applied.extend(stamp(wire.hear().await.unwrap().unwrap()));
    }
    assert_eq!(host(&server, &agent).await.applied_version, 0);

    let reports = applied.iter().map(|state| {
        let v1::AppliedState { kind, version, hash } = state.clone();
        Event::DesiredStateApplied(v1::DesiredStateApplied {
            kind,
            version,
            hash,
            error: String::new(),
        })
    });
    wire.report(1, reports.collect()).await;
    assert_eq!(wire.ack().await, 3);

    let after = host(&server, &agent).await;
    assert_eq!((after.applied_version, after.desired_version), (1, 1));
    drop(wire);
    let mut wire = agent.dial().await.unwrap();
    wire.say(Up::Hello(v1::Hello {
        applied,
        ..agent.greeting()
    }))
    .await;
    assert!(matches!(wire.hear().await, Ok(Some(Down::Welcome(_)))));
    // The init was not accepted, so it comes again; nothing comes before it.
    assert!(matches!(wire.hear().await, Ok(Some(Down::Command(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_from_its_order_to_its_end() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;

    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;
    let Some(Order::Backup(backup)) = &command.command else {
        panic!("{command:?}")
    };
    assert_eq!(
        (backup.job_id.clone(), backup.paths.as_slice()),
        (id.to_string(), &["/etc".to_owned()][..])
    );
    assert!(command.ttl.unwrap().seconds > 800 && command.session_epoch == 1);
    assert_eq!(job(&server, id).await.job.state.phase(), Phase::Sent);
    wire.answer(&command, CommandOutcome::Accepted).await;
    wire.report(4, vec![started(id), running(id)]).await;
    assert_eq!(wire.ack().await, 5);
    assert_eq!(job(&server, id).await.job.state.phase(), Phase::Running);

    wire.say(Up::Progress(v1::JobProgress {
        job_id: id.to_string(),
        total_bytes: 200,
        bytes_done: 50,
        ..v1::JobProgress::default()
    }))
    .await;
    wire.say(Up::LogChunk(log_chunk(&id.to_string(), 1, &["one", "two"])))
        .await;
    let credit = credit(&mut wire).await;
    assert_eq!((credit.job_id, credit.next_line), (id.to_string(), 3));
    assert!(credit.bytes > 0);
    let shown = job(&server, id).await;
    assert_eq!(shown.progress.and_then(|progress| progress.percent_done()), Some(25));
    assert_eq!(shown.log.lines, 2);

    let snapshot = "cd".repeat(32);
    let end = v1::JobFinished {
        summary: Some(v1::BackupSummary {
            snapshot_id: snapshot.clone(),
            files_new: 3,
            ..v1::BackupSummary::default()
        }),
        ..finished(id, JobOutcome::Succeeded)
    };
    wire.report(
        6,
        vec![listed(id, command.command.as_ref(), &snapshot), Event::JobFinished(end)],
    )
    .await;
    assert_eq!(wire.ack().await, 7);

    let ended = job(&server, id).await;
    assert_eq!((ended.job.state.phase(), ended.progress), (Phase::Succeeded, None));
    assert_eq!(
        ended.job.state.summary().unwrap().snapshot().unwrap().to_string(),
        snapshot
    );
    let host = host(&server, &agent).await;
    assert_eq!((host.snapshot_count, host.running_job_id), (1, None));
    assert_eq!(host.last_backup.unwrap().code.to_string(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_twice_are_applied_once() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;
    wire.answer(&command, CommandOutcome::Accepted).await;
    wire.report(4, vec![started(id), running(id)]).await;
    assert_eq!(wire.ack().await, 5);
    let version = job(&server, id).await.job.version;

    wire.report(4, vec![started(id), running(id)]).await;
    assert_eq!(wire.ack().await, 5);
    wire.report(
        5,
        vec![running(id), Event::JobFinished(finished(id, JobOutcome::Failed))],
    )
    .await;
    assert_eq!(wire.ack().await, 6);

    let after = job(&server, id).await.job;
    assert_eq!((after.version, after.state.phase()), (version + 1, Phase::Failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_ends_the_session_and_the_next_one_goes_on_from_what_is_committed() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;
    wire.answer(&command, CommandOutcome::Accepted).await;

    wire.report(5, vec![running(id)]).await;

    assert_eq!(wire.farewell().await.reason(), GoodbyeReason::ProtocolError);
    let (mut wire, welcome) = agent.connect().await;
    assert_eq!((welcome.acknowledged_seq, welcome.session_epoch), (3, 2));
    wire.report(4, vec![started(id), running(id)]).await;
    assert_eq!(wire.ack().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_outbox_begins_at_one() {
    let server = TestServer::start().await;
    let mut agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    drop(wire);

    agent.incarnation = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
    let (_, welcome) = agent.connect().await;

    assert_eq!(welcome.acknowledged_seq, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_not_accepted_comes_again_in_the_next_session() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    let before = wire.command().await;
    drop(wire);

    let (mut wire, _) = agent.connect().await;
    let again = wire.command().await;

    assert_eq!(again.command_id, before.command_id);
    assert_eq!((before.session_epoch, again.session_epoch), (1, 2));
    wire.answer(&again, CommandOutcome::Duplicate).await;
    let id = job_of(&again);
    wire.report(
        1,
        vec![started(id), Event::JobFinished(finished(id, JobOutcome::Succeeded))],
    )
    .await;
    assert_eq!(wire.ack().await, 2);
    assert_eq!(host(&server, &agent).await.repo_status, RepoStatus::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_ends_its_job_and_says_why() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;

    wire.answer(&command, CommandOutcome::Refused).await;
    wire.say(Up::Heartbeat(v1::Heartbeat {})).await;

    let ended = until_ended(&server, id).await;
    assert_eq!(ended.job.state.phase(), Phase::Refused);
    assert!(
        ended
            .job
            .state
            .error(domain::job::JobKind::Backup)
            .unwrap()
            .contains("too many jobs wait")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_ends_as_cancelled_when_its_host_says_so() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;
    wire.answer(&command, CommandOutcome::Accepted).await;
    wire.report(4, vec![started(id), running(id)]).await;
    assert_eq!(wire.ack().await, 5);
    let operator = server.caller(Role::Operator).await;

    let asked = server.app.cancel_job(&operator, id).await.unwrap();
    let cancel = wire.command().await;
    wire.answer(&cancel, CommandOutcome::Accepted).await;
    wire.report(6, vec![Event::JobFinished(finished(id, JobOutcome::Cancelled))])
        .await;
    assert_eq!(wire.ack().await, 6);

    assert_eq!((asked.job.state.phase(), job_of(&cancel)), (Phase::Running, id));
    let ended = job(&server, id).await.job.state;
    let by = Actor::User(operator.user().unwrap().id);
    assert!(
        matches!(ended, JobState::Cancelled { by: who, confirmed: true, .. } if who == by),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_wait_wake_the_sessions_of_their_hosts_only() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    assert_eq!(server.app.redeliver_commands().await.unwrap(), 0);
    drop(wire);
    until(async || !server.app.sessions().connected(agent.host)).await;
    run_backup(&server, &agent).await;

    let without_session = server.app.redeliver_commands().await.unwrap();
    // A session that was opened in the database and has not looked yet.
    let _seat = server.app.sessions().enter(agent.host, 99, &"boot-1".into()).unwrap();
    let with_session = server.app.redeliver_commands().await.unwrap();

    assert_eq!((without_session, with_session), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_session_takes_over_and_the_older_one_writes_nothing() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut older, _) = agent.connect().await;
    make_repository(&server, &mut older).await;

    let (mut newer, welcome) = agent.connect().await;

    assert_eq!(welcome.session_epoch, 2);
    assert_eq!(older.farewell().await.reason(), GoodbyeReason::Superseded);
    assert!(server.app.sessions().connected(agent.host));
    let id = run_backup(&server, &agent).await;
    assert_eq!(job_of(&newer.command().await), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_stream_does_not_make_a_host_offline_but_silence_does() {
    let server = TestServer::start_with(&[("RM_OFFLINE_AFTER", "5s")], Arc::new(SystemClock)).await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (wire, welcome) = agent.connect().await;
    assert_eq!(welcome.heartbeat_interval.unwrap().seconds, 1);

    let dropped = Instant::now();
    drop(wire);
    until(async || !server.app.sessions().connected(agent.host)).await;

    assert_eq!(host(&server, &agent).await.status, HostStatus::Online);
    until(async || host(&server, &agent).await.status == HostStatus::Offline).await;
    assert!(dropped.elapsed() >= Duration::from_secs(5), "{:?}", dropped.elapsed());
    let (_wire, _) = agent.connect().await;
    assert_eq!(host(&server, &agent).await.status, HostStatus::Online);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_gives_hosts_time_to_come_back() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (wire, _) = agent.connect().await;
    drop(wire);
    until(async || !server.app.sessions().connected(agent.host)).await;
    clock.advance(Duration::from_mins(10));

    let soon_after = server
        .app
        .sweep_silent_hosts(clock.now().saturating_sub(Duration::from_secs(89)))
        .await;
    let later = server
        .app
        .sweep_silent_hosts(clock.now().saturating_sub(Duration::from_secs(91)))
        .await;

    assert_eq!((soon_after.unwrap(), later.unwrap()), (0, 1));
    assert_eq!(host(&server, &agent).await.status, HostStatus::Offline);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_time_is_over_ends_its_job() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;
    assert_eq!(server.app.expire_commands().await.unwrap(), 0);

    clock.advance(Duration::from_mins(16));
    server.app.expire_commands().await.unwrap();

    assert_eq!(job(&server, id).await.job.state.phase(), Phase::Expired);
    // The acceptance was under way: the host's word counts.
    wire.answer(&command, CommandOutcome::Accepted).await;
    wire.report(
        4,
        vec![started(id), Event::JobFinished(finished(id, JobOutcome::Succeeded))],
    )
    .await;
    assert_eq!(wire.ack().await, 5);
    assert_eq!(job(&server, id).await.job.state.phase(), Phase::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_or_no_log_ends_the_session() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await.to_string();
    let bomb = zstd::encode_all(vec![0_u8; 4 * 1024 * 1024].as_slice(), 19).unwrap();
    let with = |lines_zstd: Vec<u8>| v1::LogChunk {
        lines_zstd,
        ..log_chunk(&id, 1, &["x"])
    };
    for (name, chunk) in [
        ("too large", with(vec![7; 300 * 1024])),
        ("no zstd", with(b"garbage".to_vec())),
        ("a bomb", with(bomb)),
        ("no records", with(zstd::encode_all(&b"\xff\xff\xff"[..], 1).unwrap())),
        ("a line too long", log_chunk(&id, 1, &["x".repeat(17_000).as_str()])),
        (
            "wrong count",
            v1::LogChunk {
                line_count: 2,
                ..log_chunk(&id, 1, &["x"])
            },
        ),
    ] {
        let (mut wire, _) = agent.connect().await;

        wire.say(Up::LogChunk(chunk)).await;

        assert_eq!(wire.farewell().await.reason(), GoodbyeReason::ProtocolError, "{name}");
    }
    assert_eq!(job(&server, id.parse().unwrap()).await.log.lines, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_cannot_touch_the_job_of_another() {
    let server = TestServer::start().await;
    let victim = server.agent("web-01", local_repository("web-01")).await;
    let (mut of_victim, _) = victim.connect().await;
    make_repository(&server, &mut of_victim).await;
    let id = run_backup(&server, &victim).await;
    let command = of_victim.command().await;
    let attacker = server.agent("web-02", WantedRepository::None).await;
    let (mut wire, _) = attacker.connect().await;
    let before = job(&server, id).await;

    wire.answer(&command, CommandOutcome::Refused).await;
    wire.say(Up::LogChunk(log_chunk(&id.to_string(), 1, &["forged"]))).await;
    wire.say(Up::Progress(v1::JobProgress {
        job_id: id.to_string(),
        ..v1::JobProgress::default()
    }))
    .await;
    let forged = listed(id, command.command.as_ref(), &"ef".repeat(32));
    wire.report(
        1,
        vec![
            started(id),
            forged,
            Event::JobFinished(finished(id, JobOutcome::Failed)),
        ],
    )
    .await;

    // It is told that all was taken, so that it does not send it again.
    assert_eq!(credit(&mut wire).await.next_line, 2);
    assert_eq!(wire.ack().await, 3);
    assert_eq!(job(&server, id).await, before);
    assert_eq!(host(&server, &victim).await.snapshot_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_kept_once_and_in_order() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;
    wire.answer(&command, CommandOutcome::Accepted).await;
    let text = id.to_string();

    for (first_line, lines, next_line) in [
        (1, vec!["a", "b"], 3),
        (1, vec!["a", "b"], 3),
        (2, vec!["b", "c"], 3),
        (3, vec!["c"], 4),
        (9, vec!["i"], 10),
    ] {
        wire.say(Up::LogChunk(log_chunk(&text, first_line, &lines))).await;

        assert_eq!(credit(&mut wire).await.next_line, next_line, "{first_line}");
    }
    let log = job(&server, id).await.log;
    assert_eq!((log.lines, log.truncated), (9, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_repository_at_the_place_of_the_known_one_holds_back_backups() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let id = run_backup(&server, &agent).await;
    let command = wire.command().await;
    wire.answer(&command, CommandOutcome::Accepted).await;

    let end = v1::JobFinished {
        restic_repository_id: "ee".repeat(32),
        ..finished(id, JobOutcome::Succeeded)
    };
    wire.report(4, vec![started(id), Event::JobFinished(end)]).await;
    assert_eq!(wire.ack().await, 5);

    let status = host(&server, &agent).await.repo_status;
    assert_eq!(
        status.detail().map(|detail| detail.to_string()).as_deref(),
        Some("repository_replaced")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_does_not_read_is_cut_and_gets_everything_in_its_next_session() {
    let server = TestServer::start().await;
    let mut agent = server.agent("web-01", local_repository("web-01")).await;
    let direct = server.agents;
    let connection = agent.through_proxy().await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&server, &mut wire).await;
    let begun = Instant::now();

    // Far more than the windows and the queue hold.
    let mut ordered = Vec::new();
    for number in 0..6 {
        let paths: Vec<String> = (0..256).map(|path| format!("/{number}/{path:0>900}")).collect();
        ordered.push(run_backup_of(&server, &agent, &paths).await);
    }
    until(async || !server.app.sessions().connected(agent.host)).await;

    assert!(begun.elapsed() >= Duration::from_secs(10), "{:?}", begun.elapsed());
    let closed = tokio::time::timeout(Duration::from_secs(10), connection).await;
    assert!(closed.is_ok(), "the connection stands, with all that was not read");
    agent.dials(direct);
    let (mut again, _) = agent.connect().await;
    for id in ordered {
        assert_eq!(job_of(&again.command().await), id);
    }
    drop(wire);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_protocol_is_told_so() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let mut wire = agent.dial().await.unwrap();

    wire.say(Up::Hello(v1::Hello {
        protocol_min: 0,
        protocol_max: 0,
        ..agent.greeting()
    }))
    .await;

    let refused = wire.hear().await.unwrap_err();
    assert_eq!(
        (refused.code(), grpc::code(&refused).as_str()),
        (Code::FailedPrecondition, "protocol_too_old")
    );
    assert!(refused.message().contains("Update the agent"), "{refused:?}");
    assert!(
        refused.message().contains("/help/errors#protocol_too_old"),
        "{refused:?}"
    );
    assert_eq!(host(&server, &agent).await.status, HostStatus::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_certificate_opens_no_session() {
    let server = TestServer::start().await;
    let nobody = server
        .agent("web-01", WantedRepository::None)
        .await
        .without_certificate();

    let refused = nobody.dial().await.err().map(|status| status.code());

    assert_eq!(refused, Some(Code::Unauthenticated));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_when_to_come_back() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (mut wire, _) = agent.connect().await;
    let begun = Instant::now();

    let (goodbye, _directory) = tokio::join!(wire.farewell(), server.stop());

    assert_eq!(goodbye.reason(), GoodbyeReason::Shutdown);
    assert!(goodbye.retry_after.unwrap().seconds <= 2, "{goodbye:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hosts_with_one_repository_only_one_makes_it() {
    let server = TestServer::start().await;
    let first = server.agent("web-01", local_repository("web-01")).await;
    let (mut maker, _) = first.connect().await;
    let init = maker.command().await;
    let repository = host(&server, &first).await.repository_id.unwrap();
    let second = server.agent("web-02", WantedRepository::Known(repository)).await;
    let (mut other, _) = second.connect().await;
    assert_eq!(host(&server, &second).await.repo_status, RepoStatus::Pending);

    maker.answer(&init, CommandOutcome::Accepted).await;
    let id = job_of(&init);
    maker
        .report(
            1,
            vec![started(id), Event::JobFinished(finished(id, JobOutcome::Succeeded))],
        )
        .await;

    assert!(matches!(other.command().await.command, Some(Order::Probe(_))));
}

// What tests say and look for.

async fn make_repository(server: &TestServer, wire: &mut Wire) {
    let init = wire.command().await;
    let id = job_of(&init);
    wire.answer(&init, CommandOutcome::Accepted).await;
    wire.report(
        1,
        vec![
            started(id),
            running(id),
            Event::JobFinished(finished(id, JobOutcome::Succeeded)),
        ],
    )
    .await;
    assert_eq!(wire.ack().await, 3);
    assert_eq!(job(server, id).await.job.state.phase(), Phase::Succeeded);
}

async fn run_backup(server: &TestServer, agent: &Agent) -> JobId {
    run_backup_of(server, agent, &["/etc".to_owned()]).await
}

async fn run_backup_of(server: &TestServer, agent: &Agent, paths: &[String]) -> JobId {
    let operator = server.caller(Role::Operator).await;
    let run = RunJob {
        host: agent.host,
        work: Work::Backup(Sources::Paths(BackupPaths::parse(paths).unwrap())),
        queue_if_offline: false,
    };
    server.app.run_job(&operator, run).await.unwrap().job.id
}

async fn job(server: &TestServer, id: JobId) -> JobView {
    server.app.get_job(&system(), id).await.unwrap().0
}

async fn host(server: &TestServer, agent: &Agent) -> HostView {
    server.app.get_host(&system(), agent.host).await.unwrap()
}

async fn until_ended(server: &TestServer, id: JobId) -> JobView {
    until(async || job(server, id).await.job.state.is_terminal()).await;
    job(server, id).await
}

async fn credit(wire: &mut Wire) -> v1::LogCredit {
    wire.hear_until(|heard| {
        if let Down::LogCredit(credit) = heard {
            Some(credit)
        } else {
            None
        }
    })
    .await
}

fn job_of(command: &v1::Command) -> JobId {
    let id = match command.command.as_ref().unwrap() {
        Order::Backup(order) => &order.job_id,
        Order::Init(order) => &order.job_id,
        Order::Probe(order) => &order.job_id,
        Order::Snapshots(order) => &order.job_id,
        Order::Unlock(order) => &order.job_id,
        Order::Stats(order) => &order.job_id,
        Order::Cancel(order) => &order.job_id,
    };
    id.parse().unwrap()
}

fn started(id: JobId) -> Event {
    Event::JobStarted(v1::JobStarted {
        job_id: id.to_string(),
        ..v1::JobStarted::default()
    })
}

fn running(id: JobId) -> Event {
    Event::JobPhaseChanged(v1::JobPhaseChanged {
        job_id: id.to_string(),
        phase: v1::JobPhase::Running.into(),
    })
}

fn finished(id: JobId, outcome: JobOutcome) -> v1::JobFinished {
    v1::JobFinished {
        job_id: id.to_string(),
        outcome: outcome.into(),
        result_code: "exit_1".to_owned(),
        exit_code: Some(1),
        restic_repository_id: RESTIC_ID.to_owned(),
        ..v1::JobFinished::default()
    }
}

/// A list of one snapshot, in the repository of the command.
fn listed(id: JobId, command: Option<&Order>, snapshot: &str) -> Event {
    let Some(Order::Backup(backup)) = command else {
        panic!("{command:?}")
    };
    Event::SnapshotReport(v1::SnapshotReport {
        job_id: id.to_string(),
        repository_id: backup.repository_id.clone(),
        part: 0,
        last: true,
        snapshots: vec![v1::SnapshotInfo {
            id: snapshot.to_owned(),
            time: "2026-05-01T02:00:00Z".to_owned(),
            hostname: "web-01".to_owned(),
            paths: vec!["/etc".to_owned()],
            ..v1::SnapshotInfo::default()
        }],
    })
}

fn stamp(heard: Down) -> Option<v1::AppliedState> {
    let (kind, version, hash) = if let Down::SetCredentials(set) = heard {
        (v1::DesiredKind::Credentials, set.version, set.hash)
    } else if let Down::SetSettings(set) = heard {
        (v1::DesiredKind::Settings, set.version, set.hash)
    } else if let Down::SetTrustBundle(set) = heard {
        (v1::DesiredKind::TrustBundle, set.version, set.hash)
    } else {
        return None;
    };
    Some(v1::AppliedState {
        kind: kind.into(),
        version,
        hash,
    })
}
