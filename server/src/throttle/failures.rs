//! Failed sign-ins per client and user name.

use std::time::Duration;

use domain::Timestamp;

use super::Client;
use super::table::Table;

/// Pairs that are remembered at the same time.
const PAIRS: usize = 10_000;
/// How long after its last failure a pair is forgotten; longer than the longest delay.
const KEEP: Duration = Duration::from_hours(1);
/// Failures without any delay: people mistype.
const FREE: u32 = 5;
const FIRST_DELAY: Duration = Duration::from_secs(30);
const LONGEST_DELAY: Duration = Duration::from_mins(15);
const RECORD_EVERY: Duration = Duration::from_mins(1);
/// More characters tell no two possible names apart.
const NAME_CHARACTERS: usize = 64;

#[derive(Debug)]
pub(super) struct Failures(Table<(Client, String), Pair>);

#[derive(Debug, Default)]
struct Pair {
    count: u32,
    last: Option<Timestamp>,
    recorded: Option<Timestamp>,
}

impl Default for Failures {
    fn default() -> Self {
        Self(Table::new(PAIRS, KEEP))
    }
}

impl Failures {
    /// How long to wait before the next attempt.
    pub(super) fn wait(&self, client: Client, username: &str, now: Timestamp) -> Option<Duration> {
        let pair = self.0.get(&key(client, username), now)?;
        let wait = delay(pair.count).checked_sub(now.since(pair.last?))?;
        (!wait.is_zero()).then_some(wait)
    }

    /// Counts one; true when a minute has passed since the last one that was recorded.
    pub(super) fn count(&mut self, client: Client, username: &str, now: Timestamp) -> bool {
        let pair = self.0.touch(key(client, username), now);
        pair.count = pair.count.saturating_add(1);
        pair.last = Some(now);
        let is_due = pair.recorded.is_none_or(|recorded| now.since(recorded) >= RECORD_EVERY);
        if is_due {
            pair.recorded = Some(now);
        }
        is_due
    }

    pub(super) fn forget(&mut self, client: Client, username: &str) {
        self.0.remove(&key(client, username));
    }
}

fn key(client: Client, username: &str) -> (Client, String) {
    let name = username
        .chars()
        .take(NAME_CHARACTERS)
        .flat_map(char::to_lowercase)
        .collect();
    (client, name)
}

fn delay(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_DELAY
            .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
            .min(LONGEST_DELAY),
    }
}
