//! P6: a backup through the agent against the bare `restic backup --json`, in turns.
//!
//! The figure is the time that restic itself reports in its summary, inside the job and alone. What the agent adds around
//! it (waiting for the order, preparing, listing the snapshots, reporting) is a row of its own.

use std::fs;
use std::path::Path;

use restic_manager_integration_tests::{Fleet, Host, Repository};
use serde_json::Value;

use crate::data;
use crate::processes;
use crate::report::{Report, Row};
use crate::stopwatch::{Stopwatch, median};

const ROUNDS: usize = 5;
const PASSES: [&str; 2] = ["first", "unchanged"];

/// Seconds of one backup.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// What restic reports.
    restic: f64,
    /// From asking to the end.
    whole: f64,
    /// Processor time of the agent, as a share of restic's; zero without an agent.
    agent_share: f64,
}

/// Measures and adds the rows.
#[expect(clippy::print_stdout, reason = "long work shows that it goes on")]
pub(crate) fn measure(report: &mut Report) {
    let fleet = Fleet::start();
    let data = data::make(fleet.directory());
    let mut bare = [const { Vec::new() }; 2];
    let mut through = [const { Vec::new() }; 2];
    for round in 0..ROUNDS {
        let alone = Repository::local(fleet.directory(), &format!("alone-{round}"));
        alone.init();
        let managed = Repository::local(fleet.directory(), &format!("managed-{round}"));
        let host = fleet.host(&format!("host-{round}"), &managed);
        for (pass, name) in PASSES.iter().enumerate() {
            bare[pass].push(backed_up_alone(&alone, &data));
            through[pass].push(backed_up_by(&host, &data));
            let (bare, through) = (bare[pass][round], through[pass][round]);
            println!(
                "P6 {name}, round {}: alone {:.2} s, in the job {:.2} s, the job {:.2} s",
                round + 1,
                bare.restic,
                through.restic,
                through.whole
            );
        }
        for place in [&alone.url, &managed.url] {
            fs::remove_dir_all(place).expect("our own repository can be removed");
        }
    }
    for (pass, name) in PASSES.iter().enumerate() {
        add(report, name, &bare[pass], &through[pass]);
    }
}

fn add(report: &mut Report, pass: &str, bare: &[Times], through: &[Times]) {
    let middle = |times: &[Times], of: fn(&Times) -> f64| median(&times.iter().map(of).collect::<Vec<_>>());
    report.add(Row::ratio(
        "P6",
        format!("{pass} backup of 1 GiB in 20,000 files: restic's own time in the job"),
        middle(through, |times| times.restic),
        "s",
        ("restic backup --json alone", middle(bare, |times| times.restic)),
        Some(1.02),
    ));
    report.add(Row::ratio(
        "P6",
        format!("{pass} backup: from the request to the end that the server shows"),
        middle(through, |times| times.whole),
        "s",
        (
            "restic backup --json alone, as a process",
            middle(bare, |times| times.whole),
        ),
        None,
    ));
    report.add(Row::bound(
        "P6",
        format!("{pass} backup: the agent's processor time, of restic's"),
        middle(through, |times| times.agent_share) * 100.0,
        "%",
        Some(2.0),
    ));
}

fn backed_up_alone(repository: &Repository, data: &Path) -> Times {
    let watch = Stopwatch::start();
    let output = repository
        .restic()
        .args(["backup", "--json", "--host=alone"])
        .arg(data)
        .output()
        .expect("restic is on the search path");
    let whole = watch.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let summary: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).expect("the summary comes last");
    Times {
        restic: summary["total_duration"].as_f64().expect("a summary has a duration"),
        whole,
        agent_share: 0.0,
    }
}

fn backed_up_by(host: &Host, data: &Path) -> Times {
    let agent = host.agent.process_id();
    let before = processes::cpu(agent);
    let watch = Stopwatch::start();
    let ended = host.back_up(&[data]);
    let whole = watch.elapsed().as_secs_f64();
    let after = processes::cpu(agent);
    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    let seconds = &ended["summary"]["total_duration_seconds"];
    Times {
        restic: seconds.as_f64().expect("a summary has a duration"),
        whole,
        agent_share: (after.own - before.own) / (after.children - before.children).max(f64::MIN_POSITIVE),
    }
}
