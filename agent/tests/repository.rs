//! Looking after a repository with the real restic: making it anew, its locks, its size.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::eventually;
use support::host::{Host, backup, credentials, id, provide, reinit, stats, unlock};
use support::server::FakeServer;

const PASSWORD: &str = "repository-canary-1";

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_anew_where_none_is_and_nowhere_else() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = provided().await;
    let running = host.start();
    server.until_session(1).await;
    // The known one is gone, so what is made cannot be it.
    let mut set = credentials(1, repository.to_str().unwrap(), PASSWORD);
    set.repositories[0].restic_repository_id = "ab".repeat(32);
    provide(&server, set).await;

    server.command(&id(1), reinit(&id(1))).await;
    let made = server.finished(&id(1)).await;
    server.command(&id(2), reinit(&id(2))).await;
    let refused = server.finished(&id(2)).await;

    assert_eq!(made.result_code, "ok");
    let config: serde_json::Value = serde_json::from_str(&run(&restic, &repository, &["cat", "config"])).unwrap();
    assert_eq!(made.restic_repository_id, config["id"].as_str().unwrap());
    assert_eq!(refused.result_code, "location_not_empty");
    assert_eq!(refused.restic_repository_id, "");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_shown_with_its_owner_and_removed_when_it_was_left_behind() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = made(&restic).await;
    let running = host.start();
    ready(&server, &repository).await;
    let mut holder = hold_lock(&restic, &repository).await;
    let pid = holder.id();

    server.command(&id(2), unlock(&id(2), false)).await;
    let while_held = server.finished(&id(2)).await;
    holder.kill().unwrap();
    holder.wait().unwrap();
    server.command(&id(3), unlock(&id(3), false)).await;
    let left_behind = server.finished(&id(3)).await;
    server.command(&id(4), unlock(&id(4), false)).await;
    let none = server.finished(&id(4)).await;

    let held = while_held.unlock.unwrap();
    assert_eq!(
        (while_held.result_code.as_str(), held.removed.len(), held.left.len()),
        ("ok", 0, 1)
    );
    assert_eq!((held.left[0].pid, held.left[0].exclusive), (pid, false));
    assert!(!held.left[0].hostname.is_empty() && !held.left[0].since.is_empty());
    let gone = left_behind.unlock.unwrap();
    assert_eq!((gone.removed.len(), gone.left.len()), (1, 0));
    assert_eq!((gone.removed[0].pid, gone.removed[0].id.len()), (pid, 64));
    let log = server.log(&id(3));
    let shown = log.find(&format!("of process {pid}")).expect("the owner is shown");
    let removed = log.find("removes locks").expect("restic is run");
    assert!(shown < removed && log.contains("minutes ago"), "{log}");
    assert_eq!(none.unlock.unwrap(), proto::agent::v1::UnlockSummary::default());
    assert_eq!(locks(&repository), 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_locks_go_when_that_is_asked_for() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = made(&restic).await;
    let running = host.start();
    ready(&server, &repository).await;
    let mut holder = hold_lock(&restic, &repository).await;

    server.command(&id(2), unlock(&id(2), true)).await;
    let removed = server.finished(&id(2)).await;

    assert_eq!(removed.result_code, "ok");
    assert_eq!(removed.unlock.unwrap().removed.len(), 1);
    assert_eq!(locks(&repository), 0);
    holder.kill().unwrap();
    holder.wait().unwrap();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_measured() {
    let Some(restic) = restic() else { return };
    let (server, host, repository) = made(&restic).await;
    let running = host.start();
    ready(&server, &repository).await;
    let source = host.path().join("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("one"), "text ".repeat(20_000)).unwrap();
    std::fs::write(source.join("two"), "text ".repeat(20_000)).unwrap();
    server.command(&id(2), backup(&id(2), &[&source])).await;
    server.finished(&id(2)).await;
    let mut holder = hold_lock(&restic, &repository).await;

    server.command(&id(3), stats(&id(3))).await;
    let counted = server.finished(&id(3)).await;

    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(counted.result_code, "ok");
    let stats = counted.stats.unwrap();
    assert_eq!((stats.restore_size, stats.snapshot_count), (Some(200_000), Some(1)));
    let (raw, uncompressed) = (stats.raw_size.unwrap(), stats.uncompressed_size.unwrap());
    assert!(raw < uncompressed && uncompressed < 200_000, "{stats:?}");
    assert!(stats.locks_known && stats.locks.len() == 1, "{stats:?}");
    assert!(!server.log(&id(3)).contains("total_size"));
    running.stop().await;
}

/// A restic that waits for data and holds a lock meanwhile.
async fn hold_lock(restic: &Path, repository: &Path) -> Child {
    let child = Command::new(restic)
        .args(["--no-cache", "--quiet", "--repo"])
        .arg(repository)
        .args(["backup", "--stdin"])
        .env("RESTIC_PASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("a lock", || (locks(repository) == 1).then_some(())).await;
    child
}

fn locks(repository: &Path) -> usize {
    std::fs::read_dir(repository.join("locks")).unwrap().count()
}

async fn provided() -> (FakeServer, Host, PathBuf) {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let repository = host.path().join("repository");
    (server, host, repository)
}

/// With a repository that is there already.
async fn made(restic: &Path) -> (FakeServer, Host, PathBuf) {
    let (server, host, repository) = provided().await;
    run(restic, &repository, &["init"]);
    (server, host, repository)
}

async fn ready(server: &FakeServer, repository: &Path) {
    server.until_session(1).await;
    provide(server, credentials(1, repository.to_str().unwrap(), PASSWORD)).await;
}

/// The installed restic. Without it the test is skipped, but not where everything is tested.
fn restic() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .map(|directory| directory.join("restic"))
        .find(|path| path.exists());
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

fn run(restic: &Path, repository: &Path, args: &[&str]) -> String {
    let output = Command::new(restic)
        .args(["--no-cache", "--repo"])
        .arg(repository)
        .args(args)
        .env("RESTIC_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
