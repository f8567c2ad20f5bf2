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
mod processes;
mod reference;
mod report;
mod stopwatch;

use std::path::PathBuf;

use fleetsim::Crowd;
use report::Report;
use restic_manager_integration_tests::{Fleet, fleet};

#[expect(clippy::print_stdout, reason = "a command line talks to its terminal")]
fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(json), Some(page)) = (arguments.next(), arguments.next()) else {
        println!("usage: restic-manager-bench JSON-FILE PAGE; `cargo xtask bench` runs it");
        std::process::exit(2);
    };
    let mut report = Report::of_this_machine();
    for measure in [many_agents, backup::measure, idle::measure] {
        measure(&mut report);
        // What was measured stays when something later breaks off.
        report.write(&json, &page);
    }
    print!("{}", report.table());
    println!("\nwritten to {} and {}", json.display(), page.display());
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
