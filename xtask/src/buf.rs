//! buf: lint of the contract, and comparison with the contract that was last accepted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process;

/// The accepted contract, relative to the workspace's root.
const BASELINE: &str = "proto/baseline.binpb";

/// Checks the contract's style by the rules in `proto/buf.yaml`.
pub(crate) fn lint(root: &Path) -> Result<()> {
    process::run(buf(root)?.arg("lint"))
}

/// Checks that nothing in the contract breaks a client or stored JSON made for the accepted one.
pub(crate) fn breaking(root: &Path) -> Result<()> {
    if !root.join(BASELINE).is_file() {
        println!("no contract has been accepted yet, so there is nothing to compare with;");
        println!("`cargo xtask gen --accept-contract` writes {BASELINE}");
        return Ok(());
    }
    // Compared as one image on each side: buf does not compare a workspace of two modules with a single image.
    let scratch = tempfile::tempdir().context("could not make a temporary directory")?;
    let current = scratch.path().join("contract.binpb");
    process::run(build(root)?.arg("--output").arg(&current))?;
    let mut compare = buf(root)?;
    compare
        .arg("breaking")
        .arg(current)
        .arg("--against")
        .arg(root.join(BASELINE));
    process::run(compare.args(["--exclude-imports", "--config", "buf.yaml"])).context(
        "the contract would break existing clients; change it by adding only, or, before a release, accept it as it is \
         with `cargo xtask gen --accept-contract`",
    )
}

/// Makes the contract as it is the accepted one.
pub(crate) fn accept(root: &Path) -> Result<()> {
    process::run(
        build(root)?
            .args(["--exclude-source-info", "--output"])
            .arg(root.join(BASELINE)),
    )?;
    println!("wrote {BASELINE}");
    Ok(())
}

/// A command that compiles the contract, with the vendored files as imports only.
fn build(root: &Path) -> Result<Command> {
    let mut command = buf(root)?;
    command.args(["build", "--path", "restic_manager"]);
    Ok(command)
}

/// A buf command at the pinned version, which works on the contract.
fn buf(root: &Path) -> Result<Command> {
    let mut command = Command::new(program(root)?);
    command.current_dir(root.join("proto"));
    Ok(command)
}

/// Where buf is, at the pinned version, which is installed if need be.
pub(crate) fn program(root: &Path) -> Result<PathBuf> {
    let tools = root.join("xtask/tools");
    if installed(&tools)? != wanted(&tools)? {
        process::run(Command::new("npm").current_dir(&tools).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]))?;
    }
    Ok(tools.join("node_modules/.bin/buf"))
}

/// The version that the lock file names.
fn wanted(tools: &Path) -> Result<Option<String>> {
    let lock = read(&tools.join("package-lock.json"))?.context("xtask/tools/package-lock.json is missing")?;
    let version = lock["packages"]["node_modules/@bufbuild/buf"]["version"].as_str();
    ensure!(
        version.is_some(),
        "xtask/tools/package-lock.json names no version of buf"
    );
    Ok(version.map(str::to_owned))
}

/// The version that is installed under the tools folder, if any.
fn installed(tools: &Path) -> Result<Option<String>> {
    let manifest = read(&tools.join("node_modules/@bufbuild/buf/package.json"))?;
    Ok(manifest.and_then(|manifest| manifest["version"].as_str().map(str::to_owned)))
}

fn read(path: &PathBuf) -> Result<Option<Value>> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    let value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    Ok(Some(value))
}
