//! Secrets that do not open: the server's master key, one stored password, an agent's copy. Each says what to do, and what
//! does not need it goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::Path;
use std::process::Command;

use restic_manager_integration_tests::{Fleet, Repository, process, services};
use serde_json::{Value, json};

#[test]
fn a_server_with_a_wrong_master_key_does_not_start_and_says_why() {
    let mut fleet = Fleet::start();
    let host = fleet.host("web-1", &fleet.local_repository());
    fleet.server.stop();
    let key = fleet.server.data().join("secret.key");
    let right = fs::read(&key).unwrap();
    let wrong: Vec<u8> = right.iter().map(|byte| byte ^ 0xff).collect();

    for damaged in [wrong.as_slice(), &right[..10], &[]] {
        fs::write(&key, damaged).unwrap();

        let ended = fleet.server.fails_to_start();

        assert!(
            ended.contains("RM_SECRET_KEY_FILE") && ended.contains("Put back"),
            "{ended}"
        );
        assert!(!ended.contains("panicked"), "{ended}");
        assert_eq!(fs::read(&key).unwrap(), damaged, "it is left as it is");
    }

    fs::write(&key, right).unwrap();
    fleet.server.start_again();
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
}

#[test]
fn a_stored_password_that_does_not_open_holds_up_its_repository_alone() {
    let Some(python) = services::given("RM_TEST_PYTHON", "Python") else {
        return;
    };
    let mut fleet = Fleet::start();
    let damaged = Repository::local(fleet.directory(), "damaged");
    let (mut one, other) = (
        fleet.host("web-1", &damaged),
        fleet.host("web-2", &fleet.local_repository()),
    );
    fleet.server.stop();
    let repository = "UPDATE repository_credentials SET sealed = zeroblob(64) WHERE repository_id = \
                      (SELECT id FROM repositories WHERE url LIKE '%/damaged')";
    let changed = change(
        Path::new(&python),
        &fleet.server.data().join("restic-manager.db"),
        repository,
    );
    fleet.server.start_again();

    // The agent keeps what it has.
    let kept = one.back_up(&[&fleet.data()]);
    // One that has lost it gets none.
    one.agent.stop();
    fs::remove_file(one.agent.state().join("secrets.enc")).unwrap();
    one.agent.start();
    let without = one.back_up(&[&fleet.data()]);
    let listed = fleet.admin.get("/api/repositories");
    let elsewhere = other.back_up(&[&fleet.data()]);
    one.set_credentials(&json!({ "repo_password": damaged.password }));
    let mended = one.becomes("mended", |host| host["applied_version"] == host["desired_version"]);
    let after = one.back_up(&[&fleet.data()]);

    assert_eq!(changed, 1);
    assert_eq!(kept["result_code"], "ok", "{kept:#}");
    failed_with(&without, "agent_secrets_unreadable");
    assert_eq!(listed.ok().as_array().unwrap().len(), 2);
    assert_eq!(elsewhere["result_code"], "ok", "{elsewhere:#}");
    assert_eq!(mended["status"], "online", "{mended:#}");
    assert_eq!(after["result_code"], "ok", "{after:#}");
    let log = fleet.server.log();
    assert!(log.contains("set them again"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn an_agent_whose_credentials_do_not_open_says_which_file_and_writes_over_nothing() {
    let fleet = Fleet::start();
    let host = fleet.host("web-1", &fleet.local_repository());
    let (sealed, key) = (
        host.agent.state().join("secrets.enc"),
        host.agent.state().join("secrets.key"),
    );
    let (whole, right) = (fs::read(&sealed).unwrap(), fs::read(&key).unwrap());
    let wrong: Vec<u8> = right.iter().map(|byte| byte ^ 0xff).collect();

    for (file, damage) in [
        (&sealed, &b""[..]),
        (&sealed, &whole[..20]),
        (&key, &wrong),
        (&key, &right[..7]),
    ] {
        fs::write(file, damage).unwrap();

        let job = host.back_up(&[&fleet.data()]);
        let doctor = process::run(host.agent.command().arg("doctor"));

        failed_with(&job, "agent_secrets_unreadable");
        let error = job["error"].as_str().unwrap();
        assert!(error.contains("secrets."), "{error}");
        let found = String::from_utf8(doctor.stdout).unwrap();
        let finding = found.lines().find(|line| line.contains("credentials ")).unwrap();
        assert!(
            finding.starts_with("BAD") && finding.contains("move it away"),
            "{found}"
        );
        assert_eq!(fs::read(file).unwrap(), damage, "it is left as it is");
        fs::write(&sealed, &whole).unwrap();
        fs::write(&key, &right).unwrap();
    }

    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
    assert!(!host.agent.log().contains("panicked"));
}

/// It failed for lack of credentials, and says what to do.
#[track_caller]
fn failed_with(job: &Value, code: &str) {
    assert_eq!(
        (&job["status"], &job["result_code"]),
        (&json!("failed"), &json!(code)),
        "{job:#}"
    );
    let error = job["error"].as_str().unwrap();
    assert!(error.contains("Set the repository's credentials again"), "{error}");
}

/// Changes rows of an SQLite file. Answers how many.
#[track_caller]
fn change(python: &Path, database: &Path, statement: &str) -> usize {
    let text = "import sqlite3, sys\n\
                database = sqlite3.connect(sys.argv[1])\n\
                print(database.execute(sys.argv[2]).rowcount)\n\
                database.commit()\n";
    let mut command = Command::new(python);
    command.args(["-c", text]).arg(database).arg(statement);
    process::stdout(&process::run(&mut command)).trim().parse().unwrap()
}
