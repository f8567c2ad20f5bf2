//! Time as a value: [`Timestamp`], the [`Clock`] that hands it out and the [`MockClock`] of tests.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// An instant in UTC with microsecond resolution, between the years -9999 and 9999.
///
/// The text form is RFC 3339 with a `Z`. For display and calendars only: order between two machines comes from sequence
/// numbers, and durations on one machine from the monotonic clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// A text that is not an RFC 3339 instant, or a number outside the supported years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time: RFC 3339 such as 2026-05-01T02:00:00Z is needed")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// Reads microseconds since the Unix epoch.
    pub fn from_micros(micros: i64) -> Result<Self, InvalidTimestamp> {
        jiff::Timestamp::from_microsecond(micros)
            .map(Self)
            .map_err(|_| InvalidTimestamp)
    }

    /// Reads seconds since the Unix epoch and nanoseconds within the second; what is below a microsecond is dropped.
    pub fn from_seconds(seconds: i64, nanos: i32) -> Result<Self, InvalidTimestamp> {
        let whole = jiff::Timestamp::new(seconds, nanos).map_err(|_| InvalidTimestamp)?;
        Self::from_micros(whole.as_microsecond())
    }

    /// Microseconds since the Unix epoch.
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds since the Unix epoch, rounded towards the past.
    pub fn as_seconds(self) -> i64 {
        self.as_micros().div_euclid(1_000_000)
    }

    /// Nanoseconds within the second of [`Self::as_seconds`], from 0 to 999,999,000.
    pub fn subsecond_nanos(self) -> i32 {
        i32::try_from(self.as_micros().rem_euclid(1_000_000) * 1_000).unwrap_or(0)
    }

    /// The instant `duration` later; stays at the last supported instant instead of overflowing.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.as_micros().saturating_add(micros)).unwrap_or(Self(jiff::Timestamp::MAX))
    }

    /// The instant `duration` earlier; stays at the first supported instant instead of overflowing.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.as_micros().saturating_sub(micros)).unwrap_or(Self(jiff::Timestamp::MIN))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.as_micros().saturating_sub(earlier.as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Self::from_micros(parsed.as_microsecond())
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from. Each application reads the wall clock in one place and passes this on.
pub trait Clock: Send + Sync {
    /// The wall clock's time.
    fn now(&self) -> Timestamp;
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct MockClock(AtomicI64);

impl MockClock {
    /// Starts at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_micros()))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }

    /// Jumps, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_numbers_agree() {
        let instant: Timestamp = "2026-02-28T23:59:59.123456789Z".parse().unwrap();

        assert_eq!(instant.to_string(), "2026-02-28T23:59:59.123456Z");
        assert_eq!(
            Timestamp::from_seconds(instant.as_seconds(), instant.subsecond_nanos()),
            Ok(instant)
        );
    }

    #[test]
    fn an_instant_before_the_epoch_keeps_its_fraction() {
        let instant = Timestamp::from_micros(-1).unwrap();

        assert_eq!((instant.as_seconds(), instant.subsecond_nanos()), (-1, 999_999_000));
    }

    #[test]
    fn arithmetic_stays_inside_the_supported_years() {
        let late = Timestamp::UNIX_EPOCH.saturating_add(Duration::MAX);

        assert_eq!(
            late.since(Timestamp::UNIX_EPOCH.saturating_sub(Duration::MAX))
                .as_secs()
                / 31_556_952,
            19_998
        );
        assert_eq!(Timestamp::UNIX_EPOCH.since(late), Duration::ZERO);
    }

    #[test]
    fn a_mock_clock_moves_only_when_told() {
        let clock = MockClock::at(Timestamp::UNIX_EPOCH);

        clock.advance(Duration::from_secs(90));

        assert_eq!(clock.now().to_string(), "1970-01-01T00:01:30Z");
    }
}
