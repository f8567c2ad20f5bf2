//! Measures restic-manager against reference programs and prints one table: `cargo xtask bench`.
//!
//! Every figure is a ratio to something that does the bare minimum on the same machine, both run in turns, and the median
//! of its rounds; or a bound in bytes. Nothing here fails because a machine was slow.

mod backup;
mod data;
mod idle;
mod processes;
mod report;
mod stopwatch;

use std::path::PathBuf;

use report::Report;

#[expect(clippy::print_stdout, reason = "a command line talks to its terminal")]
fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(json), Some(page)) = (arguments.next(), arguments.next()) else {
        println!("usage: restic-manager-bench JSON-FILE PAGE; `cargo xtask bench` runs it");
        std::process::exit(2);
    };
    let mut report = Report::of_this_machine();
    backup::measure(&mut report);
    idle::measure(&mut report);
    print!("{}", report.table());
    report.write(&json, &page);
    println!("\nwritten to {} and {}", json.display(), page.display());
}
