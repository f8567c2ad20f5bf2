//! What can go wrong with a backup: each case ends with its documented code and a sentence that says what to do.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::Path;

use restic_manager_integration_tests::process::Process;
use restic_manager_integration_tests::{Fleet, Host, Repository, fake_restic, ports, restics, wait};
use serde_json::{Value, json};

#[test]
fn a_repository_that_another_restic_holds_is_locked_until_that_has_ended() {
    // A later one waits for ten minutes before it gives up.
    let Some(oldest) = restics::all().and_then(|all| all.into_iter().next()) else {
        return;
    };
    let fleet = Fleet::start();
    let Some(repository) = Repository::on_rest_server(fleet.directory(), "repository") else {
        return;
    };
    let settings = format!("restic_path: {}\n", oldest.program.display());
    let host = fleet.enroll("web-1", &repository.fields(), &settings);
    host.is_ready();
    assert_eq!(host.back_up(&[&fleet.large_file(4)])["result_code"], "ok");
    let mut check = repository.restic();
    check.args(["check", "--read-data", "--limit-download", "64"]);
    let mut holder = Process::start(
        "the restic that holds the lock",
        check,
        &fleet.directory().join("check.log"),
    );
    wait::until("the lock", wait::SHORTLY, || {
        (!repository.locks().is_empty()).then_some(())
    });

    let locked = host.back_up(&[&fleet.data()]);
    holder.stop();
    let next = host.back_up(&[&fleet.data()]);

    failed(&locked, "repo_locked");
    assert!(
        locked["error"].as_str().unwrap().contains("is removed by unlock"),
        "{locked:#}"
    );
    assert_eq!(next["result_code"], "ok", "{next:#}");
}

#[test]
fn a_wrong_password_is_told_and_the_right_one_mends_it() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    repository.init();
    let mut stranger = repository.clone();
    stranger.password = "another password".to_owned();

    let host = fleet.enroll("web-1", &stranger.fields(), "");

    let seen = host.becomes("told that the password is wrong", |host| {
        host["repo_status_detail"] == "wrong_password"
    });
    assert_eq!(seen["health"], "failing");
    let probe = host.run(&json!({ "kind": "probe" }));
    failed(&probe, "wrong_password");
    host.set_credentials(&json!({ "repo_password": repository.password }));
    host.is_ready();
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
}

#[test]
fn a_repository_that_has_gone_is_missing_and_not_made_anew() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let host = fleet.host("web-1", &repository);
    fs::remove_dir_all(&repository.url).unwrap();

    let job = host.back_up(&[&fleet.data()]);

    failed(&job, "repo_missing");
    host.becomes("told that the repository is missing", |host| {
        host["repo_status"] == "error" && host["repo_status_detail"] == "repo_missing"
    });
    assert!(!Path::new(&repository.url).join("config").exists());
}

#[test]
fn a_repository_that_was_replaced_gets_nothing_until_an_admin_has_confirmed_it() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let host = fleet.host("web-1", &repository);
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
    fs::remove_dir_all(&repository.url).unwrap();
    repository.init();

    let job = host.back_up(&[&fleet.data()]);

    failed(&job, "repository_replaced");
    assert!(
        job["error"].as_str().unwrap().contains("nothing was written"),
        "{job:#}"
    );
    assert_eq!(repository.snapshot_ids(), [""; 0]);
    let refused = host.ask(&json!({ "kind": "backup", "args": [fleet.data()] }));
    assert_eq!(refused.refusal(), (409, "repository_replaced".to_owned()));
    let path = format!("/api/repositories/{}", host.get()["repository_id"].as_str().unwrap());
    let shown = fleet.admin.get(&path).ok();
    let found = &shown["replacements"][0]["restic_repository_id"];
    assert_ne!(found, &shown["restic_repository_id"]);
    // What was listed of the old one stays until a list of the new one takes its place.
    assert_eq!(host.snapshots().len(), 1);

    let confirm = json!({ "restic_repository_id": found });
    fleet.admin.post(&format!("{path}/confirm-replaced"), &confirm).ok();
    host.is_ready();

    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
    assert_eq!(repository.snapshot_ids().len(), 1);
    assert_eq!(host.snapshots().len(), 1);
}

#[test]
fn a_server_that_does_not_answer_is_unreachable() {
    let fleet = Fleet::start();
    let mut nobody = fleet.local_repository();
    nobody.url = format!("rest:http://127.0.0.1:{}/nobody", ports::free());

    let host = fleet.enroll("web-1", &nobody.fields(), "");

    let seen = host.becomes("told that nobody answers", |host| host["repo_status"] == "init_failed");
    assert_eq!(seen["repo_status_detail"], "unreachable");
    failed(&host.run(&json!({ "kind": "probe" })), "unreachable");
    let refused = host.ask(&json!({ "kind": "backup", "args": [fleet.data()] }));
    assert_eq!(refused.refusal(), (409, "repository_not_ready".to_owned()));
}

#[test]
fn a_login_that_the_server_refuses_is_denied() {
    let fleet = Fleet::start();
    let Some(mut repository) = Repository::on_rest_server(fleet.directory(), "repository") else {
        return;
    };
    repository.backend_password = "not the login".to_owned();

    let host = fleet.enroll("web-1", &repository.fields(), "");

    host.becomes("told that access is denied", |host| {
        host["repo_status"] == "init_failed"
    });
    failed(&host.run(&json!({ "kind": "probe" })), "access_denied");
}

#[test]
fn sources_that_do_not_exist_are_issues_and_all_missing_is_a_failure() {
    let fleet = Fleet::start();
    let host = fleet.host("web-1", &fleet.local_repository());
    let gone = fleet.directory().join("gone");

    let some = host.back_up(&[&fleet.data(), &gone]);
    let all = host.back_up(&[&gone]);

    with_issue(&some, &gone);
    failed(&all, "source_missing");
    assert_eq!(host.snapshots().len(), 1);
}

#[test]
fn a_path_that_is_none_is_refused_before_there_is_a_job() {
    let fleet = Fleet::start();
    let host = fleet.host("web-1", &fleet.local_repository());

    for path in ["srv/data", "--password-command=id", "/srv/../etc", "/srv/\0"] {
        let refused = host.ask(&json!({ "kind": "backup", "args": [path] }));

        assert_eq!(refused.refusal(), (400, "invalid_path".to_owned()), "{path}");
    }
    let jobs = fleet
        .admin
        .get(&format!("/api/hosts/{}/jobs?kind=backup", host.id))
        .ok();
    assert_eq!(jobs, json!([]));
}

#[test]
fn a_source_that_cannot_be_read_is_an_issue_and_the_snapshot_exists() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let host = fleet.host("web-1", &repository);
    // Readable by nobody, not even by root: nothing is mapped where reading begins.
    let unreadable = format!("/proc/{}/mem", std::process::id());

    let job = host.back_up(&[&fleet.data(), Path::new(&unreadable)]);

    with_issue(&job, Path::new(&unreadable));
    assert_eq!(job["exit_code"], 3);
    assert_eq!(json!(repository.snapshot_ids()), json!([job["summary"]["snapshot_id"]]));
    assert_eq!(host.get()["last_backup_status"], "issues");
}

#[test]
fn a_host_without_restic_says_so() {
    let fleet = Fleet::start();

    let host = fleet.enroll(
        "web-1",
        &fleet.local_repository().fields(),
        "restic_path: /nowhere/restic\n",
    );

    cannot_back_up(&host, "restic_missing");
    assert_eq!(host.get()["restic_version"], "");
}

#[test]
fn a_host_with_an_old_restic_says_so() {
    let fleet = Fleet::start();
    let old = fake_restic::of_version(fleet.directory(), "0.9.6");

    let settings = format!("restic_path: {}\n", old.display());
    let host = fleet.enroll("web-1", &fleet.local_repository().fields(), &settings);

    cannot_back_up(&host, "restic_too_old");
    assert_eq!(host.get()["restic_version"], "0.9.6");
}

/// The repository could not be made for this reason, and asking again says the same.
fn cannot_back_up(host: &Host, code: &str) {
    let seen = host.becomes("without a repository", |host| host["repo_status"] == "init_failed");
    assert_eq!(seen["repo_status_detail"], code);
    assert_eq!(seen["health"], "failing");
    failed(&host.run(&json!({ "kind": "init" })), code);
}

/// It failed with this code, says in sentences what that means and what to do, and then what was reported.
#[track_caller]
fn failed(job: &Value, code: &str) {
    assert_eq!(
        (&job["status"], &job["result_code"]),
        (&json!("failed"), &json!(code)),
        "{job:#}"
    );
    let error = job["error"].as_str().unwrap_or_default();
    let (advice, reported) = error.split_once(" Reported: ").unwrap_or((error, ""));
    assert!(advice.contains(". ") && advice.ends_with('.'), "{code}: {error:?}");
    assert!(!reported.is_empty(), "{code}: {error:?}");
}

/// It saved what it could, and names what it could not.
#[track_caller]
fn with_issue(job: &Value, item: &Path) {
    assert_eq!(
        (&job["status"], &job["phase"]),
        (&json!("succeeded"), &json!("warning")),
        "{job:#}"
    );
    assert_eq!(
        (&job["with_issues"], &job["result_code"]),
        (&json!(true), &json!("issues"))
    );
    let issues = job["summary"]["issues"].as_array().unwrap();
    assert_eq!(
        (&job["summary"]["issue_count"], issues.len()),
        (&json!("1"), 1),
        "{job:#}"
    );
    assert_eq!(issues[0]["item"], json!(item));
    assert!(!issues[0]["message"].as_str().unwrap().is_empty());
}
