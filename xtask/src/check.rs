//! `cargo xtask check`: everything that can be judged without running the product.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::packages::{self, Consent};
use crate::stages::Stages;
use crate::{agent_is_pure, buf, deny, process, ui};

/// The shell scripts, relative to the workspace's root.
const SCRIPTS: &[&str] = &[
    ".ci/run",
    "deploy/install.sh",
    "docs/examples/onboarding.sh",
    "integration-tests/machine/sudo",
    "integration-tests/machine/systemctl",
];

/// Installs what the checks need and runs all of them; a failed one does not keep the others from running.
pub(crate) fn run(root: &Path, advisories: bool, consent: &Consent) -> Result<()> {
    packages::ensure(packages::FOR_CHECK, consent)?;
    let mut stages = Stages::default();
    let outcome = stages_of(root, advisories, &mut stages);
    stages.print_table();
    outcome.and_then(|()| stages.verdict())
}

/// The checks as stages of a longer run. Fails only when somebody asked us to stop.
pub(crate) fn stages_of(root: &Path, advisories: bool, stages: &mut Stages) -> Result<()> {
    stages.attempt("format", || process::run(cargo(root).args(["fmt", "--all", "--check"])))?;
    stages.attempt("lints", || {
        process::run(cargo(root).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    stages.attempt("layering", || {
        process::run(cargo(root).args([
            "test",
            "--quiet",
            "--package",
            "restic-manager-server",
            "--test",
            "tidy",
        ]))
    })?;
    stages.attempt("shell scripts", || scripts(root))?;
    stages.attempt("dependencies", || deny::check(root, advisories))?;
    stages.attempt("no C in the agent", || agent_is_pure::check(root))?;
    stages.attempt("domain for WebAssembly", || wasm(root))?;
    stages.attempt("lints of the console", || console(root))?;
    stages.attempt("contract: lint", || buf::lint(root))?;
    stages.attempt("contract: compatibility", || buf::breaking(root))
}

fn scripts(root: &Path) -> Result<()> {
    process::run(Command::new("shellcheck").current_dir(root).args(SCRIPTS))
}

fn wasm(root: &Path) -> Result<()> {
    ui::ensure_target(root)?;
    process::run(cargo(root).args(["check", "--package", "restic-manager-domain", "--target", ui::WASM]))
}

/// The console's lints see its pages only where they are compiled: for a browser.
fn console(root: &Path) -> Result<()> {
    ui::ensure_target(root)?;
    process::run(cargo(root).args([
        "clippy",
        "--package",
        "restic-manager-web-ui",
        "--features",
        "gallery",
        "--target",
        ui::WASM,
        "--",
        "-D",
        "warnings",
    ]))
}

/// A cargo command in the workspace, as if it were called from a shell.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    // `cargo xtask` describes this package to us. Build scripts that watch the description, such as ring's, would run
    // anew, and all that depends on them would be compiled again for each change between a shell and these commands.
    for (name, _) in std::env::vars_os() {
        let described = name.to_string_lossy();
        if described.starts_with("CARGO_PKG_") || described.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}
