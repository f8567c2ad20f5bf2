//! The account for programs that refuse to run as root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// An unprivileged account of this system.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account to use instead of our own: none unless we are root.
    pub(crate) fn unless_already_unprivileged() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let known = ["postgres", "nobody"]
            .into_iter()
            .find(|name| process::succeeds(Command::new("id").arg(name)));
        let name = known.context("there is neither an account postgres nor nobody to run as instead of root")?;
        Ok(Some(Self {
            uid: numeric_id(name, "-u")?,
            gid: numeric_id(name, "-g")?,
        }))
    }

    /// Makes a command run as this account, without any further group.
    pub(crate) fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Its user and its group as numbers, such as `105:110`.
    pub(crate) fn ids(self) -> String {
        format!("{}:{}", self.uid, self.gid)
    }

    /// Hands a file or folder over to this account.
    pub(crate) fn own(self, path: &Path) -> Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("could not hand {} over to another account", path.display()))
    }
}

fn numeric_id(name: &str, which: &str) -> Result<u32> {
    let text = process::output(Command::new("id").args([which, name]))?;
    text.trim()
        .parse()
        .with_context(|| format!("id {which} {name} did not answer with a number"))
}
