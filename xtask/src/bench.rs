//! `cargo xtask bench`: the figures of the performance page, measured on the programs a user would install.

use std::path::Path;

use anyhow::Result;

use crate::packages::{self, Consent};
use crate::stages::Stages;
use crate::{check, npm, process, ui};

const PROGRAM: &str = "target/release/restic-manager-bench";
const FIGURES: &str = "docs/src/bench.json";
const PAGE: &str = "docs/src/performance.md";

/// Builds the release programs, measures them and writes the page. A goal that is missed is a line of the table, not a
/// failure.
pub(crate) fn run(root: &Path, consent: &Consent) -> Result<()> {
    let mut stages = Stages::default();
    stages.require("packages", || packages::ensure(packages::FOR_BENCH, consent))?;
    stages.require("build", || build(root))?;
    let console = stages.require("console", || ui::build(root, false))?;
    let browser = stages.require("browser", || npm::ensure(root, npm::BROWSER))?;
    stages.require("measure", || {
        let mut command = std::process::Command::new(root.join(PROGRAM));
        process::forget_settings(&mut command);
        command.env("RM_TEST_CONSOLE", &console).env("RM_TEST_E2E", &browser);
        process::run(command.arg(root.join(FIGURES)).arg(root.join(PAGE)))
    })?;
    stages.print_table();
    Ok(())
}

fn build(root: &Path) -> Result<()> {
    let mut command = check::cargo(root);
    command.args(["build", "--release", "--bins"]);
    for package in ["server", "agent", "bench"] {
        command.arg("--package").arg(format!("restic-manager-{package}"));
    }
    process::run(&mut command)
}
