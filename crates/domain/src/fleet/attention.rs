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

impl AttentionList {
    /// Puts the lines in order and keeps as many as are shown. A trouble of unknown age comes behind those of the same rank.
    pub fn sort_and_cut(&mut self) {
        self.lines
            .sort_by_key(|line| (line.health.urgency(), line.since.is_none(), line.since));
        self.lines.truncate(MOST_LINES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_come_first_then_the_oldest_and_what_is_beyond_goes() {
        let mut list = AttentionList::default();
        for (health, since) in [
            (Health::Offline, Some(1)),
            (Health::Failing, None),
            (Health::Failing, Some(5)),
            (Health::Failing, Some(2)),
        ] {
            list.lines.push(line(health, since));
        }
        list.lines
            .extend(std::iter::repeat_n(line(Health::Warning, Some(0)), MOST_LINES));

        list.sort_and_cut();

        let shown: Vec<_> = list
            .lines
            .iter()
            .take(5)
            .map(|line| (line.health, line.since))
            .collect();
        assert_eq!(
            shown,
            [
                (Health::Failing, Some(at(2))),
                (Health::Failing, Some(at(5))),
                (Health::Failing, None),
                (Health::Offline, Some(at(1))),
                (Health::Warning, Some(at(0))),
            ]
        );
        assert_eq!(list.lines.len(), MOST_LINES);
    }

    fn line(health: Health, since: Option<i64>) -> Attention {
        Attention {
            health,
            cause: Cause::Silent,
            reason: String::new(),
            since: since.map(at),
            host_count: 1,
            hosts: Vec::new(),
            repository: None,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }
}
