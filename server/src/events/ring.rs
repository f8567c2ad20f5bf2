//! [`Ring`]: the events that were told, for as long as they fit.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Change;
use super::pace::Pace;

/// Events that are kept. 4,096 of 24 bytes last for minutes on a busy fleet.
const CAPACITY: usize = 4096;
/// Events that are handed out at once.
const BATCH: usize = 256;

/// The latest events, numbered from 1.
#[derive(Debug)]
pub(super) struct Ring {
    /// The number of the first event in `told`.
    first: u64,
    told: VecDeque<Change>,
    pace: Pace,
}

/// What a reader finds behind its position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Events with their numbers, and where to go on.
    Events(Vec<(u64, Change)>, u64),
    /// Nothing; look again when something is published, or at this moment.
    Nothing(Option<Instant>),
    /// The position was overtaken.
    Overtaken,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            first: 1,
            told: VecDeque::new(),
            pace: Pace::default(),
        }
    }
}

impl Ring {
    pub(super) fn publish(&mut self, change: Change, now: Instant) {
        self.flush(now);
        if self.pace.admit(change, now) {
            self.tell(change);
        }
    }

    /// Tells what has waited for its second to end.
    pub(super) fn flush(&mut self, now: Instant) {
        for change in self.pace.due(now) {
            self.tell(change);
        }
    }

    /// The number that the next event will have.
    pub(super) fn end(&self) -> u64 {
        self.first + self.told.len() as u64
    }

    /// Where to go on behind an event; `None` when events in between are gone, or the event lies ahead.
    pub(super) fn behind(&self, number: u64) -> Option<u64> {
        let next = number.checked_add(1)?;
        (self.first..=self.end()).contains(&next).then_some(next)
    }

    /// Reads from a position on. Of several events of one thing only the last is given.
    pub(super) fn read(&mut self, next: u64, now: Instant) -> Found {
        self.flush(now);
        let Some(skip) = next.checked_sub(self.first) else {
            return Found::Overtaken;
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        if skip >= self.told.len() {
            return Found::Nothing(self.pace.next_due());
        }
        let unread: Vec<(u64, Change)> = (next..).zip(self.told.iter().skip(skip).copied()).take(BATCH).collect();
        let after = next + unread.len() as u64;
        let is_last = |(index, (_, change)): &(usize, (u64, Change))| {
            !unread[index + 1..].iter().any(|(_, later)| later == change)
        };
        Found::Events(
            unread
                .iter()
                .copied()
                .enumerate()
                .filter(is_last)
                .map(|(_, event)| event)
                .collect(),
            after,
        )
    }

    fn tell(&mut self, change: Change) {
        if self.told.len() == CAPACITY {
            self.told.pop_front();
            self.first += 1;
        }
        self.told.push_back(change);
    }
}

#[cfg(test)]
mod tests {
    use domain::id::JobId;
    use uuid::Uuid;

    use super::*;
    use crate::events::pace::INTERVAL;

    #[test]
    fn a_reader_gets_what_came_behind_its_position() {
        let (mut ring, now) = (Ring::default(), Instant::now());
        for number in 1..=3 {
            ring.publish(job(number), now);
        }

        assert_eq!(ring.read(2, now), Found::Events(vec![(2, job(2)), (3, job(3))], 4));
        assert_eq!(ring.read(4, now), Found::Nothing(None));
    }

    #[test]
    fn of_one_thing_only_the_last_event_is_read() {
        let (mut ring, mut now) = (Ring::default(), Instant::now());
        for _ in 0..3 {
            ring.publish(job(1), now);
            now += INTERVAL;
        }
        ring.publish(job(2), now);

        assert_eq!(ring.read(1, now), Found::Events(vec![(3, job(1)), (4, job(2))], 5));
    }

    #[test]
    fn a_position_that_was_overtaken_is_noticed() {
        let (mut ring, now) = (Ring::default(), Instant::now());
        for number in 0..=CAPACITY {
            ring.publish(job(number), now);
        }

        assert_eq!(ring.read(1, now), Found::Overtaken);
        assert_eq!(ring.behind(0), None);
        assert_eq!(ring.behind(1), Some(2));
        assert_eq!(ring.behind(ring.end() - 1), Some(ring.end()));
        assert_eq!(ring.behind(ring.end()), None, "an event that lies ahead");
        assert_eq!(ring.behind(u64::MAX), None);
        assert!(matches!(ring.read(2, now), Found::Events(events, 258) if events.len() == BATCH));
    }

    fn job(number: usize) -> Change {
        Change::Job(JobId::from_uuid(Uuid::from_u128(number as u128)))
    }
}
