//! What goes wrong around restic: it ignores signals, floods, is killed, is missing; the agent is killed.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::path::Path;
use std::time::Duration;

use proto::agent::v1;
use support::eventually;
use support::fake_restic::{FakeRestic, SUMMARY, calls};
use support::host::{Host, backup, backup_command, cancel, credentials, id, probe, provide};
use support::server::FakeServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_backup_ends_when_restic_says_goodbye() {
    let polite = FakeRestic {
        backup: "trap 'echo interrupted >&2; exit 130' INT; while :; do sleep 0.05; done".to_owned(),
        ..FakeRestic::default()
    };
    let (server, host) = with(&polite).await;
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;
    server.command(&id(2), cancel(&id(1))).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "cancelled");
    assert_eq!(finished.outcome, i32::from(v1::JobOutcome::Cancelled));
    assert_eq!(calls(host.path()), ["backup", "locks"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restic_that_ignores_signals_is_killed_and_its_lock_removed() {
    let stubborn = FakeRestic {
        backup: "trap '' INT TERM; while :; do sleep 0.05; done".to_owned(),
        locks: format!("echo {}", "ef".repeat(32)),
        ..FakeRestic::default()
    };
    let (server, host) = with(&stubborn).await;
    let running = host.start_with_grace(Duration::from_millis(300));
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;
    server.command(&id(2), cancel(&id(1))).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "cancelled");
    assert_eq!(finished.exit_code, None);
    assert_eq!(calls(host.path()), ["backup", "locks", "unlock"]);
    let log = server.log(&id(1));
    assert!(log.contains("told to terminate") && log.contains("was killed"), "{log}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beyond_its_time_is_stopped() {
    let slow = FakeRestic {
        backup: "trap 'exit 130' INT; while :; do sleep 0.05; done".to_owned(),
        ..FakeRestic::default()
    };
    let (server, host) = with(&slow).await;
    let running = host.start();
    ready(&server).await;

    let command = v1::BackupCommand {
        max_runtime: Some(pbjson_types::Duration {
            seconds: 0,
            nanos: 500_000_000,
        }),
        ..backup_command(&id(1), &[host.path()])
    };
    server.command(&id(1), v1::command::Command::Backup(command)).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "timed_out");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restic_that_somebody_kills_is_an_interrupted_job() {
    let killed = FakeRestic {
        backup: "kill -9 $$".to_owned(),
        ..FakeRestic::default()
    };
    let (server, host) = with(&killed).await;
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "interrupted");
    assert_eq!(calls(host.path()), ["backup", "locks"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_names_no_snapshot_is_none() {
    let silent = FakeRestic {
        backup: "exit 0".to_owned(),
        ..FakeRestic::default()
    };
    let (server, host) = with(&silent).await;
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(
        (finished.result_code.as_str(), finished.exit_code),
        ("no_result", Some(0))
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_itself_refuses_has_codes_of_its_own() {
    let (server, host) = with(&FakeRestic::default()).await;
    let running = host.start();
    ready(&server).await;
    // Something lies where restic's output should go.
    std::fs::create_dir_all(host.spool(&id(1)).join("backup")).unwrap();

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let failed = server.finished(&id(1)).await;
    provide(&server, credentials(2, "rest:ftp://backup.example.org/", "password")).await;
    server.command(&id(2), probe(&id(2))).await;
    let refused = server.finished(&id(2)).await;

    assert_eq!(failed.result_code, "agent_failed");
    assert_eq!(refused.result_code, "invalid_repo_url");
    assert_eq!(calls(host.path()), [""; 0]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_could_not_be_looked_for_is_looked_for_before_the_next_backup() {
    let killed = FakeRestic {
        backup: "kill -9 $$".to_owned(),
        locks: "exit 1".to_owned(),
        ..FakeRestic::default()
    };
    let (server, host) = with(&killed).await;
    let running = host.start();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    assert_eq!(server.finished(&id(1)).await.result_code, "interrupted");
    assert_eq!(calls(host.path()), ["backup", "locks"]);
    running.stop().await;
    let healthy = FakeRestic {
        locks: format!("echo {}", "ef".repeat(32)),
        ..FakeRestic::default()
    };
    healthy.install(host.path());

    let running = host.start();
    server.until_session(2).await;
    for number in [2, 3] {
        server.command(&id(number), backup(&id(number), &[host.path()])).await;
        assert_eq!(server.finished(&id(number)).await.result_code, "ok");
    }

    let later = calls(host.path()).split_off(2);
    assert_eq!(later, ["locks", "unlock", "backup", "snapshots", "backup", "snapshots"]);
    let log = server.log(&id(2));
    assert!(log.contains("an earlier job on this repository was cut off"), "{log}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_progress_of_a_short_job_is_not_swallowed_and_more_come_once_a_second() {
    let status = r#"echo '{"message_type":"status","percent_done":0.5,"total_files":2,"files_done":1,"total_bytes":10,"bytes_done":5}'"#;
    let chatty = FakeRestic {
        backup: format!("for n in $(seq 20); do {status}; sleep 0.1; done; {SUMMARY}"),
        ..FakeRestic::default()
    };
    let (server, host) = with(&chatty).await;
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.finished(&id(1)).await;

    let progress = server.look(|record| record.progress.clone());
    assert!((2..=4).contains(&progress.len()), "{}", progress.len());
    assert_eq!((progress[0].files_done, progress[0].bytes_done), (1, 5));
    assert!((progress[0].percent_done - 0.5).abs() < 1e-9);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_loses_log_and_not_the_result() {
    // About 48 MB on stderr, in lines of 4,000 bytes.
    let flood = FakeRestic {
        backup: format!("yes \"$(head -c 3990 /dev/zero | tr '\\0' x)\" | head -n 12000 | cat -n >&2; {SUMMARY}"),
        ..FakeRestic::default()
    };
    let (server, host) = with(&flood).await;
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "ok");
    assert!(finished.log_lines >= 12_000, "{}", finished.log_lines);
    let (lines, bytes) = server.look(|record| {
        let bytes: usize = record.log.values().map(|line| line.payload.len()).sum();
        (record.log.len(), bytes)
    });
    assert!((20 << 20..=32 << 20).contains(&bytes), "{bytes}");
    assert!(u64::try_from(lines).unwrap() < finished.log_lines);
    let log = server.log(&id(1));
    assert!(log.contains("snapshot abababab saved"), "the tail is there");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_restic_says_so_and_one_with_an_old_restic_too() {
    let old = FakeRestic {
        version: "0.12.1",
        ..FakeRestic::default()
    };
    let (server, host) = with(&old).await;
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let too_old = server.finished(&id(1)).await;
    std::fs::remove_file(host.path().join("fake-restic")).unwrap();
    server.command(&id(2), backup(&id(2), &[host.path()])).await;
    let missing = server.finished(&id(2)).await;

    assert_eq!(too_old.result_code, "restic_too_old");
    assert!(too_old.message.contains("0.12.1"), "{}", too_old.message);
    assert_eq!(missing.result_code, "restic_missing");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_program_is_a_missing_restic() {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let path = host.path().join("no-program");
    std::fs::write(&path, "text").unwrap();
    let host = host.with_restic(&path);
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), probe(&id(1))).await;

    assert_eq!(server.finished(&id(1)).await.result_code, "restic_missing");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_that_cannot_be_listed_do_not_fail_the_backup() {
    let (server, host) = with(&FakeRestic {
        snapshots: "echo 'this is no list'".to_owned(),
        ..FakeRestic::default()
    })
    .await;
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "ok");
    assert_eq!(server.story(&id(1)), ["started", "running", "finalizing", "finished"]);
    assert!(server.log(&id(1)).contains("could not be listed"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_outlives_the_agent_and_is_taken_up_by_the_next() {
    let patient = FakeRestic {
        backup: format!(
            "echo first >&2; sleep 0.5; echo second >&2; while [ ! -e \"${{LEDGER}}.go\" ]; do sleep 0.05; done; echo third >&2; {SUMMARY}"
        ),
        ..FakeRestic::default()
    };
    let (server, host) = with(&patient).await;
    let first = host.start_program();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;
    server
        .until("the second line", |record| {
            let mut lines = record.log.values();
            lines.any(|line| line.payload == "second").then_some(())
        })
        .await;

    // Within a second of the last note on how far the output was logged.
    first.kill();
    let second = host.start_program();
    server.until_session(2).await;
    std::fs::write(host.path().join("ledger.go"), "").unwrap();
    let finished = server.finished(&id(1)).await;

    assert_eq!((finished.result_code.as_str(), finished.exit_code), ("ok", Some(0)));
    assert_eq!(calls(host.path()), ["backup", "snapshots"], "restic was started twice");
    let log = server.log(&id(1));
    for line in ["first", "second", "runs on", "third"] {
        assert_eq!(log.matches(line).count(), 1, "{line} in {log}");
    }
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_ended_while_no_agent_was_there_is_reported_by_the_next() {
    let patient = FakeRestic {
        backup: format!(
            "while [ ! -e \"${{LEDGER}}.go\" ]; do sleep 0.05; done; {SUMMARY}; echo done > \"${{LEDGER}}.done\""
        ),
        ..FakeRestic::default()
    };
    let (server, host) = with(&patient).await;
    let first = host.start_program();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;

    first.kill();
    std::fs::write(host.path().join("ledger.go"), "").unwrap();
    let exit = host.spool(&id(1)).join("backup/exit.json");
    eventually("restic's end", || exit.exists().then_some(())).await;
    let second = host.start_program();
    let finished = server.finished(&id(1)).await;

    assert_eq!((finished.result_code.as_str(), finished.exit_code), ("ok", Some(0)));
    assert_eq!(calls(host.path()), ["backup", "snapshots"]);
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_processes_all_died_with_the_agent_is_interrupted() {
    let (server, host) = with(&FakeRestic {
        backup: "while :; do sleep 0.05; done".to_owned(),
        ..FakeRestic::default()
    })
    .await;
    let first = host.start_program();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;

    first.kill();
    kill_group(&host.spool(&id(1)).join("backup/pid.json")).await;
    let second = host.start_program();
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "interrupted");
    assert_eq!(calls(host.path()), ["backup", "locks"]);
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_cancelled_though_the_agent_was_killed_in_between() {
    let deaf = FakeRestic {
        backup: "trap 'exit 130' TERM; trap '' INT; while :; do sleep 0.05; done".to_owned(),
        ..FakeRestic::default()
    };
    let (server, host) = with(&deaf).await;
    let first = host.start_program();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;
    server.command(&id(2), cancel(&id(1))).await;
    server
        .until("the acceptance", |record| (record.acks.len() == 2).then_some(()))
        .await;

    first.kill();
    // The next agent gives up waiting sooner.
    let second = host.start_with_grace(Duration::from_millis(300));
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "cancelled");
    second.stop().await;
}

async fn with(restic: &FakeRestic) -> (FakeServer, Host) {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let path = restic.install(host.path());
    (server, host.with_restic(&path))
}

async fn ready(server: &FakeServer) {
    server.until_session(1).await;
    provide(server, credentials(1, "/srv/repo", "password")).await;
}

/// As the power going out does.
async fn kill_group(pid_file: &Path) {
    let ids: serde_json::Value = serde_json::from_slice(&std::fs::read(pid_file).unwrap()).unwrap();
    let pid = |who: &str| ids[who]["pid"].as_i64().unwrap();
    let (wrapper, restic) = (pid("wrapper"), pid("restic"));
    let status = std::process::Command::new("kill")
        .args(["-9", "--", &format!("-{wrapper}")])
        .status()
        .unwrap();
    assert!(status.success());
    // Nobody waits for a wrapper whose agent is gone, so both are gone when they are dead or zombies.
    eventually("their death", || {
        (![wrapper, restic].into_iter().any(is_alive)).then_some(())
    })
    .await;
}

fn is_alive(pid: i64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.starts_with(['Z', 'X']));
    state == Some(false)
}
