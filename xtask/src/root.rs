//! Where the workspace is.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Finds the workspace's root: the nearest folder upwards that holds this program's own manifest.
///
/// Not taken from a path compiled in, because a target directory may outlive the clone it was made for.
pub(crate) fn find() -> Result<PathBuf> {
    let here = env::current_dir().context("could not read the current directory")?;
    here.ancestors()
        .find(|folder| folder.join("xtask/Cargo.toml").is_file())
        .map(PathBuf::from)
        .with_context(|| format!("{} is not inside a clone of restic-manager", here.display()))
}

/// The folder for everything built, which `CARGO_TARGET_DIR` may move.
pub(crate) fn target(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}
