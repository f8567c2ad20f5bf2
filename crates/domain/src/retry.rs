//! [`Backoff`]: the one way to wait between attempts, for server, agent and console.

use std::time::Duration;

/// Grows from `base` to `cap`, doubling with each attempt; the wait itself is drawn evenly between zero and that bound
/// ("full jitter"), so that a fleet that lost its server does not come back in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
}

impl Backoff {
    /// Starts before the first attempt. A `cap` below `base` counts as `base`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap: cap.max(base),
            attempt: 0,
        }
    }

    /// The longest that the next wait can be.
    pub fn bound(&self) -> Duration {
        self.base
            .saturating_mul(1_u32.checked_shl(self.attempt.min(31)).unwrap_or(u32::MAX))
            .min(self.cap)
    }

    /// Takes the next wait. `random` is a fraction from 0 (inclusive) to 1 (exclusive), drawn by the caller.
    pub fn next_wait(&mut self, random: f64) -> Duration {
        let wait = self.bound().mul_f64(random.clamp(0.0, 1.0));
        self.attempt = self.attempt.saturating_add(1);
        wait
    }

    /// Forgets the failed attempts; called once things have gone well for long enough.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// How many waits were taken since the start or the last reset.
    pub fn attempts(&self) -> u32 {
        self.attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_cap() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));

        let bounds: Vec<u64> = (0..8)
            .map(|_| {
                let bound = backoff.bound();
                backoff.next_wait(0.5);
                bound.as_secs()
            })
            .collect();

        assert_eq!(bounds, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_thousand_failures_stay_at_the_cap() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));

        let longest = (0..1000).map(|_| backoff.next_wait(0.999)).max();

        assert!(longest.is_some_and(|wait| wait <= Duration::from_mins(1)));
    }

    #[test]
    fn jitter_covers_the_whole_range_and_reset_starts_over() {
        let mut backoff = Backoff::new(Duration::from_secs(4), Duration::from_mins(1));

        assert_eq!(backoff.next_wait(0.0), Duration::ZERO);
        assert_eq!(backoff.next_wait(0.5), Duration::from_secs(4));
        backoff.reset();
        assert_eq!(backoff.next_wait(0.5), Duration::from_secs(2));
    }
}
