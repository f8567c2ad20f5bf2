//! Hosts whose certificates end within seconds: they renew them, whatever dies meanwhile, and come back after a sleep.

use std::path::Path;
use std::thread;
use std::time::Duration;

use restic_manager_integration_tests::{Fleet, Host, fleet, process, wait};

/// The shortest life that certificates can have. They are renewed after four to six seconds.
const SHORT_LIVED: &[(&str, &str)] = &[("RM_AGENT_CERTIFICATE_TTL", "10s")];

#[test]
fn a_connected_agent_renews_its_certificate_also_when_it_is_killed_in_the_middle() {
    let fleet = Fleet::start_with(SHORT_LIVED, fleet::ADMIN_PASSWORD);
    let mut host = fleet.host("web-1", &fleet.local_repository());
    let identity = host.agent.state().join("identity");
    becomes_renewed(&host);
    assert!(verb(&host, "status").contains("renewed by itself"));

    let (mut left_a_key, mut left_a_certificate) = (0, 0);
    for file in ["key.pem", "credential.pem", "key.pem", "credential.pem"] {
        appears(&identity.join("candidate").join(file));
        host.agent.kill();
        left_a_key += usize::from(identity.join("candidate/key.pem").exists());
        left_a_certificate += usize::from(identity.join("candidate/credential.pem").exists());
        host.agent.start();
        becomes_renewed(&host);
    }

    assert!(
        left_a_key + left_a_certificate > 0,
        "no kill came in the middle of a renewal"
    );
    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
    for action in ["certificate.issued", "certificate.renewed"] {
        let entries = fleet.admin.get(&format!("/api/audit?action={action}")).ok();
        assert_eq!(entries[0]["target_id"], host.id.as_str(), "{entries:#}");
    }
    assert_eq!(enrollments(&fleet), 1);
}

#[test]
fn an_agent_that_slept_past_the_end_of_its_certificate_comes_back_and_backs_up() {
    let fleet = Fleet::start_with(SHORT_LIVED, fleet::ADMIN_PASSWORD);
    let mut host = fleet.host("web-1", &fleet.local_repository());
    host.agent.kill();
    wait::until("the end of the certificate", wait::SHORTLY, || {
        verb(&host, "doctor").contains("over since").then_some(())
    });

    host.agent.start();
    becomes_renewed(&host);

    assert_eq!(host.back_up(&[&fleet.data()])["result_code"], "ok");
    assert_eq!(host.snapshots().len(), 1);
    assert_eq!(enrollments(&fleet), 1);
}

/// Waits until the host is connected and the server has seen a later certificate of it than now.
#[track_caller]
fn becomes_renewed(host: &Host) {
    let before = ends(host);
    let candidate = host.agent.state().join("identity/candidate");
    wait::until("a later certificate", wait::JOB, || (ends(host) > before).then_some(()));
    wait::until("the certificate to be put in place", wait::SHORTLY, || {
        (!candidate.exists()).then_some(())
    });
    host.becomes("connected", |host| host["status"] == "online");
}

/// When the host's certificate ends. Texts of one form are ordered as their times are.
fn ends(host: &Host) -> String {
    let host = host.get();
    let end = host["certificate_ends_at"].as_str();
    end.expect("the host has a certificate").to_owned()
}

/// What a verb of the agent's command line prints.
fn verb(host: &Host, verb: &str) -> String {
    let mut command = host.agent.command();
    let output = process::run(command.arg(verb));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn enrollments(fleet: &Fleet) -> usize {
    let entries = fleet.admin.get("/api/audit?action=host.enrolled").ok();
    entries.as_array().expect("a list is an array").len()
}

/// Waits for a file that is there for some milliseconds only.
fn appears(path: &Path) {
    let deadline = wait::Deadline::after(wait::SHORTLY);
    while !path.exists() {
        assert!(!deadline.is_over(), "{} never appeared", path.display());
        // sleep: the pause between two looks at the disk
        thread::sleep(Duration::from_micros(200));
    }
}
