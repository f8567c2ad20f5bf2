//! cargo-deny: which dependencies, licences and sources are allowed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{process, root};

/// The version that `deny.toml` is written for.
const VERSION: &str = "0.20.2";

/// Checks the dependencies against `deny.toml`; advisories only when asked, because they need the network.
pub(crate) fn check(root: &Path, advisories: bool) -> Result<()> {
    let program = ensure(root)?;
    let mut command = Command::new(program);
    command.current_dir(root).args([
        "--workspace",
        "--all-features",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]);
    if advisories {
        command.arg("advisories");
    } else {
        println!("security advisories are not looked up, because that needs the network; --advisories does");
    }
    process::run(&mut command)
}

/// Finds cargo-deny at the right version, or builds it once under the target directory.
fn ensure(root: &Path) -> Result<PathBuf> {
    let tools = root::target(root).join("tools");
    let built = tools.join("bin/cargo-deny");
    if let Some(found) = [PathBuf::from("cargo-deny"), built.clone()]
        .into_iter()
        .find(|program| fits(program))
    {
        return Ok(found);
    }
    println!(
        "cargo-deny {VERSION} is not installed; building it once under {}",
        tools.display()
    );
    let mut install = Command::new("cargo");
    install
        .args(["install", "cargo-deny", "--version", VERSION, "--locked", "--root"])
        .arg(&tools);
    // Not in the workspace's target directory: another lock file would make cargo rebuild what is there.
    install.arg("--target-dir").arg(tools.join("build"));
    process::run(&mut install)?;
    Ok(built)
}

fn fits(program: &Path) -> bool {
    let answer = process::output(Command::new(program).arg("--version")).unwrap_or_default();
    answer.split_whitespace().nth(1) == Some(VERSION)
}
