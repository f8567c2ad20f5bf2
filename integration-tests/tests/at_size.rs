//! With ten thousand hosts: what the server answers, and what the console makes of it in a browser.

use std::ffi::OsStr;
use std::fs;
use std::time::Duration;

use restic_manager_integration_tests::process::Process;
use restic_manager_integration_tests::{Fleet, browser, fleet, grpc_web, seed, services, wait};
use serde_json::Value;

const SIZE: seed::Size = seed::Size {
    hosts: 10_000,
    jobs: 10,
    snapshots: 3,
};
/// The hosts are written as online, and never fall silent within the test.
const OFFLINE_AFTER: (&str, &str) = ("RM_OFFLINE_AFTER", "24h");
/// How long the browser may take.
const LIMIT: Duration = Duration::from_mins(5);

#[test]
fn ten_thousand_hosts_are_shown_in_small_answers_and_small_pages() {
    let console = services::given("RM_TEST_CONSOLE", "the built console");
    let ui = console
        .as_deref()
        .and_then(OsStr::to_str)
        .map(|console| ("RM_UI_DIR", console));
    let settings: Vec<_> = ui.into_iter().chain([OFFLINE_AFTER]).collect();
    let mut fleet = Fleet::start_with(&settings, fleet::ADMIN_PASSWORD);
    fleet.server.stop();
    seed::fill(&fleet.server.data(), SIZE);
    fleet.server.start_again();

    the_verdicts_are_those_of_the_rows(&fleet);
    answers_are_small(&fleet);
    if console.is_some() {
        pages_are_small(&fleet);
    }
}

/// The server has computed what it shows from what was written.
fn the_verdicts_are_those_of_the_rows(fleet: &Fleet) {
    let count = |counts: fn(u32) -> bool| u32::try_from((0..SIZE.hosts).filter(|n| counts(*n)).count());
    let failing = count(|n| n % 700 == 5 || n % 400 == 7 && n % 300 != 11);
    let offline = count(|n| n % 250 == 9);
    let summary = fleet.admin.get("/api/fleet/summary").ok();
    let shown = |name: &str| summary[name].as_str().and_then(|count| count.parse::<u32>().ok());

    assert_eq!(shown("hosts"), Some(SIZE.hosts), "{summary}");
    assert_eq!(shown("failing"), failing.ok(), "{summary}");
    assert_eq!(shown("offline"), offline.ok(), "{summary}");
    let page = fleet.admin.get("/api/hosts?order_by=hostname&page_size=1").ok();
    let ran: Vec<Value> = page
        .as_array()
        .into_iter()
        .flatten()
        .map(|host| host["recent_runs"].clone())
        .collect();
    assert_eq!(ran, ["ok*10"], "the first host has its ten runs");
}

/// Source of the bounds: ui.md §1.
fn answers_are_small(fleet: &Fleet) {
    // Field 7 of the request: a page as the console asks for it.
    let fifty = [7 << 3, 50];
    for (method, request, most) in [
        ("FleetService/GetFleetSummary", [].as_slice(), 2_000),
        ("FleetService/ListAttention", &[], 10_000),
        ("HostService/ListHosts", &fifty, 30_000),
    ] {
        let answer = grpc_web::call_with(&fleet.admin, &format!("restic_manager.v1.{method}"), request);
        let bytes = answer.len();
        assert!(
            (50..=most).contains(&bytes),
            "{method} answers with {bytes} bytes, at most {most} are wanted"
        );
    }
}

fn pages_are_small(fleet: &Fleet) {
    let Some(packages) = services::given("RM_TEST_E2E", "the packages of the browser tests") else {
        return;
    };
    if !services::has_program("chromium") {
        return;
    }
    let directory = fleet.directory().join("browser");
    let log = fleet.directory().join("browser.log");
    let journey = browser::journeys(
        "at_size",
        "at_size",
        packages,
        &directory,
        &[("RM_E2E_URL", fleet.server.url().into())],
    );
    let mut browser = Process::start("the browser test", journey, &log);

    let status = wait::until("the end of the browser test", LIMIT, || browser.ended());

    let said = fs::read_to_string(log).unwrap_or_default();
    assert!(status.success(), "{said}");
    assert!(said.contains(" passed"), "{said}");
    browser::keep_pictures();
}
