//! [`Attention`]: what somebody has to look at.

use crate::Timestamp;
use crate::health::{Cause, Health};
use crate::id::{HostId, RepositoryId};
use crate::name::{Hostname, RepositoryName};

/// The most lines that are shown at a time; the worst come first.
pub const MOST_LINES: usize = 50;
/// From this many hosts on, hosts with the same trouble make one line.
pub const TOGETHER: u64 = 5;

/// One line: a trouble, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// The verdict on the hosts.
    pub health: Health,
    /// Why.
    pub cause: Cause,
    /// What it means and what to do next, in the words of the first host.
    pub reason: String,
    /// Since when the first of them has it.
    pub since: Option<Timestamp>,
    /// How many hosts.
    pub host_count: u64,
    /// The first of them by name, at most [`TOGETHER`].
    pub hosts: Vec<HostName>,
    /// The repository that they have in common; `None` when the trouble is not one of a repository.
    pub repository: Option<RepositoryNamed>,
}

/// A host with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName {
    /// Its id.
    pub id: HostId,
    /// Its name.
    pub hostname: Hostname,
}

/// A repository with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryNamed {
    /// Its id.
    pub id: RepositoryId,
    /// Its name.
    pub name: RepositoryName,
}

/// All lines, as far as they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttentionList {
    /// Worst first, then oldest.
    pub lines: Vec<Attention>,
    /// How many hosts need somebody, those of the lines beyond included.
    pub host_count: u64,
}
