//! A Python of its own for tests: an environment under the target directory with the packages they need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, root};

/// What is installed, relative to the workspace's root.
const REQUIREMENTS: &str = "integration-tests/clients/python/requirements.txt";

/// Makes sure of the environment and answers its Python.
pub(crate) fn ensure(root: &Path) -> Result<PathBuf> {
    let folder = root::target(root).join("python");
    let python = folder.join("bin/python");
    let requirements = root.join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements).with_context(|| format!("could not read {REQUIREMENTS}"))?;
    // Written last, so that an installation that broke off is begun anew.
    let installed = folder.join("installed.txt");
    if python.is_file() && fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        println!("the packages in {REQUIREMENTS} are installed");
        return Ok(python);
    }

    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        "--requirement",
    ]);
    process::run(pip.arg(&requirements))?;
    fs::write(&installed, wanted).with_context(|| format!("could not write {}", installed.display()))?;
    Ok(python)
}
