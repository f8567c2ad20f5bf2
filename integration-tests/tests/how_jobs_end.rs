//! Ends of jobs that restic's own word does not explain: what the agent does not give restic, restics that say nothing or show no
//! result, and hosts that come too late.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use restic_manager_integration_tests::fake_time::FakeTime;
use restic_manager_integration_tests::{Fleet, Host, fleet};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn a_backup_of_the_agents_own_files_is_an_invalid_value() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let host = fleet.host("web-1", &repository);
    let identity = host.agent.state().join("identity");

    // Only the host knows where these lie.
    let job = host.back_up(&[&fleet.data(), &identity]);

    failed(&job, "invalid_value");
    assert!(job["error"].as_str().unwrap().contains("identity"), "{job:#}");
    assert_eq!(repository.snapshot_ids(), [""; 0]);
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
}

#[test]
fn a_location_that_only_the_server_takes_is_an_invalid_repo_url() {
    let fleet = Fleet::start();
    let mut remote = fleet.local_repository();
    remote.url = "rclone:remote:backups".to_owned();

    let host = fleet.enroll("web-1", &remote.fields(), "");

    let seen = host.becomes("without a repository", |host| host["repo_status"] == "init_failed");
    assert_eq!(seen["repo_status_detail"], "invalid_repo_url");
    failed(&host.run(&json!({ "kind": "probe" })), "invalid_repo_url");
}

#[test]
fn a_repository_is_made_anew_only_where_location_not_empty_is_not_the_answer() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let host = fleet.host("web-1", &repository);
    let place = Path::new(&repository.url);
    let away = fleet.directory().join("away");
    fs::rename(place, &away).unwrap();
    failed(&host.back_up(&[&fleet.data()]), "repo_missing");
    let anew = |host: &Host| {
        let path = format!("/api/hosts/{}/repo/reinit", host.id);
        let job = fleet.admin.post(&path, &json!({ "confirm_hostname": "web-1" })).ok();
        host.end_of(job["id"].as_str().unwrap())
    };

    // It was only not mounted.
    fs::rename(&away, place).unwrap();
    let refused = anew(&host);
    fs::remove_dir_all(place).unwrap();
    let made = anew(&host);

    failed(&refused, "location_not_empty");
    assert_eq!(made["result_code"], "ok", "{made:#}");
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
}

#[test]
fn a_restic_that_somebody_left_in_rehearsal_has_no_result() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let rehearsing = wrapper(
        fleet.directory(),
        "case \"$*\" in *' backup '*|'backup '*) exec restic --dry-run=true \"$@\" ;; *) exec restic \"$@\" ;; esac",
    );
    let settings = format!("restic_path: {}\n", rehearsing.display());
    let host = fleet.enroll("web-1", &repository.fields(), &settings);
    host.is_ready();

    let job = host.back_up(&[&fleet.data()]);

    failed(&job, "no_result");
    assert_eq!(job["exit_code"], 0, "{job:#}");
    assert_eq!(repository.snapshot_ids(), [""; 0]);
    assert_ne!(host.get()["health"], "healthy", "nothing was saved");
}

#[test]
fn a_storage_that_takes_connections_and_says_nothing_makes_jobs_timed_out() {
    let fleet = Fleet::start();
    // Its backlog takes connections, and nobody ever reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut repository = fleet.local_repository();
    repository.url = format!("rest:http://{}/stalled/", silent.local_addr().unwrap());
    let host = fleet.enroll("web-1", &repository.fields(), "");
    host.becomes("online", |host| host["status"] == "online");

    let probe = host.run(&json!({ "kind": "probe" }));

    failed(&probe, "timed_out");
    let error = probe["error"].as_str().unwrap();
    assert!(
        error.contains("within 60 s") && error.contains("storage's speed"),
        "{error}"
    );
}

#[test]
fn a_host_that_comes_too_late_finds_its_job_expired_and_does_not_run_it() {
    let directory = TempDir::with_prefix("restic-manager-test-").unwrap();
    let Some(clock) = FakeTime::new(directory.path()) else {
        return;
    };
    let mut settings = clock.variables().to_vec();
    // Nobody has to sign in again because of a day that passes.
    settings.extend([("RM_SESSION_TTL", "30d"), ("RM_OFFLINE_AFTER", "5s")]);
    let fleet = Fleet::start_with(&settings, fleet::ADMIN_PASSWORD);
    let repository = fleet.local_repository();
    let mut host = fleet.host("web-1", &repository);
    host.agent.stop();
    host.becomes("offline", |host| host["status"] == "offline");
    let job = host.start(&json!({ "kind": "backup", "args": [fleet.data()], "queue_if_offline": true }));

    clock.set("+25h");
    let expired = host.end_of(&job);
    host.agent.start();
    host.becomes("back", |host| host["status"] == "online");
    let next = host.back_up(&[&fleet.directory().join("home")]);

    failed(&expired, "expired");
    assert_eq!(next["result_code"], "ok", "{next:#}");
    assert_eq!(
        json!(repository.snapshot_ids()),
        json!([next["summary"]["snapshot_id"]]),
        "the expired one did not run"
    );
    assert_eq!(host.job(&job)["result_code"], "expired");
}

/// A program that somebody put before restic.
fn wrapper(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("restic-of-somebody");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// It failed with this code, and says in sentences what that means and what to do.
#[track_caller]
fn failed(job: &Value, code: &str) {
    assert_eq!(
        (&job["status"], &job["result_code"]),
        (&json!("failed"), &json!(code)),
        "{job:#}"
    );
    let error = job["error"].as_str().unwrap_or_default();
    assert!(error.contains(". ") && error.len() > 60, "{code}: {error:?}");
}
