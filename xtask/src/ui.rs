//! `cargo xtask ui`: the console, built into `web-ui/dist`.
//!
//! The builder is a program of its own (`xtask/ui`), because what it is made of takes a minute to compile.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{check, process, root};

/// The target that the console is built for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Builds the console, with the page of all components if it is wanted, and answers its folder.
pub(crate) fn build(root: &Path, gallery: bool) -> Result<PathBuf> {
    ensure_target(root)?;
    let mut command = check::cargo(root);
    command.args(["run", "--quiet", "--package", "restic-manager-xtask-ui", "--"]);
    command.arg(root).arg(root::target(root));
    if gallery {
        command.arg("--gallery");
    }
    process::run(&mut command)?;
    Ok(root.join("web-ui/dist"))
}

/// Makes sure that the compiler can build for browsers.
pub(crate) fn ensure_target(root: &Path) -> Result<()> {
    let rustup = || {
        let mut command = Command::new("rustup");
        command.current_dir(root);
        command
    };
    let installed = process::output(rustup().args(["target", "list", "--installed"]));
    if installed.is_ok_and(|list| list.lines().any(|target| target == WASM)) {
        return Ok(());
    }
    ensure!(process::on_path("rustup"), "rustup is needed to add the target {WASM}");
    process::run(rustup().args(["target", "add", WASM]))
}
