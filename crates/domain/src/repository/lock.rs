//! [`RepositoryLock`]: a lock that some restic holds in a repository, or has left there.

use std::fmt;

use crate::{ReportedText, Timestamp};

/// A lock, as restic's own file says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RepositoryLock {
    /// restic's id of it, 64 hex digits.
    pub id: ReportedText<64>,
    /// Nobody else may use the repository meanwhile.
    pub exclusive: bool,
    /// The host's own name.
    pub hostname: ReportedText<255>,
    /// The operating system's user.
    pub username: ReportedText<255>,
    /// The process on that host.
    pub pid: u32,
    /// When it was taken or last renewed, by that host's clock. A restic that lives renews it every five minutes.
    pub since: Timestamp,
}

impl RepositoryLock {
    /// How many locks of a repository are named at most.
    pub const KEPT: usize = 20;
}

impl fmt::Display for RepositoryLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            exclusive,
            hostname,
            username,
            pid,
            since,
        } = self;
        let how = if *exclusive { "exclusive lock" } else { "lock" };
        let short = id.as_str().get(..8).unwrap_or_default();
        write!(
            f,
            "{how} {short} of process {pid} of {username} on {hostname}, since {since}"
        )
    }
}
