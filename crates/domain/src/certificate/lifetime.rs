//! [`Lifetime`]: when a certificate is in force, and when its successor is due.

use std::time::Duration;

use crate::Timestamp;
use crate::id::HostId;

/// The shortest and the longest pause before a renewal that failed is tried again, for certificates of the usual life.
const RETRY: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));
/// For certificates of a short life the pauses are these parts of it.
const RETRY_PARTS: (u32, u32) = (20, 10);

/// How long a certificate is in force, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// From here on.
    pub not_before: Timestamp,
    /// Until here.
    pub not_after: Timestamp,
}

impl Lifetime {
    /// Whether its end is past.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now > self.not_after
    }

    /// When its successor is due: at half of its life, up to a tenth of it earlier or later. Which is fixed for each host,
    /// so that hosts that were enrolled together do not come together for ever.
    pub fn renewal(&self, host: HostId) -> Timestamp {
        let [.., a, b] = *host.as_uuid().as_bytes();
        let place = f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX);
        self.not_before.saturating_add(self.length().mul_f64(0.4 + 0.2 * place))
    }

    /// The pause before a renewal is tried again that has failed so many times in a row, at least once.
    pub fn retry(&self, failures: u32) -> Duration {
        let (shortest, longest) = (
            RETRY.0.min(self.length() / RETRY_PARTS.0),
            RETRY.1.min(self.length() / RETRY_PARTS.1),
        );
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        shortest.saturating_mul(doubled).min(longest)
    }

    /// Whether less than a quarter of its life is left: what was not renewed until then needs a person.
    pub fn is_nearly_over(&self, now: Timestamp) -> bool {
        now > self.not_after.saturating_sub(self.length() / 4)
    }

    /// All of its life.
    pub fn length(&self) -> Duration {
        self.not_after.since(self.not_before)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_successor_is_due_at_half_life_give_or_take_a_tenth() {
        for (tail, at) in [
            (0, "2026-05-05T00:00:00Z"),
            (0x8000, "2026-05-06T00:00:00Z"),
            (0xffff, "2026-05-07T00:00:00Z"),
        ] {
            let due = ten_days().renewal(host(tail));

            let off = due.since(time(at)).max(time(at).since(due));
            assert!(off < Duration::from_mins(1), "{tail:x}: {due}");
        }
    }

    #[test]
    fn a_host_keeps_its_place() {
        assert_eq!(ten_days().renewal(host(7)), ten_days().renewal(host(7)));
    }

    #[test]
    fn both_ends_are_in_force() {
        let life = ten_days();

        assert!(!life.has_ended(life.not_before));
        assert!(!life.has_ended(life.not_after));
        assert!(life.has_ended(life.not_after.saturating_add(Duration::from_micros(1))));
    }

    #[test]
    fn failed_renewals_are_tried_again_from_every_minute_to_every_hour() {
        let minutes: Vec<u64> = (1..9)
            .map(|failures| ten_days().retry(failures).as_secs() / 60)
            .collect();

        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(ten_days().retry(u32::MAX), Duration::from_hours(1));
    }

    #[test]
    fn a_short_life_leaves_time_for_several_attempts() {
        let life = Lifetime {
            not_after: ten_days().not_before.saturating_add(Duration::from_secs(40)),
            ..ten_days()
        };

        assert_eq!([1, 2, 3].map(|failures| life.retry(failures).as_secs()), [2, 4, 4]);
    }

    #[test]
    fn the_last_quarter_is_nearly_over() {
        assert!(!ten_days().is_nearly_over(time("2026-05-08T11:59:59Z")));
        assert!(ten_days().is_nearly_over(time("2026-05-08T12:00:01Z")));
    }

    fn ten_days() -> Lifetime {
        Lifetime {
            not_before: time("2026-05-01T00:00:00Z"),
            not_after: time("2026-05-11T00:00:00Z"),
        }
    }

    fn host(tail: u128) -> HostId {
        HostId::from_uuid(Uuid::from_u128(tail))
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
}
