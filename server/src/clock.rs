//! The system's clock and the ids made from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use domain::{Clock, IdSource, Timestamp};
use uuid::{Builder, Uuid};

use crate::random::random_bytes;

/// The wall clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the server's one reader of the wall clock")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        // Every system's clock lies within the supported years; one that claims otherwise counts as never set.
        let micros = match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(0),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(0, |micros| -micros),
        };
        Timestamp::from_micros(micros).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Ids that sort by creation: UUIDs of version 7 over the clock's milliseconds and random bits.
///
/// **Invariant:** each id of one source is greater than the one before it, also within a millisecond and when the clock
/// steps back. Lists that page by id depend on it.
pub struct SystemIds {
    clock: Arc<dyn Clock>,
    last: Mutex<Moment>,
}

impl SystemIds {
    /// Takes the milliseconds from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            last: Mutex::new(Moment { millis: 0, tail: 0 }),
        }
    }
}

impl IdSource for SystemIds {
    fn next_uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_micros() / 1_000).unwrap_or(0);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = last.following(millis);
        last.uuid()
    }
}

/// What a version 7 UUID holds beside its version and variant.
#[derive(Clone, Copy)]
struct Moment {
    /// Since the Unix epoch; 48 bits.
    millis: u64,
    /// Random bits that count upwards within a millisecond; 74 bits.
    tail: u128,
}

impl Moment {
    const TAIL_BITS: u32 = 74;

    fn following(self, now_millis: u64) -> Self {
        if now_millis > self.millis {
            return Self::fresh(now_millis);
        }
        // A random step keeps the next id unguessable (RFC 9562, section 6.2, method 2).
        let step = u128::from(u32::from_be_bytes(random_bytes())) + 1;
        let tail = self.tail + step;
        if tail >> Self::TAIL_BITS == 0 {
            Self { tail, ..self }
        } else {
            Self::fresh(self.millis + 1)
        }
    }

    fn fresh(millis: u64) -> Self {
        // The highest bit stays clear, which leaves room to count.
        let tail = u128::from_be_bytes(random_bytes()) >> (u128::BITS - Self::TAIL_BITS + 1);
        Self { millis, tail }
    }

    fn uuid(self) -> Uuid {
        // Ten bytes follow the time. The version takes the first four bits of them and the variant bits 16 and 17, so the
        // tail is spread around those.
        let spread = ((self.tail >> 62) << 64) | (self.tail & (u128::MAX >> 66));
        let [_, _, _, _, _, _, bytes @ ..] = spread.to_be_bytes();
        Builder::from_unix_timestamp_millis(self.millis, &bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::MockClock;
    use uuid::Version;

    use super::*;

    #[test]
    fn the_system_clock_is_past_the_first_release() {
        let released: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();

        assert!(SystemClock.now() > released);
    }

    #[test]
    fn ids_carry_the_time_of_the_clock() {
        let (_, ids) = source("2026-05-01T02:00:00.123Z");

        let id = ids.next_uuid();

        assert_eq!(id.get_version(), Some(Version::SortRand));
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(&id.simple().to_string()[..12], "019de143a57b");
    }

    #[test]
    fn ids_grow_within_a_millisecond() {
        let (_, ids) = source("2026-05-01T02:00:00Z");

        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next_uuid()).collect();

        assert!(made.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn ids_grow_while_the_clock_steps_back() {
        let (clock, ids) = source("2026-05-01T02:00:00Z");
        let before = ids.next_uuid();

        clock.set(clock.now().saturating_sub(Duration::from_hours(2)));
        let after = ids.next_uuid();

        assert!(before < after);
    }

    #[test]
    fn an_exhausted_millisecond_borrows_from_the_next() {
        let full = Moment {
            millis: 7,
            tail: (1 << Moment::TAIL_BITS) - 1,
        };

        let next = full.following(7);

        assert_eq!(next.millis, 8);
        assert!(full.uuid() < next.uuid());
    }

    fn source(now: &str) -> (Arc<MockClock>, SystemIds) {
        let clock = Arc::new(MockClock::at(now.parse().unwrap()));
        (Arc::clone(&clock), SystemIds::new(clock))
    }
}
