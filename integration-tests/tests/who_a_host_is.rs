//! Who a host is: revoked, given to another machine, copied. The programs are real, and so is the time they take.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use restic_manager_integration_tests::agent::Agent;
use restic_manager_integration_tests::fleet::ADMIN_PASSWORD;
use restic_manager_integration_tests::{Fleet, Host, process, wait};
use serde_json::{Value, json};

#[test]
fn a_revoked_agent_is_cut_off_keeps_what_it_has_and_another_machine_takes_its_place() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();
    let mut host = fleet.host("web-1", &repository);
    host.back_up(&[&fleet.data()]);

    let revoke = json!({ "confirm_hostname": "web-1" });
    let revoked = fleet
        .admin
        .post(&format!("/api/hosts/{}/revoke", host.id), &revoke)
        .ok();
    let took = wait::until_timed("the end of the agent's session", wait::SHORTLY, || {
        says(&host.agent, "certificate void").then_some(())
    });

    report("from the answer to a revocation until the agent knows", took);
    assert_eq!(revoked["status"], "revoked");
    // A restarted one is told at its first question, and neither enrolls nor forgets.
    host.agent.stop();
    host.agent.start();
    // Its identity key is tried next and refused too, so the status may say either; the log has both.
    wait::until("the refusal of the certificate", wait::SHORTLY, || {
        says(&host.agent, "certificate is void").then_some(())
    });
    wait::until("a refusal in the agent's status", wait::SHORTLY, || {
        let trouble = trouble(&host.agent);
        ["certificate_revoked", "host_not_active"]
            .iter()
            .any(|code| trouble.contains(code))
            .then_some(())
    });
    assert!(host.agent.state().join("identity/current").exists());
    host.agent.stop();

    let token = fleet.token("web-1", &json!({ "replace_host_id": host.id }));
    let successor = Agent::new(&fleet.directory().join("web-1-anew"), "");
    let host = fleet.enroll_with("web-1", successor, &token);

    host.is_ready();
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
    assert_eq!(host.snapshots().len(), 2);
    let hosts = fleet.admin.get("/api/hosts").ok();
    assert_eq!(hosts.as_array().unwrap().len(), 1);
    assert_eq!(repository.snapshot_ids().len(), 2);
}

#[test]
fn two_agents_with_one_identity_end_in_quarantine_and_an_admin_ends_it() {
    let mut fleet = Fleet::start_with(&[("RM_OFFLINE_AFTER", "5s")], ADMIN_PASSWORD);
    let repository = fleet.local_repository();
    let mut host = fleet.host("web-1", &repository);
    let saved = host.back_up(&[&fleet.data()]);
    host.agent.stop();
    let mut copy = Agent::new(&fleet.directory().join("copy"), "");
    copy_directory(&host.agent.state(), &copy.state());
    host.agent.start();
    host.is_ready();

    copy.start();

    // Both run on one machine, so each may take the other's place; who comes back gives it away.
    let quarantined = |host: &Host| host.becomes("quarantined", |host| host["status"] == "quarantined");
    let seen = quarantined(&host);
    assert_eq!(seen["health"], "failing");
    assert!(
        seen["health_reason"].as_str().unwrap().contains("Two machines"),
        "{seen:#}"
    );
    for agent in [&host.agent, &copy] {
        wait::until("the quarantine in an agent's status", wait::JOB, || {
            trouble(agent).contains("quarantined").then_some(())
        });
    }
    assert_eq!(refused_backup(&host), (409, "host_quarantined".to_owned()));
    assert!(recorded(&fleet, "security.duplicate_identity") >= 3);
    assert_eq!(recorded(&fleet, "host.quarantined"), 1);

    // It outlives a restart of the server.
    fleet.server.stop();
    fleet.server.start_again();
    host.agent.stop();
    host.agent.start();
    wait::until("the refusal of a restarted agent", wait::SHORTLY, || {
        trouble(&host.agent).contains("host_quarantined").then_some(())
    });
    quarantined(&host);

    copy.stop();
    host.agent.stop();
    let release = format!("/api/hosts/{}/release", host.id);
    let released = fleet.admin.post(&release, &json!({})).ok();
    assert_eq!(released["host"]["status"], "offline");
    assert!(
        released["reminder"].as_str().unwrap().contains("wipe --yes"),
        "{released:#}"
    );
    host.agent.start();
    host.is_ready();
    let after = host.back_up(&[&fleet.data()]);
    let mut snapshots = repository.snapshot_ids();
    snapshots.sort();
    let mut expected = [&saved, &after].map(|job| job["summary"]["snapshot_id"].as_str().unwrap().to_owned());
    expected.sort();
    assert_eq!(snapshots, expected);
}

fn refused_backup(host: &Host) -> (u16, String) {
    host.ask(&json!({ "kind": "backup", "args": ["/etc"] })).refusal()
}

/// How many entries of the record have this action.
fn recorded(fleet: &Fleet, action: &str) -> usize {
    let entries = fleet.admin.get(&format!("/api/audit?action={action}")).ok();
    entries.as_array().unwrap().len()
}

/// Whether the agent's log holds these words.
fn says(agent: &Agent, words: &str) -> bool {
    fs::read_to_string(agent.log_file()).unwrap().contains(words)
}

/// What the agent's command line says about why there is no session.
fn trouble(agent: &Agent) -> String {
    let mut command = agent.command();
    command.args(["status", "--json"]);
    let output = process::run(&mut command);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    status["trouble"].as_str().unwrap_or_default().to_owned()
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A measured time for whoever reads the output. It is no limit: the machine may be busy.
#[expect(clippy::print_stderr, reason = "it is what the test found")]
fn report(what: &str, took: Duration) {
    eprintln!("{what}: {} ms", took.as_millis());
}
