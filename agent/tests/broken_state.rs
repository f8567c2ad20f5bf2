//! Files of the agent that are damaged: it says which and what to do, forgets nothing by itself, and runs nothing twice.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use support::fake_restic::{FakeRestic, SUMMARY, calls};
use support::host::{Host, backup, cancel, credentials, id, provide};
use support::server::FakeServer;

/// What a crash or a failing disk makes of a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Emptied,
    Truncated,
    Garbage,
}

const ALL: [Damage; 3] = [Damage::Emptied, Damage::Truncated, Damage::Garbage];

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_ends_the_agent_with_the_file_and_the_way_out() {
    let (server, host) = with(&FakeRestic::default()).await;
    let running = host.start();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.finished(&id(1)).await;
    running.stop().await;
    let state = host.path().join("state/state.redb");
    let whole = fs::read(&state).unwrap();

    for damage in ALL {
        damage.do_to(&state);
        let damaged = fs::read(&state).unwrap();

        let ended = run(&host).await;

        let said = said(&ended);
        assert_eq!(ended.status.code(), Some(1), "{damage:?}: {said}");
        assert!(
            said.contains("state.redb") && said.contains("move the file away"),
            "{said}"
        );
        assert!(!said.contains("panicked"), "{damage:?}: {said}");
        assert_eq!(fs::read(&state).unwrap(), damaged, "{damage:?}: it is left as it is");
    }

    // A whole one that is put back is gone on with: the command is not done again.
    fs::write(&state, whole).unwrap();
    let sessions = server.look(|record| record.hellos.len());
    let running = host.start();
    server.until_session(sessions + 1).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.command(&id(2), backup(&id(2), &[host.path()])).await;
    server.finished(&id(2)).await;
    assert_eq!(calls(host.path()).iter().filter(|call| *call == "backup").count(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_identity_ends_the_agent_and_enrolls_nothing() {
    let (server, host) = with(&FakeRestic::default()).await;
    for file in ["identity.json", "credential.pem"] {
        let path = host.path().join("state/identity/current").join(file);
        let whole = fs::read(&path).unwrap();
        for damage in ALL {
            damage.do_to(&path);

            let ended = run(&host).await;

            let said = said(&ended);
            assert_eq!(ended.status.code(), Some(1), "{damage:?}: {said}");
            assert!(said.contains(file), "{damage:?}: {said}");
            assert!(
                said.contains("restore it") && !said.contains("panicked"),
                "{damage:?}: {said}"
            );
        }
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(server.look(|record| record.hellos.len()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_identity_key_is_damaged_or_gone_goes_on_and_says_what_to_do() {
    for damage in [
        Some(Damage::Emptied),
        Some(Damage::Truncated),
        Some(Damage::Garbage),
        None,
    ] {
        let (server, host) = with(&FakeRestic::default()).await;
        let key = host.path().join("state/identity/host-key.pem");
        match damage {
            Some(damage) => damage.do_to(&key),
            None => fs::remove_file(&key).unwrap(),
        }
        let left = fs::read(&key).ok();

        let running = host.start();
        ready(&server).await;
        server.command(&id(1), backup(&id(1), &[host.path()])).await;
        let finished = server.finished(&id(1)).await;
        let found = doctor(&host).await;
        running.stop().await;

        assert_eq!(finished.result_code, "ok", "{damage:?}");
        assert_eq!(fs::read(&key).ok(), left, "{damage:?}: it is left as it is");
        let found = said(&found);
        let finding = found.lines().find(|line| line.contains("identity key")).unwrap();
        let names_the_way_out = finding.contains("host-key.pem") && finding.to_lowercase().contains("restore");
        assert!(
            finding.starts_with("BAD") && names_the_way_out && finding.contains("enroll"),
            "{damage:?}: {finding}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_files_are_damaged_goes_on_and_runs_once() {
    for (number, file) in [(1, "job.json"), (2, "backup/pid.json"), (3, "backup/offsets.json")] {
        for damage in [Damage::Emptied, Damage::Garbage] {
            let (server, host) = with(&patient()).await;
            let first = host.start_program();
            ready(&server).await;
            let job = id(number);
            server.command(&job, backup(&job, &[host.path()])).await;
            server.running(&job).await;

            first.kill();
            damage.do_to(&host.spool(&job).join(file));
            let second = host.start_program();
            server.until_session(2).await;
            fs::write(host.path().join("ledger.go"), "").unwrap();
            let finished = server.finished(&job).await;

            assert_eq!(finished.result_code, "ok", "{file} {damage:?}: {}", finished.message);
            let calls = calls(host.path());
            assert_eq!(
                calls,
                ["backup", "snapshots"],
                "{file} {damage:?}: restic was started twice"
            );
            drop(second);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_restic_is_known_by_its_output_alone_can_be_cancelled() {
    let (server, host) = with(&patient()).await;
    let first = host.start_program();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;

    first.kill();
    Damage::Emptied.do_to(&host.spool(&id(1)).join("backup/pid.json"));
    let second = host.start_program();
    server.until_session(2).await;
    server.command(&id(2), cancel(&id(1))).await;
    let finished = server.finished(&id(1)).await;

    assert_eq!(finished.result_code, "cancelled");
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_cannot_be_read_is_judged_by_what_restic_said() {
    let (server, host) = with(&FakeRestic {
        backup: format!(
            "while [ ! -e \"${{LEDGER}}.go\" ]; do sleep 0.05; done; {SUMMARY}; echo done > \"${{LEDGER}}.done\""
        ),
        ..FakeRestic::default()
    })
    .await;
    let first = host.start_program();
    ready(&server).await;
    server.command(&id(1), backup(&id(1), &[host.path()])).await;
    server.running(&id(1)).await;

    first.kill();
    fs::write(host.path().join("ledger.go"), "").unwrap();
    let exit = host.spool(&id(1)).join("backup/exit.json");
    support::eventually("restic's end", || exit.exists().then_some(())).await;
    Damage::Emptied.do_to(&exit);
    // What a crash in the middle of a write leaves.
    fs::write(host.path().join("state/spool/left.new"), "half").unwrap();
    fs::write(host.path().join("state/status.json.new"), "half").unwrap();
    let second = host.start_program();
    let finished = server.finished(&id(1)).await;

    assert!(
        ["ok", "issues"].contains(&finished.result_code.as_str()),
        "{finished:?}"
    );
    assert_eq!(calls(host.path()).iter().filter(|call| *call == "backup").count(), 1);
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_job_touches_no_other_one() {
    let (server, host) = with(&FakeRestic::default()).await;
    for name in ["00000000-0000-7000-8000-00000000dead", "no job at all"] {
        let stranger = host.path().join("state/spool").join(name);
        fs::create_dir_all(stranger.join("backup")).unwrap();
        fs::write(stranger.join("job.json"), "{").unwrap();
        fs::write(stranger.join("backup/pid.json"), "").unwrap();
    }
    let running = host.start();
    ready(&server).await;

    server.command(&id(1), backup(&id(1), &[host.path()])).await;

    assert_eq!(server.finished(&id(1)).await.result_code, "ok");
    running.stop().await;
}

impl Damage {
    fn do_to(self, path: &PathBuf) {
        let whole = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let damaged = match self {
            Self::Emptied => Vec::new(),
            Self::Truncated => whole[..whole.len() / 2].to_vec(),
            Self::Garbage => whole.iter().map(|byte| byte ^ 0xa5).collect(),
        };
        fs::write(path, damaged).unwrap();
    }
}

/// Runs until a file says that it may end.
fn patient() -> FakeRestic {
    FakeRestic {
        backup: format!(
            "trap 'exit 130' INT; echo first >&2; while [ ! -e \"${{LEDGER}}.go\" ]; do sleep 0.05; done; {SUMMARY}"
        ),
        ..FakeRestic::default()
    }
}

/// Runs the agent until it ends by itself.
async fn run(host: &Host) -> Output {
    output(host.command(&["run"])).await
}

async fn doctor(host: &Host) -> Output {
    output(host.command(&["doctor"])).await
}

async fn output(mut command: Command) -> Output {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn with(restic: &FakeRestic) -> (FakeServer, Host) {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let path = restic.install(host.path());
    (server, host.with_restic(&path))
}

async fn ready(server: &FakeServer) {
    server.until_session(1).await;
    provide(server, credentials(1, "/srv/repository", "secret")).await;
}
