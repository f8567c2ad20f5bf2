//! `restic snapshots`.

use std::ffi::OsString;

use super::checked;
use crate::Refused;

/// A checked `snapshots` command. Its output goes through [`read_snapshots`](crate::read_snapshots): it is one line.
#[derive(Debug, Clone)]
pub struct Snapshots {
    host: String,
}

impl Snapshots {
    /// The snapshots that carry this host name. Several hosts may share the repository.
    pub fn of_host(host: String) -> Result<Self, Refused> {
        checked("a host name", &host)?;
        Ok(Self { host })
    }

    pub(super) fn append_to(&self, args: &mut Vec<OsString>) {
        args.push("snapshots".into());
        args.push(format!("--host={}", self.host).into());
    }
}
