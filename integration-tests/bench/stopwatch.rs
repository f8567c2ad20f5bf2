//! Real time: what a benchmark reports.

use std::time::{Duration, Instant, SystemTime};

/// A running stopwatch, or the moment it was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark measures real time; there is no runtime to pause"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The time since its start.
    pub(crate) fn milliseconds(self) -> f64 {
        self.elapsed().as_secs_f64() * 1000.0
    }

    /// The time from another start to this one.
    pub(crate) fn milliseconds_after(self, other: Self) -> f64 {
        (self.0 - other.0).as_secs_f64() * 1000.0
    }
}

/// What time it is, as messages say it.
#[expect(clippy::disallowed_methods, reason = "played agents live in real time")]
pub(crate) fn wall_time() -> pbjson_types::Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since_epoch = since_epoch.expect("it is later than 1970");
    pbjson_types::Timestamp {
        seconds: i64::try_from(since_epoch.as_secs()).expect("it is earlier than the end of time"),
        nanos: i32::try_from(since_epoch.subsec_nanos()).expect("a second has not so many"),
    }
}

/// The middle one of some numbers.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    percentile(numbers, 50)
}

/// The number that so many of a hundred do not exceed.
pub(crate) fn percentile(numbers: &[f64], hundredth: usize) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * hundredth / 100).min(sorted.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        let numbers: Vec<f64> = (1..=100).rev().map(f64::from).collect();

        assert!((percentile(&numbers, 50) - 51.0).abs() < f64::EPSILON);
        assert!((percentile(&numbers, 99) - 100.0).abs() < f64::EPSILON);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
