//! The main job with each version of restic that people have.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;

use restic_manager_integration_tests::restics::{self, Restic};
use restic_manager_integration_tests::{Fleet, Host, Repository, wait};
use serde_json::{Value, json};

#[test]
fn the_oldest_the_usual_and_the_newest_are_tried() {
    let Some(restics) = restics::all() else { return };

    let minors: Vec<u32> = restics.iter().map(Restic::minor).collect();

    assert!(
        matches!(minors.as_slice(), [14, 18, newest] if *newest >= 19),
        "{restics:?}"
    );
}

#[test]
fn every_version_makes_probes_saves_lists_counts_unlocks_and_fails_alike() {
    let Some(restics) = restics::all() else { return };
    let fleet = Fleet::start();
    for restic in restics {
        let name = format!("with-0-{}", restic.minor());
        let repository = Repository::local(fleet.directory(), &name);
        let settings = format!("restic_path: {}\n", restic.program.display());

        let host = fleet.enroll(&name, &repository.fields(), &settings);

        let seen = host.is_ready();
        assert_eq!(seen["restic_version"], restic.version);
        saves_and_lists(&fleet, &host, &repository, &restic);
        looks_after(&host, &restic);
        tells_a_wrong_password(&host, &repository, &restic);
    }
}

#[test]
fn every_version_is_cancelled_without_a_trace() {
    let Some(restics) = restics::all() else { return };
    let fleet = Fleet::start();
    fleet.large_file(6);
    for restic in restics {
        let name = format!("with-0-{}", restic.minor());
        // restic limits only what goes over the network.
        let Some(repository) = Repository::on_rest_server(fleet.directory(), &name) else {
            return;
        };
        let settings = format!("restic_path: {}\n", restic.program.display());
        let host = fleet.enroll(&name, &repository.fields(), &settings);
        host.is_ready();
        host.update(json!({ "limit_upload_kib_s": 512 }));
        host.becomes("told its limits", |host| {
            host["applied_version"] == host["desired_version"]
        });
        let job = host.start_backup(&[&fleet.directory().join("large")]);
        wait::until("the first upload", wait::JOB, || {
            host.job(&job)["progress"].is_object().then_some(())
        });

        fleet.admin.post(&format!("/api/jobs/{job}/cancel"), &json!({})).ok();

        let ended = host.end_of(&job);
        is(&ended, "cancelled", &restic);
        assert_eq!(repository.snapshot_ids(), [""; 0], "{}", restic.version);
        let unlock = host.run(&json!({ "kind": "unlock" }));
        let locks = json!({ "removed": [], "left": [] });
        assert_eq!(unlock["unlock"], locks, "{}: {unlock:#}", restic.version);
    }
}

/// A backup of something that is there and something that is not, and what the lists say of it.
fn saves_and_lists(fleet: &Fleet, host: &Host, repository: &Repository, restic: &Restic) {
    let gone = fleet.directory().join("gone");

    let saved = host.back_up(&[&fleet.data(), &gone]);
    let probed = host.run(&json!({ "kind": "probe" }));
    let listed = host.run(&json!({ "kind": "snapshots" }));

    is(&saved, "issues", restic);
    assert_eq!(saved["summary"]["issues"][0]["item"], json!(gone), "{saved:#}");
    assert_eq!(saved["summary"]["files_new"], "2", "{saved:#}");
    is(&probed, "ok", restic);
    is(&listed, "ok", restic);
    let snapshot = &saved["summary"]["snapshot_id"];
    assert_eq!(
        json!(repository.snapshot_ids()),
        json!([snapshot]),
        "{}",
        restic.version
    );
    assert_eq!(&host.snapshots()[0]["id"], snapshot, "{}", restic.version);
    assert_eq!(
        repository.dump(snapshot.as_str().unwrap(), &fleet.data().join("greeting")),
        "hello"
    );
    let all_gone = host.back_up(&[Path::new(&gone)]);
    is(&all_gone, "source_missing", restic);
}

fn looks_after(host: &Host, restic: &Restic) {
    let counted = host.run(&json!({ "kind": "stats" }));
    let unlocked = host.run(&json!({ "kind": "unlock" }));

    is(&counted, "ok", restic);
    is(&unlocked, "ok", restic);
}

fn tells_a_wrong_password(host: &Host, repository: &Repository, restic: &Restic) {
    host.set_credentials(&json!({ "repo_password": "another password" }));
    host.becomes("told that the password is wrong", |host| {
        host["repo_status_detail"] == "wrong_password"
    });
    is(&host.run(&json!({ "kind": "probe" })), "wrong_password", restic);
    host.set_credentials(&json!({ "repo_password": repository.password }));
    host.is_ready();
}

#[track_caller]
fn is(job: &Value, code: &str, restic: &Restic) {
    assert_eq!(job["result_code"], code, "restic {}: {job:#}", restic.version);
}
