//! Hosts that are away, jobs that are cancelled, and programs that end at the wrong moment.

use std::fs;

use restic_manager_integration_tests::events::Event;
use restic_manager_integration_tests::{Fleet, Host, Repository, fleet, wait};
use serde_json::{Value, json};

/// The shortest silence after which a server calls a host offline.
const SOON_OFFLINE: &[(&str, &str)] = &[("RM_OFFLINE_AFTER", "5s")];

#[test]
fn a_backup_on_a_host_that_is_away_is_refused_or_waits_for_its_return() {
    let fleet = Fleet::start_with(SOON_OFFLINE, fleet::ADMIN_PASSWORD);
    let mut host = fleet.host("web-1", &fleet.local_repository());
    host.agent.stop();
    host.becomes("offline", |host| host["status"] == "offline");
    let backup = |queue: bool| json!({ "kind": "backup", "args": [fleet.data()], "queue_if_offline": queue });

    let refused = host.ask(&backup(false));
    let waiting = host.start(&backup(true));

    assert_eq!(refused.refusal(), (409, "host_offline".to_owned()));
    assert_eq!(host.job(&waiting)["status"], "queued");
    host.agent.start();
    assert_eq!(host.end_of(&waiting)["result_code"], "ok");
    assert_eq!(host.snapshots().len(), 1);
}

#[test]
fn a_job_that_its_host_has_not_got_is_cancelled_at_once() {
    let fleet = Fleet::start_with(SOON_OFFLINE, fleet::ADMIN_PASSWORD);
    let mut host = fleet.host("web-1", &fleet.local_repository());
    host.agent.stop();
    host.becomes("offline", |host| host["status"] == "offline");
    let job = host.start(&json!({ "kind": "backup", "args": [fleet.data()], "queue_if_offline": true }));

    let cancelled = cancel(&fleet, &job).ok();
    let again = cancel(&fleet, &job);
    host.agent.start();
    let next = host.becomes("back", |host| host["status"] == "online");

    assert_eq!(
        (&cancelled["status"], &cancelled["result_code"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
    assert_eq!(again.refusal(), (409, "job_already_finished".to_owned()));
    assert_eq!(next["snapshot_count"], "0");
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
    assert_eq!(host.snapshots().len(), 1, "the cancelled one did not run");
}

#[test]
fn a_running_backup_is_cancelled_and_leaves_no_lock() {
    let Some((fleet, repository, host)) = Fleet::slow() else {
        return;
    };
    let job = start_slowly(&fleet, &host);

    let asked = cancel(&fleet, &job).ok();
    let ended = host.end_of(&job);

    assert_eq!(
        (&asked["status"], &asked["cancel_requested"]),
        (&json!("running"), &json!(true))
    );
    assert_eq!(
        (&ended["status"], &ended["result_code"]),
        (&json!("cancelled"), &json!("cancelled")),
        "{ended:#}"
    );
    assert_eq!(repository.snapshot_ids(), Vec::<String>::new());
    // A lock of the cancelled one would make this one wait, and fail.
    host.update(json!({ "limit_upload_kib_s": 0 }));
    let next = host.back_up(&[&fleet.data()]);
    assert_eq!(next["result_code"], "ok");
    let too_late = cancel(&fleet, next["id"].as_str().unwrap());
    assert_eq!(too_late.refusal(), (409, "job_already_finished".to_owned()));
}

#[test]
fn a_job_waits_for_the_one_that_runs_and_can_be_cancelled_before() {
    let Some((fleet, repository, host)) = Fleet::slow() else {
        return;
    };
    let running = start_slowly(&fleet, &host);

    let waiting = host.start_backup(&[&fleet.data()]);
    host.job_becomes(&waiting, "waiting on its host", |job| job["phase"] == "accepted");
    cancel(&fleet, &waiting).ok();
    let cancelled = host.end_of(&waiting);

    assert_eq!(cancelled["result_code"], "cancelled");
    assert_eq!(host.job(&running)["status"], "running");
    host.update(json!({ "limit_upload_kib_s": 0 }));
    cancel(&fleet, &running).ok();
    assert_eq!(host.end_of(&running)["result_code"], "cancelled");
    assert_eq!(repository.snapshot_ids(), Vec::<String>::new());
}

#[test]
fn a_backup_whose_restic_somebody_kills_is_interrupted_and_leaves_no_lock() {
    let Some((fleet, repository, host)) = Fleet::slow() else {
        return;
    };
    let job = start_slowly(&fleet, &host);

    assert_eq!(host.agent.kill_restics(), 1);
    let ended = host.end_of(&job);

    assert_eq!(
        (&ended["status"], &ended["result_code"]),
        (&json!("failed"), &json!("interrupted")),
        "{ended:#}"
    );
    assert_eq!(repository.snapshot_ids(), Vec::<String>::new());
    assert_eq!(repository.locks(), Vec::<String>::new());
    host.update(json!({ "limit_upload_kib_s": 0 }));
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
}

#[test]
fn a_job_whose_files_find_their_place_taken_is_agent_failed_and_the_next_one_runs() {
    let Some((fleet, repository, host)) = Fleet::slow() else {
        return;
    };
    let running = start_slowly(&fleet, &host);
    let waiting = host.start_backup(&[&fleet.data()]);
    host.job_becomes(&waiting, "waiting on its host", |job| job["phase"] == "accepted");
    // Where restic's output belongs something lies already.
    let taken = host.agent.state().join("spool").join(&waiting).join("backup");
    fs::create_dir_all(&taken).unwrap();

    cancel(&fleet, &running).ok();
    let ended = host.end_of(&waiting);
    let next = host.back_up(&[&fleet.data()]);

    assert_eq!(
        (&ended["status"], &ended["result_code"]),
        (&json!("failed"), &json!("agent_failed")),
        "{ended:#}"
    );
    assert!(ended["error"].as_str().unwrap().contains("doctor"), "{ended:#}");
    assert_eq!(next["result_code"], "ok", "{next:#}");
    assert_eq!(
        json!(repository.snapshot_ids()),
        json!([next["summary"]["snapshot_id"]]),
        "nothing ran without a trace"
    );
}

#[test]
fn a_backup_outlives_its_agent_and_is_reported_by_the_next_one() {
    let Some((fleet, repository, mut host)) = Fleet::slow() else {
        return;
    };
    let job = start_slowly(&fleet, &host);

    host.agent.kill();
    host.agent.start();
    let ended = host.end_of(&job);

    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    assert_eq!(
        json!(repository.snapshot_ids()),
        json!([ended["summary"]["snapshot_id"]])
    );
    assert_eq!(host.snapshots().len(), 1);
}

#[test]
fn a_backup_of_a_host_that_has_forgotten_it_is_lost_and_the_host_goes_on() {
    let Some((fleet, _, mut host)) = Fleet::slow() else {
        return;
    };
    let job = start_slowly(&fleet, &host);

    // Somebody kills everything and removes what the agent knew of its work, as a disk from before the job would.
    host.agent.kill();
    host.agent.forget_work();
    host.agent.start();
    let ended = host.end_of(&job);

    assert_eq!(
        (&ended["status"], &ended["result_code"], &ended["phase"]),
        (&json!("failed"), &json!("lost"), &json!("lost")),
        "{ended:#}"
    );
    let audit = fleet.admin.get(&format!("/api/audit?target={job}")).ok();
    let actions: Vec<&Value> = audit.as_array().unwrap().iter().map(|line| &line["action"]).collect();
    assert!(actions.contains(&&json!("job.lost")), "{audit:#}");
    let next = host.back_up(&[&fleet.data()]);
    assert_eq!(next["result_code"], "ok", "{next:#}");
    assert_eq!(host.job(&job)["result_code"], "lost", "nobody knows more of it");
}

#[test]
fn a_backup_goes_on_while_the_server_is_away_and_its_whole_log_arrives() {
    let Some((mut fleet, repository, host)) = Fleet::slow() else {
        return;
    };
    let job = start_slowly(&fleet, &host);

    fleet.server.kill();
    wait::until("the snapshot", wait::JOB, || {
        (!repository.snapshot_ids().is_empty()).then_some(())
    });
    fleet.server.start_again();
    let ended = host.end_of(&job);

    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    assert_eq!(
        json!(repository.snapshot_ids()),
        json!([ended["summary"]["snapshot_id"]])
    );
    let events: Vec<Event> = fleet.admin.events(&format!("/api/jobs/{job}/stream"), None).collect();
    let log = events.iter().filter(|event| event.name == "log");
    let lines: Vec<Value> = log
        .flat_map(|event| event.data["lines"].as_array().cloned().unwrap())
        .collect();
    let numbers: Vec<String> = lines
        .iter()
        .map(|line| line["seq"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<String> = (1..=lines.len()).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
    assert_eq!(ended["log_lines"], json!(lines.len().to_string()));
}

/// Starts a backup that takes many seconds, and returns while restic runs.
fn start_slowly(fleet: &Fleet, host: &Host) -> String {
    let job = host.start_backup(&[&fleet.directory().join("large")]);
    host.job_becomes(&job, "running", |job| job["phase"] == "running");
    wait::until("the first upload", wait::JOB, || {
        host.job(&job)["progress"].is_object().then_some(())
    });
    job
}

fn cancel(fleet: &Fleet, job: &str) -> restic_manager_integration_tests::rest::Answer {
    fleet.admin.post(&format!("/api/jobs/{job}/cancel"), &json!({}))
}

/// A fleet whose host uploads slowly.
trait Slow: Sized {
    /// `None` without a rest-server: restic limits only what goes over the network.
    fn slow() -> Option<(Self, Repository, Host)>;
}

impl Slow for Fleet {
    fn slow() -> Option<(Self, Repository, Host)> {
        let fleet = Self::start();
        let repository = Repository::on_rest_server(fleet.directory(), "repository")?;
        let host = fleet.host("web-1", &repository);
        host.update(json!({ "limit_upload_kib_s": 512 }));
        fleet.large_file(6);
        host.becomes("told its limits", |host| {
            host["applied_version"] == host["desired_version"]
        });
        Some((fleet, repository, host))
    }
}
