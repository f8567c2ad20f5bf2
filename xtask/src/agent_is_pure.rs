//! The agent is cross-built for small and foreign systems: no C code in it beyond what ring brings.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// Who may call a C compiler in the agent's build.
const ALLOWED: &[&str] = &["ring"];

/// Fails naming each dependency of the agent, beyond the allowed ones, that compiles C.
pub(crate) fn check(root: &Path) -> Result<()> {
    let tree = process::output(Command::new("cargo").current_dir(root).args([
        "tree",
        "--package",
        "restic-manager-agent",
        "--edges",
        "normal,build",
        "--target",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--invert",
        "cc",
        "--depth",
        "1",
    ]))?;
    let offenders = offenders(&tree);
    if offenders.is_empty() {
        return Ok(());
    }
    bail!(
        "the agent must stay free of C code beyond ring, but these compile some: {}",
        offenders.join(", ")
    )
}

/// Names of the packages in an inverted tree of `cc`, without `cc` itself and those allowed.
fn offenders(tree: &str) -> Vec<&str> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "cc" && !ALLOWED.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_compiles_c_is_named() {
        let tree = "cc v1.2.0\nring v0.17.14\nzstd-sys v2.0.16+zstd.1.5.7\n";

        assert_eq!(offenders(tree), ["zstd-sys"]);
        assert!(offenders("cc v1.2.0\nring v0.17.14\n").is_empty());
    }
}
