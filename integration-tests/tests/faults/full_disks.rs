//! Disks that are full: the agent's, the server's and the repository's. Nothing acknowledged is lost, nothing runs twice, and
//! people are told what to do.

use std::path::PathBuf;
use std::time::Duration;

use restic_manager_integration_tests::agent::Agent;
use restic_manager_integration_tests::disk::Disk;
use restic_manager_integration_tests::fake_restic::{Ledger, NOTES};
use restic_manager_integration_tests::sampling::processor_time;
use restic_manager_integration_tests::{Fleet, Host, Repository, process, wait};
use serde_json::json;

/// The disk of an agent's state: its database and a little more.
const AGENT_KIB: u32 = 24 * 1024;
/// The disk of a server's data.
const SERVER_KIB: u32 = 24 * 1024;
/// The disk of a repository.
const REPOSITORY_KIB: u32 = 2 * 1024;
/// How long a disk stays full, so that trying again would show.
const FULL_FOR: Duration = Duration::from_secs(10);
/// What a program may spend on trying again meanwhile, in a debug build on a busy machine.
const IDLE: Duration = Duration::from_secs(3);

#[test]
fn a_backup_goes_on_while_the_agents_disk_is_full_and_its_log_says_what_is_missing() {
    let fleet = Fleet::start();
    let restic = Ledger::install_slow(fleet.directory());
    let Some((host, disk, repository)) = host_on_small_disk(&fleet, &restic) else {
        return;
    };
    let (source, next) = (fleet.data(), fleet.directory().join("home"));
    let job = host.start_backup(&[&source]);
    wait::until("the first lines", wait::JOB, || {
        (host.log(&job).len() > 3).then_some(())
    });

    disk.fill();
    wait::until("restic's end", wait::JOB, || {
        (Ledger::saved(&repository, &source) == 1).then_some(())
    });
    let status = process::run(host.agent.command().arg("status"));
    let doctor = process::run(host.agent.command().arg("doctor"));
    disk.free();
    let ended = host.end_of(&job);

    let said = String::from_utf8(status.stdout).unwrap();
    assert!(
        said.contains("disk       FULL") && said.contains("Free space there"),
        "{said}"
    );
    let found = String::from_utf8(doctor.stdout).unwrap();
    let finding = found.lines().find(|line| line.contains("disk ")).unwrap_or(&found);
    assert!(!doctor.status.success(), "{found}");
    assert!(
        finding.starts_with("BAD") && finding.contains("Free space there"),
        "{found}"
    );
    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    assert_eq!(Ledger::begun(&repository, &source), 1);
    let lines = host.log(&job);
    let notes = lines
        .iter()
        .filter(|line| line["payload"].as_str().is_some_and(|text| text.starts_with("note ")));
    let has_lost_lines = notes.count() < NOTES;
    let texts: Vec<&str> = lines.iter().filter_map(|line| line["payload"].as_str()).collect();
    // In words, or by a number that is not there.
    let says_so = texts.iter().any(|text| text.contains("missing")) || ended["log_truncated"] == true;
    assert!(has_lost_lines && says_so, "{ended:#}");
    assert!(!host.agent.log().contains("panicked"));
    assert_eq!(host.back_up(&[&next])["result_code"], "ok");
    let listed = host.snapshots();
    assert_eq!(listed.len(), 2);
    assert!(
        listed
            .iter()
            .any(|snapshot| snapshot["id"] == ended["summary"]["snapshot_id"]),
        "{listed:#?}"
    );
}

#[test]
fn an_agent_without_space_for_what_it_must_report_waits_for_it() {
    let fleet = Fleet::start();
    let restic = Ledger::install(fleet.directory());
    let Some((host, disk, repository)) = host_on_small_disk(&fleet, &restic) else {
        return;
    };
    let source = fleet.data();
    Ledger::add_snapshots(&repository, 3000);
    let job = host.start_backup(&[&source]);
    host.job_becomes(&job, "running", |job| job["phase"] == "running");

    // Restic's list fits, and then nothing more.
    disk.fill_but(1024);
    let told = wait::until("a word about the disk", wait::SHORTLY, || {
        let status = process::run(host.agent.command().arg("status"));
        let said = String::from_utf8(status.stdout).unwrap();
        said.contains("session    none: the disk of").then_some(said)
    });
    let over = wait::Deadline::after(FULL_FOR);
    let before = processor_time(host.agent.process_id());
    wait::until("the time to be over", FULL_FOR * 2, || over.is_over().then_some(()));
    let spent = processor_time(host.agent.process_id()).saturating_sub(before);
    let meanwhile = host.job(&job);
    disk.free();
    let ended = host.end_of(&job);

    assert!(told.contains("Free space there"), "{told}");
    assert!(spent < IDLE, "{spent:?}");
    assert_eq!(meanwhile["status"], "running", "{meanwhile:#}");
    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    assert_eq!(Ledger::begun(&repository, &source), 1);
    assert_eq!(host.get()["snapshot_count"], "3001");
    let log = host.agent.log();
    assert!(log.contains("the agent goes on") && !log.contains("panicked"), "{log}");
}

#[test]
fn a_job_for_a_host_whose_disk_is_full_is_refused_with_the_reason() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let mut agent = Agent::new(&fleet.directory().join("web-1"), "");
    let Some(disk) = agent.take_disk(AGENT_KIB) else {
        return;
    };
    let token = fleet.token("web-1", &repository.fields());
    let host = fleet.enroll_with("web-1", agent, &token);
    host.is_ready();
    let source = fleet.data();

    disk.fill();
    let refused = host.back_up(&[&source]);
    disk.free();
    let next = host.back_up(&[&source]);

    assert_eq!(
        (&refused["status"], &refused["result_code"]),
        (&json!("failed"), &json!("refused")),
        "{refused:#}"
    );
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("disk") && error.contains("full"), "{error}");
    assert_eq!(next["result_code"], "ok", "{next:#}");
    assert_eq!(
        json!(repository.snapshot_ids()),
        json!([next["summary"]["snapshot_id"]])
    );
}

#[test]
fn a_server_whose_disk_is_full_says_so_and_loses_nothing_that_agents_report() {
    let Some((fleet, disk)) = Fleet::start_on_disk(SERVER_KIB) else {
        return;
    };
    let restic = Ledger::install_slow(fleet.directory());
    let agent = Agent::new(&fleet.directory().join("web-1"), "");
    let (host, repository) = host_with_ledger(&fleet, agent, &restic);
    let source = fleet.data();
    let job = host.start_backup(&[&source]);
    host.job_becomes(&job, "running", |job| job["phase"] == "running");

    disk.fill();
    // What fits into space that the database has taken already is still written.
    let mut tokens = (0..5000).map(|number| {
        let body = json!({ "hostname": format!("host-{number}") });
        fleet.admin.post("/api/enrollment-tokens", &body)
    });
    let refused = tokens.find(|answer| answer.status != 200).unwrap();
    wait::until("restic's end", wait::JOB, || {
        (Ledger::saved(&repository, &source) == 1).then_some(())
    });
    let readiness = fleet.admin.get("/readyz");
    let over = wait::Deadline::after(FULL_FOR);
    let before = processor_time(fleet.server.process_id());
    wait::until("the time to be over", FULL_FOR * 2, || over.is_over().then_some(()));
    let spent = processor_time(fleet.server.process_id()).saturating_sub(before);
    let (listed, meanwhile) = (fleet.admin.get("/api/hosts"), host.job(&job));
    disk.free();
    let ended = host.end_of(&job);

    assert_eq!(refused.refusal(), (503, "storage_full".to_owned()));
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    assert_eq!(readiness.status, 503, "{readiness:?}");
    let said = readiness.json()["checks"]["database"].as_str().unwrap().to_owned();
    assert!(said.contains("free space"), "{said}");
    assert!(spent < IDLE, "{spent:?}");
    assert_eq!(listed.status, 200, "{listed:?}");
    assert_eq!(meanwhile["status"], "running", "{meanwhile:#}");
    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    wait::until("a server that is ready", wait::SHORTLY, || {
        (fleet.admin.get("/readyz").status == 200).then_some(())
    });
    let lines = host.log(&job);
    assert_eq!(ended["log_lines"], json!(lines.len().to_string()), "{ended:#}");
    assert_eq!(Ledger::begun(&repository, &source), Ledger::saved(&repository, &source));
    for log in [fleet.server.log(), host.agent.log()] {
        assert!(
            !log.contains("agent disconnected") && !log.contains("panicked"),
            "{log}"
        );
    }
}

#[test]
fn a_backup_to_a_full_disk_fails_with_no_space_and_the_way_out() {
    let fleet = Fleet::start();
    let place = fleet.directory().join("srv");
    let Some(disk) = Disk::mount(&place, REPOSITORY_KIB) else {
        return;
    };
    let repository = Repository::local(&place, "repository");
    let mut agent = Agent::new(&fleet.directory().join("web-1"), "");
    agent.see(&disk);
    let token = fleet.token("web-1", &repository.fields());
    let host = fleet.enroll_with("web-1", agent, &token);
    host.is_ready();
    let small = fleet.data();

    let failed = host.back_up(&[&fleet.large_file(8)]);
    let next = host.back_up(&[&small]);

    assert_eq!(
        (&failed["status"], &failed["result_code"]),
        (&json!("failed"), &json!("no_space")),
        "{failed:#}"
    );
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("Free space or raise the quota"), "{error}");
    // What the failed one left behind takes the space until a person prunes; either way the code is a documented one.
    assert!(
        next["result_code"] == "ok" || next["result_code"] == "no_space",
        "{next:#}"
    );
}

/// A host whose agent keeps its state on a small disk, and its repository, which is elsewhere.
fn host_on_small_disk(fleet: &Fleet, restic: &Ledger) -> Option<(Host, Disk, PathBuf)> {
    let mut agent = Agent::new(&fleet.directory().join("web-1"), "");
    let disk = agent.take_disk(AGENT_KIB)?;
    let (host, repository) = host_with_ledger(fleet, agent, restic);
    Some((host, disk, repository))
}

/// A host whose restic keeps a ledger, and its repository.
fn host_with_ledger(fleet: &Fleet, agent: Agent, restic: &Ledger) -> (Host, PathBuf) {
    agent.set(&format!("restic_path: {}\n", restic.program.display()));
    let repository = fleet.local_repository();
    let token = fleet.token("web-1", &repository.fields());
    let host = fleet.enroll_with("web-1", agent, &token);
    host.is_ready();
    (host, PathBuf::from(repository.url))
}
