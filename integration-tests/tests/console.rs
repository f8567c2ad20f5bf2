//! The console in a real browser, against a real server, agent and restic.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use restic_manager_integration_tests::agent::Agent;
use restic_manager_integration_tests::process::Process;
use restic_manager_integration_tests::server::Server;
use restic_manager_integration_tests::{Repository, browser, hostile_restic, services, wait};
use tempfile::TempDir;

/// How long all journeys may take together.
const LIMIT: Duration = Duration::from_mins(40);

/// The tests in the browser order what happens outside of it by files, which are taken away when it is done.
#[test]
fn the_journeys_of_an_operator_work_in_a_browser() {
    let Some(console) = services::given("RM_TEST_CONSOLE", "the built console") else {
        return;
    };
    let Some(packages) = services::given("RM_TEST_E2E", "the packages of the browser tests") else {
        return;
    };
    if !services::has_program("chromium") {
        return;
    }
    let directory = TempDir::with_prefix("restic-manager-test-").unwrap();
    let place = |name: &str| directory.path().join(name);
    let mut server = Server::start(&place("server"), &[("RM_UI_DIR", console.to_str().unwrap())]);
    let repository = Repository::local(directory.path(), "repository");
    let (token, slow, orders) = (place("enrollment-token"), place("slow"), place("orders"));
    fs::create_dir(&orders).unwrap();
    let data = place("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("greeting"), "hello").unwrap();

    let mut browser = Process::start(
        "the browser tests",
        browser::journeys(
            "console",
            r"/\d+_[^/]*$",
            packages,
            &place("browser"),
            &[
                ("RM_E2E_URL", server.url().into()),
                ("RM_E2E_TOKEN", server.setup_token().into()),
                ("RM_E2E_REPOSITORY", repository.url.clone().into()),
                ("RM_E2E_DATA", data.clone().into()),
                ("RM_E2E_ENROLL", token.clone().into()),
                ("RM_E2E_SLOW", slow.clone().into()),
                ("RM_E2E_ORDERS", orders.clone().into()),
            ],
        ),
        &place("browser.log"),
    );
    let mut agent = Agent::new(&place("web-01"), "");
    let hostile = hostile_restic::install(directory.path());
    let settings = format!("restic_path: {}\n", hostile.display());
    let mut evil = Agent::new(&place("evil-01"), &settings);
    let order = |name: &str| orders.join(name);
    let status = wait::until("the end of the browser tests", LIMIT, || {
        if let Some(value) = written(&token) {
            fs::remove_file(&token).unwrap();
            agent.enroll(&server.url(), value.trim());
            agent.start();
        }
        if slow.exists() {
            make_backups_slow(&data);
            fs::remove_file(&slow).unwrap();
        }
        if let Some(value) = written(&order("enroll-evil")) {
            evil.enroll(&server.url(), value.trim());
            evil.start();
            fs::remove_file(order("enroll-evil")).unwrap();
        }
        if order("stop-server").exists() {
            server.stop();
            fs::remove_file(order("stop-server")).unwrap();
        }
        if order("start-server").exists() {
            server.start_again();
            fs::remove_file(order("start-server")).unwrap();
        }
        if let Some(password) = written(&order("create-viewer")) {
            // Other users are made on the command line, which needs the database for itself.
            server.stop();
            server.create_user("viewer", "viewer", &password);
            server.start_again();
            fs::remove_file(order("create-viewer")).unwrap();
        }
        browser.ended()
    });

    let said = fs::read_to_string(place("browser.log")).unwrap();
    assert!(status.success(), "{said}");
    assert!(said.contains(" passed"), "{said}");
    browser::keep_pictures();
}

/// What a file says that the journeys write, once it says anything.
fn written(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok().filter(|text| !text.is_empty())
}

/// From here on a backup takes long enough to be watched and cancelled.
fn make_backups_slow(data: &Path) {
    let large = data.join("large");
    let mut source = fs::File::open("/dev/urandom").unwrap();
    let mut file = fs::File::create(large).unwrap();
    std::io::copy(&mut std::io::Read::take(&mut source, 768 << 20), &mut file).unwrap();
}
