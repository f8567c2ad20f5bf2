//! [`Pace`]: at most one event per thing and second, the first at once, the last never lost.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::Change;

/// The least time between two events of one thing.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);
/// Things that are paced at the same time. Beyond it changes are told at once: bounded memory counts more than pace.
const LIMIT: usize = 16 * 1024;

/// Which things were told within the last second, and which of them have changed again since.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Ascending by time, because every thing waits equally long.
    free: VecDeque<(Instant, Change)>,
    /// Each thing in `free`, and whether it has changed again.
    changed_again: HashMap<Change, bool>,
    waiting: usize,
}

impl Pace {
    /// Whether a change may be told now. If not, [`Self::due`] gives it out later.
    pub(super) fn admit(&mut self, change: Change, now: Instant) -> bool {
        if let Some(again) = self.changed_again.get_mut(&change) {
            if !*again {
                *again = true;
                self.waiting += 1;
            }
            return false;
        }
        if self.free.len() < LIMIT {
            self.free.push_back((now + INTERVAL, change));
            self.changed_again.insert(change, false);
        }
        true
    }

    /// The changes whose second is over, in the order in which it ended.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Change> {
        let mut due = Vec::new();
        while let Some((_, change)) = self.free.pop_front_if(|(free, _)| *free <= now) {
            if self.changed_again.get(&change) == Some(&true) {
                self.waiting -= 1;
                self.changed_again.insert(change, false);
                self.free.push_back((now + INTERVAL, change));
                due.push(change);
            } else {
                self.changed_again.remove(&change);
            }
        }
        due
    }

    /// When [`Self::due`] should be asked next; `None` while nothing waits.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        self.free
            .iter()
            .find(|(_, change)| self.changed_again.get(change) == Some(&true))
            .map(|(free, _)| *free)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::HostId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_first_change_is_told_at_once_and_the_last_one_after_a_second() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);

        assert!(pace.admit(host(1), at(0)));
        assert!(!pace.admit(host(1), at(10)));
        assert!(!pace.admit(host(1), at(20)));
        assert!(pace.admit(host(2), at(30)));

        assert_eq!(pace.next_due(), Some(at(1_000)));
        assert_eq!(pace.due(at(999)), []);
        assert_eq!(pace.due(at(1_000)), [host(1)]);
        assert_eq!(pace.next_due(), None);
        assert!(
            !pace.admit(host(1), at(1_999)),
            "the second begins anew with each event"
        );
        assert_eq!(pace.due(at(2_000)), [host(1)]);
    }

    #[test]
    fn a_thing_that_was_quiet_is_forgotten() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.admit(host(1), start);

        pace.due(start + INTERVAL);

        assert!(pace.free.is_empty() && pace.changed_again.is_empty());
        assert!(pace.admit(host(1), start + INTERVAL));
    }

    #[test]
    fn beyond_the_limit_changes_are_told_unpaced() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for number in 0..LIMIT {
            pace.admit(host(number), start);
        }

        assert!(pace.admit(host(LIMIT), start) && pace.admit(host(LIMIT), start));
        assert_eq!(pace.free.len(), LIMIT);
    }

    fn host(number: usize) -> Change {
        Change::Host(HostId::from_uuid(Uuid::from_u128(number as u128)))
    }
}
