//! Every operation of the OpenAPI document, called as each role with what its schemas allow and with much that they do not.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;

use restic_manager_integration_tests::server::Server;
use restic_manager_integration_tests::{Fleet, Host, Repository, fleet, process, programs, services};
use serde_json::{Value, json};

#[test]
fn every_operation_succeeds_for_admins_and_answers_everybody_as_the_document_says() {
    let Some(python) = services::given("RM_TEST_PYTHON", "a Python with the package schemathesis") else {
        return;
    };
    // Each call says that it comes from another address, because guessing is throttled by address.
    let mut fleet = Fleet::start_with(&[("RM_TRUSTED_PROXY", "127.0.0.0/8")], fleet::ADMIN_PASSWORD);
    let blank = Server::start(&fleet.directory().join("blank"), &[]);
    publish_an_agent(&fleet);
    make_users(&mut fleet);
    let host = fleet.host("web-1", &fleet.local_repository());
    let fixtures = fixtures(&fleet, &host, &blank);

    let script = programs::clone().join("integration-tests/clients/openapi/every_operation.py");
    let mut command = process::command(python.as_ref(), fleet.directory());
    // Nothing is written beside the scripts, which lie in the clone.
    command
        .current_dir(fleet.directory())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .env("RM_SERVER", fleet.server.url())
        .env("RM_FIXTURES", fixtures.to_string());
    process::stdout(&process::run(command.arg(script)));
}

/// Makes users named after their roles, and one more admin.
fn make_users(fleet: &mut Fleet) {
    fleet.server.stop();
    for (name, role) in [("viewer", "viewer"), ("operator", "operator"), ("spare", "admin")] {
        fleet.server.create_user(name, role, fleet::ADMIN_PASSWORD);
    }
    fleet.server.start_again();
}

/// Lets the server have an agent to hand out; what it is does not matter.
fn publish_an_agent(fleet: &Fleet) {
    let folder = fleet.server.data().join("agent-binaries");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("restic-manager-agent-linux-amd64"), "a program").unwrap();
}

/// The things that the calls are about, as `fleet.py` describes them.
fn fixtures(fleet: &Fleet, host: &Host, blank: &Server) -> Value {
    let job = host.back_up(&[&fleet.data()]);
    json!({
        "session": fleet.admin.session(),
        "password": fleet::ADMIN_PASSWORD,
        "host": host.id,
        "hostname": "web-1",
        "job": job["id"],
        "repository": host.get()["repository_id"],
        "replaced": replaced(fleet),
        "blank": { "server": blank.url(), "token": blank.setup_token() },
    })
}

/// A repository in whose place its host has found another.
fn replaced(fleet: &Fleet) -> Value {
    let repository = Repository::local(fleet.directory(), "replaced");
    let host = fleet.host("web-2", &repository);
    fs::remove_dir_all(&repository.url).unwrap();
    repository.init();
    host.run(&json!({ "kind": "probe" }));
    let id = host.get()["repository_id"].as_str().unwrap().to_owned();
    let shown = fleet.admin.get(&format!("/api/repositories/{id}")).ok();
    let found = &shown["replacements"][0]["restic_repository_id"];
    json!({ "repository": id, "restic_repository_id": found })
}
