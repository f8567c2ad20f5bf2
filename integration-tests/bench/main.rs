//! Measures restic-manager against reference programs and prints one table: `cargo xtask bench`.
//!
//! Every figure is a ratio to something that does the bare minimum on the same machine, both run in turns, and the median
//! of its rounds; or a bound in bytes. Nothing here fails because a machine was slow.

mod backup;
mod connected;
mod data;
mod dispatch;
mod echo;
mod fleetsim;
mod idle;
mod pages;
mod processes;
mod reference;
mod report;
mod size;
mod stopwatch;
mod syncs;
mod wire;

use std::ffi::OsString;
use std::path::Path;

use fleetsim::Crowd;
use report::Report;
use restic_manager_integration_tests::{Fleet, fleet};

/// Measures something and adds its rows.
type Measure = fn(&mut Report);

/// What is measured, by the words that ask for one of them alone.
const PARTS: [(&str, Measure); 4] = [
    ("agents", many_agents),
    ("backup", backup::measure),
    ("idle", idle::measure),
    ("size", size::measure),
];

#[expect(clippy::print_stdout, reason = "a command line talks to its terminal")]
fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut report = Report::of_this_machine();
    match arguments.as_slice() {
        [word] => match PARTS.iter().find(|(part, _)| word == part) {
            Some((_, measure)) => measure(&mut report),
            None => usage(),
        },
        [json, page] => {
            for (_, measure) in PARTS {
                measure(&mut report);
                // What was measured stays when something later breaks off.
                report.write(Path::new(json), Path::new(page));
            }
        }
        _ => usage(),
    }
    print!("{}", report.table());
    if let [json, page] = arguments.as_slice() {
        println!("\nwritten to {} and {}", json.display(), page.display());
    }
}

#[expect(clippy::print_stdout, reason = "a command line talks to its terminal")]
fn usage() -> ! {
    let parts = PARTS.map(|(part, _)| part).join(" | ");
    println!(
        "usage: restic-manager-bench JSON-FILE PAGE; `cargo xtask bench` runs it\n       restic-manager-bench {parts}: \
         measures that alone and writes nothing"
    );
    std::process::exit(2);
}

/// What one server with many agents shows.
fn many_agents(report: &mut Report) {
    // Each agent enrolls from an address of its own, and each says a sign of life in five seconds.
    let settings = [("RM_TRUSTED_PROXY", "127.0.0.1"), ("RM_OFFLINE_AFTER", "15s")];
    let mut fleet = Fleet::start_with(&settings, fleet::ADMIN_PASSWORD);
    let mut crowd = Crowd::enroll(&fleet, connected::MANY);
    // The first session brings each agent its settings and makes its repository.
    let agents = crowd.take();
    let mut first = crowd.connected_to(connected::agent_port(&fleet));
    first.join(agents);
    let agents = first.leave();
    crowd.put_back(agents);

    connected::measure(report, &mut fleet, &mut crowd);
    dispatch::measure(report, &fleet, &mut crowd);
}
