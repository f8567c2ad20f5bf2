//! The npm packages of tests that are no Rust, installed beside them at the versions in their lock files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The client in TypeScript, relative to the workspace's root.
pub(crate) const CLIENT: &str = "integration-tests/clients/typescript";
/// The browser tests.
pub(crate) const BROWSER: &str = "integration-tests/e2e";

/// Makes sure of the packages of a folder and answers where they are.
pub(crate) fn ensure(root: &Path, folder: &str) -> Result<PathBuf> {
    let client = root.join(folder);
    let lock = client.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("could not read {}", lock.display()))?;
    let modules = client.join("node_modules");
    // Written last, so that an installation that broke off is begun anew.
    let installed = modules.join(".installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        println!("the packages in {folder}/package-lock.json are installed");
        return Ok(modules);
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&client);
    process::run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(&installed, wanted).with_context(|| format!("could not write {}", installed.display()))?;
    Ok(modules)
}
