//! The npm packages of the client in TypeScript, installed beside it at the versions in its lock file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Where the client is, relative to the workspace's root.
const CLIENT: &str = "integration-tests/clients/typescript";

/// Makes sure of the packages and answers their folder.
pub(crate) fn ensure(root: &Path) -> Result<PathBuf> {
    let client = root.join(CLIENT);
    let lock = client.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("could not read {}", lock.display()))?;
    let modules = client.join("node_modules");
    // Written last, so that an installation that broke off is begun anew.
    let installed = modules.join(".installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        println!("the packages in {CLIENT}/package-lock.json are installed");
        return Ok(modules);
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&client);
    process::run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(&installed, wanted).with_context(|| format!("could not write {}", installed.display()))?;
    Ok(modules)
}
