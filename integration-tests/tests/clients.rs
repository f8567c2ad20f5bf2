//! Clients of the gRPC face that are not ours: one that knows only reflection, and two that are generated from the contract.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::process::{Command, Output};

use restic_manager_integration_tests::buf::Buf;
use restic_manager_integration_tests::python_client::PythonClient;
use restic_manager_integration_tests::typescript_client::TypescriptClient;
use restic_manager_integration_tests::{Fleet, fleet, process, server};
use serde_json::{Value, json};

#[test]
fn reflection_alone_is_enough_to_list_methods_and_to_call_them() {
    let fleet = Fleet::start();
    let Some(buf) = Buf::new(fleet.directory(), &fleet.admin) else {
        return;
    };

    let methods = buf.methods();
    let version = message(&buf.call("restic_manager.v1.SystemService/GetVersion", &json!({}), None));
    let credentials = server::credentials(server::ADMIN, fleet::ADMIN_PASSWORD);
    let login = buf.call("restic_manager.v1.AuthService/Login", &credentials, None);
    let stranger = buf.call("restic_manager.v1.HostService/ListHosts", &json!({}), None);
    let hosts = buf.call(
        "restic_manager.v1.HostService/ListHosts",
        &json!({}),
        Some(&session(&login)),
    );

    for expected in [
        "restic_manager.v1.JobService/WatchJob",
        "restic_manager.v1.HostService/ListHosts",
    ] {
        assert!(
            methods.iter().any(|method| method == expected),
            "{expected}: {methods:?}"
        );
    }
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(message(&login)["role"], "ROLE_ADMIN");
    // The gRPC code UNAUTHENTICATED, shifted as buf's exit codes are.
    assert_eq!(stranger.status.code(), Some(16 << 3), "{stranger:?}");
    assert_eq!(message(&hosts)["hosts"], json!([]));
}

#[test]
fn a_python_client_made_from_the_contract_backs_up_and_tails_the_log() {
    backs_up_and_tails_the_log(|fleet| {
        let client = PythonClient::generate(fleet.directory())?;
        let mut script = client.script("main_job.py");
        script.env("RM_ADDRESS", fleet.server.authority());
        Some(script)
    });
}

#[test]
fn a_typescript_client_made_from_the_contract_backs_up_and_tails_the_log() {
    backs_up_and_tails_the_log(|fleet| {
        let client = TypescriptClient::build(fleet.directory())?;
        let mut script = client.main_job();
        script.env("RM_SERVER", fleet.server.url());
        Some(script)
    });
}

/// Runs the main job by a client, which prints the log as it comes and the snapshot as its last line.
fn backs_up_and_tails_the_log(client: impl FnOnce(&Fleet) -> Option<Command>) {
    let fleet = Fleet::start();
    let Some(mut script) = client(&fleet) else {
        return;
    };
    let repository = fleet.local_repository();
    let host = fleet.host("web-1", &repository);

    script
        .env("RM_USER", server::ADMIN)
        .env("RM_PASS", fleet::ADMIN_PASSWORD)
        .env("RM_HOSTNAME", "web-1")
        .env("RM_PATH", fleet.data());
    let printed = process::stdout(&process::run(&mut script));

    let lines: Vec<&str> = printed.lines().collect();
    let (last, log) = lines.split_last().unwrap();
    let snapshot: Value = serde_json::from_str(last).unwrap();
    assert_eq!(json!(repository.snapshot_ids()), json!([snapshot["id"]]));
    assert_eq!(snapshot["paths"], json!([fleet.data()]));
    let job = &fleet
        .admin
        .get(&format!("/api/hosts/{}/jobs?kind=backup", host.id))
        .ok()[0];
    let kept = fleet
        .admin
        .get(&format!("/api/jobs/{}/log", job["id"].as_str().unwrap()))
        .ok();
    let kept: Vec<&str> = kept
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["payload"].as_str().unwrap())
        .collect();
    assert!(!kept.is_empty());
    assert_eq!(log, kept);
}

/// The session in the metadata of a sign-in.
fn session(login: &Output) -> String {
    let said = String::from_utf8_lossy(&login.stderr);
    let cookie = said
        .split("rm_session=")
        .nth(1)
        .unwrap_or_else(|| panic!("no session in {said}"));
    cookie.split([';', '\r', '\n']).next().unwrap().to_owned()
}

/// The message that a call was answered with.
#[track_caller]
fn message(output: &Output) -> Value {
    let text = process::stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
