//! P9: how fast the console acts with ten thousand hosts, against the same pages with a hundred, in a real browser.

use std::fs;
use std::time::Duration;

use restic_manager_integration_tests::process::Process;
use restic_manager_integration_tests::{Fleet, browser, seed, services, wait};
use serde_json::Value;

use crate::report::{Report, Row};
use crate::size::{self, SIZE};
use crate::stopwatch::percentile;

/// The hosts of the reference.
const FEW: u32 = 100;
/// How long a journey may take.
const LIMIT: Duration = Duration::from_mins(5);

/// What the journey has measured, in milliseconds.
struct Pace {
    interactions: Vec<f64>,
    hosts: f64,
    overview: f64,
}

/// Measures and adds the rows, where there is a browser.
pub(crate) fn measure(report: &mut Report, many: &Fleet) {
    let few = size::filled(seed::Size { hosts: FEW, ..SIZE });
    let (Some(few), Some(many)) = (pace(&few), pace(many)) else {
        return;
    };
    let p95 = |pace: &Pace| percentile(&pace.interactions, 95);
    report.add(Row::ratio(
        "P9",
        format!(
            "sorting and filtering the list of {} hosts in a browser, p95",
            SIZE.hosts
        ),
        p95(&many),
        "ms",
        ("the same with 100 hosts", p95(&few)),
        Some(1.25),
    ));
    for (what, figure) in [("Hosts", many.hosts), ("Overview", many.overview)] {
        report.add(Row::bound(
            "P9",
            format!("largest paint of {what}, opened anew"),
            figure,
            "ms",
            Some(1_500.0),
        ));
    }
}

fn pace(fleet: &Fleet) -> Option<Pace> {
    let packages = services::given("RM_TEST_E2E", "the packages of the browser tests")?;
    let (directory, log) = (fleet.directory().join("browser"), fleet.directory().join("browser.log"));
    let file = fleet.directory().join("pace.json");
    let variables = [
        ("RM_E2E_URL", fleet.server.url().into()),
        ("RM_E2E_PACE", file.clone().into()),
    ];
    let journey = browser::journeys("pace", "at_size", packages, &directory, &variables);
    let mut browser = Process::start("the browser", journey, &log);
    let status = wait::until("the end of the journey", LIMIT, || browser.ended());
    assert!(status.success(), "{}", fs::read_to_string(log).unwrap_or_default());
    let pace = fs::read_to_string(file).expect("the journey has written it");
    let pace: Value = serde_json::from_str(&pace).expect("the journey writes JSON");
    let number = |name: &str| pace[name].as_f64().expect("the journey measures it");
    let interactions = pace["interactions"].as_array().into_iter().flatten();
    Some(Pace {
        interactions: interactions.filter_map(Value::as_f64).collect(),
        hosts: number("hosts"),
        overview: number("overview"),
    })
}
