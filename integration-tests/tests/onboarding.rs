//! The documented onboarding script, run as it is written.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::Path;

use restic_manager_integration_tests::agent::Agent;
use restic_manager_integration_tests::process::{self, Process};
use restic_manager_integration_tests::{Fleet, Repository, fleet, programs, server, services, wait};

/// The script looks every five seconds.
const PATIENCE: std::time::Duration = wait::JOB;

#[test]
fn the_documented_script_mints_a_token_and_ends_when_the_host_is_ready() {
    let fleet = Fleet::start();
    let Some(repository) = repository(&fleet) else { return };

    let mut script = start(&fleet, &repository);
    let mut agent = Agent::new(&fleet.directory().join("web-1"), "");
    agent.enroll(&fleet.server.url(), &printed_token(&mut script));
    agent.start();
    let ended = script.wait(PATIENCE);

    assert!(ended.success(), "{ended}");
    assert_eq!(output(&script).lines().last(), Some("ready"));
}

#[test]
fn the_documented_script_says_why_the_repository_cannot_be_used() {
    let fleet = Fleet::start();
    let Some(mut repository) = repository(&fleet) else {
        return;
    };
    repository.password = "not the login".to_owned();

    let mut script = start(&fleet, &repository);
    let mut agent = Agent::new(&fleet.directory().join("web-1"), "");
    agent.enroll(&fleet.server.url(), &printed_token(&mut script));
    agent.start();
    let ended = script.wait(PATIENCE);

    assert_eq!(ended.code(), Some(1));
    assert_eq!(output(&script).lines().last(), Some("repository: access_denied"));
}

/// A repository whose password is the login at its server as well, which is what the script relies on.
fn repository(fleet: &Fleet) -> Option<Repository> {
    if !(services::has_program("curl") && services::has_program("jq")) {
        return None;
    }
    let mut repository = Repository::on_rest_server(fleet.directory(), "repository")?;
    repository.password.clone_from(&repository.backend_password);
    Some(repository)
}

fn start(fleet: &Fleet, repository: &Repository) -> Process {
    let script = programs::clone().join("docs/examples/onboarding.sh");
    let mut command = process::command(Path::new("bash"), fleet.directory());
    command
        .arg(script)
        .env("RM_SERVER", fleet.server.url())
        .env("RM_USER", server::ADMIN)
        .env("RM_PASS", fleet::ADMIN_PASSWORD)
        .env("RM_HOSTNAME", "web-1")
        .env("RM_REPO_URL", &repository.url)
        .env("RM_REPO_USER", &repository.username)
        .env("RM_REPO_PASS", &repository.password);
    Process::start("the script", command, &fleet.directory().join("script.log"))
}

/// The token in the command that the script prints for the host.
fn printed_token(script: &mut Process) -> String {
    wait::until("the printed command", wait::SHORTLY, || {
        assert!(script.ended().is_none(), "the script ended early: {}", output(script));
        let text = output(script);
        let rest = text.split_once("RM_TOKEN=")?.1;
        Some(rest.split_once(char::is_whitespace)?.0.to_owned())
    })
}

fn output(script: &Process) -> String {
    fs::read_to_string(script.log_file()).unwrap()
}
