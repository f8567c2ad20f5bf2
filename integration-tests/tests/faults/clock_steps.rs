//! Wall clocks that are set while a session is open and a job runs: nothing counts as lost, late or over because of it.

use std::path::PathBuf;

use restic_manager_integration_tests::agent::Agent;
use restic_manager_integration_tests::fake_restic::{Ledger, NOTES};
use restic_manager_integration_tests::fake_time::FakeTime;
use restic_manager_integration_tests::{Fleet, Host, fleet, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn an_agent_whose_clock_is_set_in_the_middle_of_a_job_ends_it_as_ever() {
    let fleet = Fleet::start();
    let directory = fleet.directory().join("web-1");
    let Some(clock) = FakeTime::new(&directory) else {
        return;
    };
    let mut agent = Agent::new(&directory, "");
    agent.read_time_of(&clock);

    let mut host = goes_through(&fleet, agent, &clock, &["+2h", "+3y", "-2h", "-3y", "+0"]);

    // What is off when the agent comes is shown.
    clock.set("+7m");
    host.agent.stop();
    host.agent.start();
    let seen = host.becomes("told that its clock is off", |host| host["health"] == "warning");
    let reason = seen["health_reason"].as_str().unwrap();
    assert!(
        reason.contains("seconds off") && reason.contains("Set up time"),
        "{reason}"
    );
}

#[test]
fn a_server_whose_clock_is_set_in_the_middle_of_a_job_loses_and_expires_nothing() {
    let directory = TempDir::with_prefix("restic-manager-test-").unwrap();
    let Some(clock) = FakeTime::new(directory.path()) else {
        return;
    };
    // Nobody has to sign in again only because of the test.
    let mut settings = clock.variables().to_vec();
    settings.push(("RM_SESSION_TTL", "30d"));
    let fleet = Fleet::start_with(&settings, fleet::ADMIN_PASSWORD);
    let agent = Agent::new(&fleet.directory().join("web-1"), "");

    // Years would end the session of the person who asks.
    goes_through(&fleet, agent, &clock, &["+2h", "-5h", "+20d", "+0"]);
}

/// Sets the clock again and again while a job runs and its log grows.
fn goes_through(fleet: &Fleet, agent: Agent, clock: &FakeTime, steps: &[&str]) -> Host {
    let (host, repository) = host_with_slow_ledger(fleet, agent);
    let source = fleet.data();
    let job = host.start_backup(&[&source]);
    for step in steps {
        let before = host.log(&job).len();
        clock.set(step);
        wait::until("more log", wait::JOB, || (host.log(&job).len() > before).then_some(()));
        let seen = host.job(&job);
        assert_eq!(seen["status"], "running", "after {step}: {seen:#}");
        assert_eq!(host.get()["status"], "online", "after {step}");
    }

    let ended = host.end_of(&job);

    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    assert_eq!(
        (Ledger::begun(&repository, &source), Ledger::saved(&repository, &source)),
        (1, 1)
    );
    let lines = host.log(&job);
    let numbers: Vec<Value> = lines.iter().map(|line| line["seq"].clone()).collect();
    let expected: Vec<Value> = (1..=lines.len()).map(|number| json!(number.to_string())).collect();
    assert_eq!(numbers, expected);
    let notes = lines.iter().filter_map(|line| line["payload"].as_str());
    let notes: Vec<&str> = notes.filter(|text| text.starts_with("note ")).collect();
    let in_order: Vec<String> = (1..=NOTES).map(|number| format!("note {number} of {NOTES}")).collect();
    assert_eq!(notes, in_order, "the order is that of the numbers");
    for log in [fleet.server.log(), host.agent.log()] {
        assert!(!log.contains("panicked"), "{log}");
    }
    host
}

/// A host whose restic takes its time, and its repository.
fn host_with_slow_ledger(fleet: &Fleet, agent: Agent) -> (Host, PathBuf) {
    let restic = Ledger::install_slow(fleet.directory());
    agent.set(&format!("restic_path: {}\n", restic.program.display()));
    let repository = fleet.local_repository();
    let token = fleet.token("web-1", &repository.fields());
    let host = fleet.enroll_with("web-1", agent, &token);
    host.is_ready();
    (host, PathBuf::from(repository.url))
}
