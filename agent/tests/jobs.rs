//! Jobs with the real restic, from the command to the end as the server hears of it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use proto::agent::v1;
use proto::agent::v1::event::Event;
use support::eventually;
use support::host::{Host, backup, backup_command, credentials, id, init, probe, provide, snapshots};
use support::server::FakeServer;

const PASSWORD: &str = "repository-canary-1";

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_makes_a_snapshot_that_restic_confirms() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;
    let source = files(host.path(), 50);

    server.command(&id(1), init(&id(1))).await;
    let made = server.finished(&id(1)).await;
    server.command(&id(2), backup(&id(2), &[&source])).await;
    let saved = server.finished(&id(2)).await;

    assert_eq!((made.result_code.as_str(), made.exit_code), ("ok", Some(0)));
    assert_eq!(made.restic_repository_id.len(), 64);
    assert_eq!((saved.result_code.as_str(), saved.message.as_str()), ("ok", ""));
    let summary = saved.summary.clone().unwrap();
    assert_eq!((summary.files_new, summary.total_files_processed), (50, 50));
    assert_eq!(
        server.story(&id(2)),
        ["started", "running", "finalizing", "snapshots", "finished"]
    );
    assert!(server.look(|record| record.progress.iter().any(|progress| progress.job_id == id(2))));
    let listed = confirmed(&restic, &repository, PASSWORD);
    assert!(listed.contains(&summary.snapshot_id), "{listed}");
    assert!(
        listed.contains("\"web-1\"") && listed.contains("\"default\""),
        "{listed}"
    );
    let reported = server.look(|record| {
        record.events.iter().find_map(|event| match event {
            Event::SnapshotReport(report) if report.job_id == id(2) && report.last => Some(report.snapshots.clone()),
            _ => None,
        })
    });
    assert_eq!(reported.unwrap()[0].id, summary.snapshot_id);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_whole_when_the_end_arrives() {
    let Some(_) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;
    let source = files(host.path(), 3);

    server.command(&id(1), init(&id(1))).await;
    server.finished(&id(1)).await;
    server.command(&id(2), backup(&id(2), &[&source])).await;
    let finished = server.finished(&id(2)).await;

    let heard = server.look(|record| record.heard.clone());
    let end = heard.iter().rposition(|what| what == "finished ok").unwrap();
    assert!(
        heard[..end]
            .iter()
            .any(|what| *what == format!("log through {}", finished.log_lines)),
        "{heard:#?}"
    );
    let log = server.log(&id(2));
    assert!(log.contains(" saved: 3 files new"), "{log}");
    assert!(!log.contains("message_type"), "{log}");
    let spool = host.spool(&id(2));
    eventually("an empty spool", || (!spool.exists()).then_some(())).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_there_is_adopted_if_the_password_opens_it() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    run(&restic, &repository, PASSWORD, &["init"]);
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;

    server.command(&id(1), init(&id(1))).await;
    let adopted = server.finished(&id(1)).await;
    provide(
        &server,
        credentials(2, repository.to_str().unwrap(), "another password"),
    )
    .await;
    server.command(&id(2), init(&id(2))).await;
    let refused = server.finished(&id(2)).await;

    assert_eq!(adopted.result_code, "ok");
    assert_eq!(adopted.restic_repository_id.len(), 64);
    assert_eq!(
        (refused.result_code.as_str(), refused.exit_code),
        ("wrong_password", Some(12))
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_tells_what_is_wrong() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;

    server.command(&id(1), probe(&id(1))).await;
    let missing = server.finished(&id(1)).await;
    run(&restic, &repository, PASSWORD, &["init"]);
    server.command(&id(2), probe(&id(2))).await;
    let found = server.finished(&id(2)).await;
    provide(&server, credentials(2, "rest:http://127.0.0.1:1/", PASSWORD)).await;
    server.command(&id(3), probe(&id(3))).await;
    let unreachable = server.finished(&id(3)).await;

    assert_eq!(missing.result_code, "repo_missing");
    assert_eq!(
        (found.result_code.as_str(), found.restic_repository_id.len()),
        ("ok", 64)
    );
    assert_eq!(unreachable.result_code, "unreachable");
    assert!(unreachable.message.contains("127.0.0.1:1"), "{}", unreachable.message);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_repository_in_the_place_of_the_known_one_is_not_used() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    run(&restic, &repository, PASSWORD, &["init"]);
    let running = host.start();
    server.until_session(1).await;
    let mut set = credentials(1, repository.to_str().unwrap(), PASSWORD);
    set.repositories[0].restic_repository_id = "ab".repeat(32);
    provide(&server, set).await;

    let source = files(host.path(), 3);
    for (number, command) in [
        (1, probe(&id(1))),
        (2, init(&id(2))),
        (3, backup(&id(3), &[&source])),
        (4, snapshots(&id(4))),
    ] {
        server.command(&id(number), command).await;
        let replaced = server.finished(&id(number)).await;

        assert_eq!(replaced.result_code, "repository_replaced", "{number}");
        assert_eq!(replaced.restic_repository_id.len(), 64);
        assert_ne!(replaced.restic_repository_id, "ab".repeat(32));
        let story = server.story(&id(number));
        assert!(!story.contains(&"snapshots"), "{number}: {story:?}");
    }
    assert_eq!(confirmed(&restic, &repository, PASSWORD).trim(), "[]");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_known_repository_is_looked_at_once_before_each_backup() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    run(&restic, &repository, PASSWORD, &["init"]);
    let config = run(&restic, &repository, PASSWORD, &["cat", "config"]);
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let running = host.start();
    server.until_session(1).await;
    let mut set = credentials(1, repository.to_str().unwrap(), PASSWORD);
    set.repositories[0].restic_repository_id = config["id"].as_str().unwrap().to_owned();
    provide(&server, set).await;
    let source = files(host.path(), 3);

    server.command(&id(1), backup(&id(1), &[&source])).await;
    let saved = server.finished(&id(1)).await;

    assert_eq!(saved.result_code, "ok");
    assert_eq!(
        server.story(&id(1)),
        ["started", "running", "finalizing", "snapshots", "finished"]
    );
    let log = server.log(&id(1));
    assert_eq!(log.matches("reads the config").count(), 1, "{log}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_source_is_an_issue_and_none_left_a_failure() {
    let Some(_) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;
    let source = files(host.path(), 3);
    let absent = host.path().join("absent");
    server.command(&id(1), init(&id(1))).await;
    server.finished(&id(1)).await;

    server.command(&id(2), backup(&id(2), &[&source, &absent])).await;
    let some = server.finished(&id(2)).await;
    server.command(&id(3), backup(&id(3), &[&absent])).await;
    let none = server.finished(&id(3)).await;

    assert_eq!((some.result_code.as_str(), some.issue_count), ("issues", 1));
    assert_eq!(some.outcome, i32::from(v1::JobOutcome::Warning));
    assert_eq!(some.issues[0].item, absent.to_str().unwrap());
    assert_eq!(some.summary.unwrap().snapshot_id.len(), 64);
    assert_eq!(none.result_code, "source_missing");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_files_are_in_no_snapshot() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;
    files(host.path(), 3);
    server.command(&id(1), init(&id(1))).await;
    server.finished(&id(1)).await;

    server.command(&id(2), backup(&id(2), &[host.path()])).await;
    let whole = server.finished(&id(2)).await;
    let state = host.places.state_dir().to_owned();
    server.command(&id(3), backup(&id(3), &[&state])).await;
    let own = server.finished(&id(3)).await;

    assert_eq!(whole.result_code, "ok");
    let listed = run(&restic, &repository, PASSWORD, &["ls", "latest"]);
    assert!(listed.contains("/source/file-1"), "{listed}");
    for name in ["secrets.enc", "secrets.key", "state.redb", "identity", "spool", "cache"] {
        assert!(!listed.contains(&format!("/state/{name}")), "{name} in {listed}");
    }
    assert_eq!(own.result_code, "invalid_value");
    assert!(own.message.contains("belongs to the agent"), "{}", own.message);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn excludes_and_a_listing_beside_a_backup() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;
    let source = files(host.path(), 3);
    server.command(&id(1), init(&id(1))).await;
    server.finished(&id(1)).await;

    let command = v1::BackupCommand {
        excludes: vec!["file-2".to_owned()],
        ..backup_command(&id(2), &[&source])
    };
    server.command(&id(2), v1::command::Command::Backup(command)).await;
    server.command(&id(3), snapshots(&id(3))).await;
    let saved = server.finished(&id(2)).await;
    let listed = server.finished(&id(3)).await;

    assert_eq!((saved.result_code.as_str(), listed.result_code.as_str()), ("ok", "ok"));
    assert_eq!(
        server.story(&id(3)),
        ["started", "running", "finalizing", "snapshots", "finished"]
    );
    let content = run(&restic, &repository, PASSWORD, &["ls", "latest"]);
    assert!(content.contains("file-1") && !content.contains("file-2"), "{content}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_in_no_argument_environment_file_log_or_message() {
    let Some(_) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    ready(&server, &repository, PASSWORD).await;
    let source = files(host.path(), 200);
    server.command(&id(1), init(&id(1))).await;
    let watch = Watch::begin(host.path());
    server.finished(&id(1)).await;

    server.command(&id(2), backup(&id(2), &[&source])).await;
    let finished = server.finished(&id(2)).await;

    let seen = watch.end();
    assert!(seen.processes >= 2, "the watch saw too little: {seen:?}");
    assert_eq!(seen.found, [""; 0]);
    assert_eq!(finished.result_code, "ok");
    assert!(!server.log(&id(2)).contains(PASSWORD));
    running.stop().await;
    assert_nowhere(host.places.state_dir(), PASSWORD);
}

/// Looks at every process that works below a directory until it is told to end.
struct Watch {
    stop: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<Seen>,
}

#[derive(Debug)]
struct Seen {
    processes: usize,
    found: Vec<String>,
}

impl Watch {
    fn begin(directory: &Path) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel();
        let place = directory.to_str().unwrap().to_owned();
        let thread = std::thread::spawn(move || {
            let mut known = std::collections::BTreeSet::new();
            let mut found = Vec::new();
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                    let path = entry.path();
                    let read = |name: &str| {
                        let content = std::fs::read(path.join(name)).unwrap_or_default();
                        String::from_utf8_lossy(&content).into_owned()
                    };
                    let (arguments, environment) = (read("cmdline"), read("environ"));
                    // Of this test only what the agent started: its own arguments and environment name the place.
                    if !environment.contains(&place) && !arguments.contains(&place) {
                        continue;
                    }
                    known.insert(path.clone());
                    if arguments.contains(PASSWORD) || environment.contains(PASSWORD) {
                        found.push(arguments);
                    }
                }
            }
            Seen {
                processes: known.len(),
                found,
            }
        });
        Self { stop, thread }
    }

    fn end(self) -> Seen {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

/// The installed restic. Without it the test is skipped, but not where everything is tested.
fn restic() -> Option<PathBuf> {
    let found = std::env::var_os("RM_RESTIC").map(PathBuf::from).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|directory| directory.join("restic"))
            .find(|path| path.exists())
    });
    if found.is_none() {
        skipped();
    }
    found
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn skipped() {
    assert!(
        std::env::var_os("CI").is_none(),
        "restic is not installed: apt-get install restic"
    );
    eprintln!("skipped: restic is not installed (package restic)");
}

async fn provided() -> (FakeServer, Host, PathBuf) {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let repository = host.path().join("repository");
    (server, host, repository)
}

async fn ready(server: &FakeServer, repository: &Path, password: &str) {
    server.until_session(1).await;
    provide(server, credentials(1, repository.to_str().unwrap(), password)).await;
}

fn files(directory: &Path, count: usize) -> PathBuf {
    let source = directory.join("source");
    std::fs::create_dir(&source).unwrap();
    for number in 1..=count {
        std::fs::write(
            source.join(format!("file-{number}")),
            format!("content {number}\n").repeat(100),
        )
        .unwrap();
    }
    source
}

fn confirmed(restic: &Path, repository: &Path, password: &str) -> String {
    run(restic, repository, password, &["snapshots", "--json"])
}

fn run(restic: &Path, repository: &Path, password: &str, args: &[&str]) -> String {
    let output = Command::new(restic)
        .args(["--no-cache", "--repo"])
        .arg(repository)
        .args(args)
        .env("RESTIC_PASSWORD", password)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn assert_nowhere(directory: &Path, canary: &str) {
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
