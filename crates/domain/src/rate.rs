//! [`Rate`] and [`Bucket`]: how much may happen in a time.

use std::time::Duration;

/// So much a second, and so much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What may happen in one second, in the long run. 0 counts as 1.
    pub per_second: u64,
    /// What may happen at once after a pause.
    pub burst: u64,
}

/// What is left of a [`Rate`]. Times are of a monotonic clock that begins anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    rate: Rate,
    /// When nothing of what was taken counts any more.
    full_at: Duration,
}

impl Rate {
    /// The time in which so much may happen.
    fn time_for(self, amount: u64) -> Duration {
        let nanos = u128::from(amount) * 1_000_000_000 / u128::from(self.per_second.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Bucket {
    /// Nothing was taken yet.
    pub const fn full(rate: Rate) -> Self {
        Self {
            rate,
            full_at: Duration::ZERO,
        }
    }

    /// Takes an amount, be it there or not. Returns how long nothing more may be taken: zero unless more was taken than
    /// was there.
    pub fn take(&mut self, amount: u64, now: Duration) -> Duration {
        self.full_at = self.full_at.max(now).saturating_add(self.rate.time_for(amount));
        self.full_at
            .saturating_sub(now.saturating_add(self.rate.time_for(self.rate.burst)))
    }

    /// Takes an amount if it is there. Whether it was.
    pub fn try_take(&mut self, amount: u64, now: Duration) -> bool {
        let mut taken = *self;
        let is_there = taken.take(amount, now).is_zero();
        if is_there {
            *self = taken;
        }
        is_there
    }

    /// Gives back an amount that was taken.
    pub fn give_back(&mut self, amount: u64) {
        self.full_at = self.full_at.saturating_sub(self.rate.time_for(amount));
    }

    /// Whether nothing of what was taken counts any more.
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 20,
    };

    #[test]
    fn a_burst_costs_nothing_and_more_costs_its_time() {
        let mut bucket = Bucket::full(RATE);

        assert_eq!(bucket.take(20, secs(100)), secs(0));
        assert_eq!(bucket.take(10, secs(100)), secs(1));
        assert_eq!(bucket.take(10, secs(100)), secs(2));
        assert_eq!(bucket.take(10, secs(102)), secs(1), "two seconds were worth twenty");
    }

    #[test]
    fn what_is_over_is_paid_at_the_rate() {
        for (amount, pause) in [(1, 0), (20, 0), (30, 1), (520, 50)] {
            assert_eq!(Bucket::full(RATE).take(amount, secs(5)), secs(pause), "{amount}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_taken() {
        let mut bucket = Bucket::full(RATE);

        let taken = (0..30).filter(|_| bucket.try_take(1, secs(1))).count();

        assert_eq!(taken, 20);
        assert!(!bucket.try_take(1, secs(1)));
        assert!(bucket.try_take(10, secs(2)));
        assert!(!bucket.try_take(1, secs(2)));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_time_fills() {
        let mut bucket = Bucket::full(RATE);
        assert!(bucket.try_take(20, secs(1)));

        bucket.give_back(5);

        assert!(bucket.try_take(5, secs(1)));
        assert!(!bucket.try_take(1, secs(1)));
        assert!(!bucket.is_full(secs(2)));
        assert!(bucket.is_full(secs(3)));
    }

    #[test]
    fn a_rate_of_nothing_is_slow_but_ends() {
        let nothing = Rate {
            per_second: 0,
            burst: 0,
        };

        assert_eq!(Bucket::full(nothing).take(3, secs(0)), secs(3));
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
