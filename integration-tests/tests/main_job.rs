//! The main job: a host backs up, a person watches it live, and restic itself confirms the snapshot.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;

use restic_manager_integration_tests::events::Event;
use restic_manager_integration_tests::{Fleet, Host, Repository};
use serde_json::{Value, json};

#[test]
fn a_backup_into_a_local_repository_is_watched_live_and_restic_confirms_its_snapshot() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();

    let host = fleet.host("web-1", &repository);

    the_main_job(&fleet, &host, &repository);
}

#[test]
fn a_backup_into_an_append_only_rest_server_is_watched_live_and_restic_confirms_its_snapshot() {
    let fleet = Fleet::start();
    let Some(repository) = Repository::on_rest_server(fleet.directory(), "repository") else {
        return;
    };

    let host = fleet.host("web-1", &repository);

    the_main_job(&fleet, &host, &repository);
}

#[test]
fn a_repository_that_existed_before_is_adopted_with_its_snapshots() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    repository.init();
    let first = fleet.host("web-1", &repository);
    let before = first.back_up(&[&fleet.data()]);
    drop(first);

    // A second host shares it: no other init is tried, and each host sees its own snapshots only.
    let second = fleet.host("web-2", &repository);
    let after = second.back_up(&[&fleet.data()]);

    let ids = [snapshot_of(&before), snapshot_of(&after)];
    assert_eq!(repository.snapshot_ids(), ids);
    let listed: Vec<Value> = second
        .snapshots()
        .iter()
        .map(|snapshot| snapshot["id"].clone())
        .collect();
    assert_eq!(listed, [ids[1].clone()]);
}

#[test]
fn a_second_backup_knows_what_the_first_has_saved() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let host = fleet.host("web-1", &repository);
    let data = fleet.data();
    host.back_up(&[&data]);
    std::fs::write(data.join("new"), "just added").unwrap();

    let job = host.back_up(&[&data]);

    let summary = &job["summary"];
    assert_eq!(
        (&summary["files_new"], &summary["files_unmodified"]),
        (&json!("1"), &json!("2"))
    );
    assert_eq!(repository.dump(&snapshot_of(&job), &data.join("new")), "just added");
    assert_eq!(host.get()["snapshot_count"], "2");
}

/// What the product is for, from the request to the snapshot.
fn the_main_job(fleet: &Fleet, host: &Host, repository: &Repository) {
    let data = fleet.data();

    let job = host.start_backup(&[&data]);
    let events: Vec<Event> = fleet.admin.events(&format!("/api/jobs/{job}/stream"), None).collect();

    let end = the_stream_is_whole(&events);
    assert_eq!(end["id"], job.as_str());
    assert_eq!(
        (&end["status"], &end["result_code"], &end["error"]),
        (&json!("succeeded"), &json!("ok"), &json!(""))
    );
    assert_eq!(
        (&end["summary"]["files_new"], &end["exit_code"]),
        (&json!("2"), &json!(0))
    );
    the_log_is_kept(fleet, &job, &events);
    the_snapshot_is_the_one_that_restic_has(host, repository, end, &data);
    let seen = host.get();
    assert_eq!(
        (&seen["last_backup_status"], &seen["health"]),
        (&json!("ok"), &json!("ok"))
    );
    assert_eq!(
        (&seen["snapshot_count"], &seen["running_job_id"]),
        (&json!("1"), &Value::Null)
    );
}

/// States first, numbers and lines between them, the end last; the lines without a gap. Gives the job at its end.
fn the_stream_is_whole(events: &[Event]) -> &Value {
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(
        (names.first(), names.last()),
        (Some(&"state"), Some(&"end")),
        "{names:?}"
    );
    assert!(
        names.contains(&"progress"),
        "even a short backup shows its progress once: {names:?}"
    );
    let numbers: Vec<u64> = lines(events).iter().map(|line| number(&line["seq"])).collect();
    let expected: Vec<u64> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
    assert!(!numbers.is_empty(), "a backup has a log");
    &events.last().unwrap().data
}

/// The log's pages hold the lines that were streamed, and a stream that resumes gives what comes behind.
fn the_log_is_kept(fleet: &Fleet, job: &str, events: &[Event]) {
    let streamed = lines(events);
    let page = fleet.admin.get(&format!("/api/jobs/{job}/log")).ok();
    assert_eq!(page.as_array().unwrap(), &streamed);

    let last = events.iter().rev().find(|event| event.name == "log").unwrap();
    let resumed = fleet.admin.events(&format!("/api/jobs/{job}/stream"), Some(&last.id));
    let resumed: Vec<Event> = resumed.collect();
    assert_eq!(lines(&resumed), Vec::<Value>::new());
    assert_eq!(resumed.last().map(|event| event.name.as_str()), Some("end"));
}

fn the_snapshot_is_the_one_that_restic_has(host: &Host, repository: &Repository, job: &Value, data: &Path) {
    let id = snapshot_of(job);
    let listed = host.snapshots();
    let by_restic = repository.snapshots();
    assert_eq!((listed.len(), by_restic.len()), (1, 1));
    assert_eq!((&listed[0]["id"], &by_restic[0]["id"]), (&json!(id), &json!(id)));
    assert_eq!(listed[0]["paths"], by_restic[0]["paths"]);
    assert_eq!(listed[0]["paths"], json!([data]));
    assert_eq!(listed[0]["restic_host"], by_restic[0]["hostname"]);
    assert_eq!(
        (&listed[0]["file_count"], &listed[0]["size_bytes"]),
        (&json!("2"), &json!("11"))
    );
    assert_eq!(repository.dump(&id, &data.join("inner/answer")), "world!");
}

fn snapshot_of(job: &Value) -> String {
    let id = job["summary"]["snapshot_id"].as_str().unwrap_or_default();
    assert_eq!(id.len(), 64, "{job:#}");
    id.to_owned()
}

fn lines(events: &[Event]) -> Vec<Value> {
    let logs = events.iter().filter(|event| event.name == "log");
    logs.flat_map(|event| event.data["lines"].as_array().cloned().unwrap_or_default())
        .collect()
}

/// A 64-bit number, which JSON carries as text.
fn number(value: &Value) -> u64 {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{value} is no number"))
}
