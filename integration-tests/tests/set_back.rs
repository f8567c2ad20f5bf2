//! A server that is restored from an older copy of its database: its hosts know better, and nothing is done twice.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::{Path, PathBuf};

use restic_manager_integration_tests::{Fleet, Repository, fleet, wait};
use serde_json::{Value, json};

#[test]
fn a_server_that_was_set_back_is_told_what_it_has_lost_and_runs_nothing_again() {
    let mut fleet = Fleet::start_with(&[], fleet::ADMIN_PASSWORD);
    let repository = fleet.local_repository();
    let mut host = fleet.host("web-1", &repository);
    let data = fleet.data();
    let known = host.back_up(&[&data]);
    host.agent.stop();
    let waiting = host.start_backup(&[&data]);
    assert_eq!(host.job(&waiting)["phase"], "queued");
    let copy = fleet.stop_and_copy();

    // What the copy does not know: that the job which waited has run, and another one.
    fleet.server.start_again();
    host.agent.start();
    let ran = host.end_of(&waiting);
    let after = host.back_up(&[&data]);
    let after_id = after["id"].as_str().unwrap();
    assert_eq!(
        (&known["result_code"], &ran["result_code"]),
        (&json!("ok"), &json!("ok"))
    );
    let snapshots = repository.snapshot_ids();
    assert_eq!(snapshots.len(), 3);
    host.becomes("listed", |host| host["snapshot_count"] == "3");
    fleet.stop_and_put_back(&copy);
    fleet.server.start_again();

    let again = host.end_of(&waiting);
    let adopted = wait::until("the job that was forgotten", wait::JOB, || {
        let answer = fleet.admin.get(&format!("/api/jobs/{after_id}"));
        (answer.status == 200)
            .then(|| answer.ok())
            .filter(|job| job["finished_at"].is_string())
    });

    assert_eq!(story(&again), story(&ran));
    assert_eq!(story(&adopted), story(&after));
    assert_eq!(adopted["actor_kind"], "host");
    host.becomes("listed again", |host| host["snapshot_count"] == "3");
    assert_eq!(repository.snapshot_ids(), snapshots, "nothing ran again");
    let mut actions = actions_about(&fleet, after_id);
    actions.retain(|action| action.starts_with("job."));
    assert_eq!(actions, ["job.adopted"]);
    // And all goes on as before.
    assert_eq!(host.back_up(&[&data])["result_code"], "ok");
    assert_eq!(repository.snapshot_ids().len(), 4);
    host.becomes("listed", |host| host["snapshot_count"] == "4");
}

#[test]
fn a_backup_that_runs_while_the_server_is_set_back_is_adopted_where_it_stands() {
    let mut fleet = Fleet::start();
    let Some(repository) = Repository::on_rest_server(fleet.directory(), "repository") else {
        return;
    };
    let host = fleet.host("web-1", &repository);
    host.update(json!({ "limit_upload_kib_s": 512 }));
    let large = fleet.large_file(6);
    host.becomes("told its limits", |host| {
        host["applied_version"] == host["desired_version"]
    });
    let copy = fleet.stop_and_copy();
    fleet.server.start_again();
    host.is_ready();

    let job = host.start_backup(&[&large]);
    host.job_becomes(&job, "running", |job| {
        job["phase"] == "running" && job["progress"].is_object()
    });
    fleet.stop_and_put_back(&copy);
    fleet.server.start_again();
    let adopted = wait::until("the job that was forgotten", wait::SHORTLY, || {
        let answer = fleet.admin.get(&format!("/api/jobs/{job}"));
        (answer.status == 200).then(|| answer.ok())
    });
    let ended = host.end_of(&job);

    assert_eq!(
        (&adopted["status"], &adopted["actor_kind"]),
        (&json!("running"), &json!("host"))
    );
    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    assert_eq!(
        json!(repository.snapshot_ids()),
        json!([ended["summary"]["snapshot_id"]])
    );
    assert_eq!(host.snapshots().len(), 1);
    // Also what the server had been told and forgot.
    let lines = host.log(&job);
    let numbers: Vec<&Value> = lines.iter().map(|line| &line["seq"]).collect();
    let expected: Vec<Value> = (1..=lines.len()).map(|number| json!(number.to_string())).collect();
    assert_eq!(numbers, expected.iter().collect::<Vec<_>>());
    assert_eq!(
        (&ended["log_lines"], &ended["log_truncated"]),
        (&json!(lines.len().to_string()), &json!(false))
    );
}

/// What happened, without what the server alone knew.
fn story(job: &Value) -> Value {
    let mut story = job.clone();
    let told = [
        "id",
        "host_id",
        "kind",
        "phase",
        "result_code",
        "started_at",
        "finished_at",
        "summary",
        "repository_id",
    ];
    story
        .as_object_mut()
        .unwrap()
        .retain(|field, _| told.contains(&field.as_str()));
    story
}

fn actions_about(fleet: &Fleet, job: &str) -> Vec<String> {
    let lines = fleet.admin.get(&format!("/api/audit?target={job}")).ok();
    let lines = lines.as_array().unwrap().iter();
    lines.map(|line| line["action"].as_str().unwrap().to_owned()).collect()
}

/// A fleet whose server can be set back.
trait SetBack {
    /// Stops the server and copies what it has.
    fn stop_and_copy(&mut self) -> PathBuf;

    /// Stops the server and puts a copy in the place of what it has.
    fn stop_and_put_back(&mut self, copy: &Path);
}

impl SetBack for Fleet {
    fn stop_and_copy(&mut self) -> PathBuf {
        self.server.stop();
        let copy = self.directory().join("copy");
        copy_files(&self.server.data(), &copy);
        copy
    }

    fn stop_and_put_back(&mut self, copy: &Path) {
        self.server.stop();
        for entry in fs::read_dir(self.server.data()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        copy_files(copy, &self.server.data());
    }
}

/// Copies the files of a directory, with their modes.
fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
