//! How long a job of a host that has fallen silent is waited for.

use std::fmt;
use std::time::Duration;

use crate::Timestamp;

/// A server that has just started hears nobody. Every agent has come back within this, however slowly it tries.
const SETTLING: Duration = Duration::from_mins(15);

/// How long a host may be silent before its jobs count as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Patience(Duration);

impl Patience {
    /// No job is given up sooner.
    pub const SHORTEST: Duration = Duration::from_hours(24);

    /// Three times as long as such a job usually took, and a day at least. `durations` are those of the last ones.
    pub fn after(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let usual = durations.get(durations.len() / 2).copied().unwrap_or_default();
        Self(Self::SHORTEST.max(usual.saturating_mul(3)))
    }
}

/// Whether a job is lost whose host was last heard at `heard`. A host that this server, which listens since
/// `listening_since`, has given no time to come back is not silent.
pub fn is_given_up(heard: Timestamp, listening_since: Timestamp, patience: Patience, now: Timestamp) -> bool {
    now.since(heard) >= patience.0 && now.since(listening_since) >= SETTLING
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_day_or_three_times_the_usual() {
        let hours = |hours: &[u64]| hours.iter().map(|hours| Duration::from_hours(*hours)).collect();
        for (took, expected) in [
            (&[][..], 24),
            (&[1], 24),
            (&[8], 24),
            (&[9], 27),
            // One that took for ever says little about the others.
            (&[500, 10, 11], 33),
            (&[1, 1, 500, 1, 1], 24),
        ] {
            assert_eq!(
                Patience::after(hours(took)),
                Patience(Duration::from_hours(expected)),
                "{took:?}"
            );
        }
    }

    #[test]
    fn a_job_is_given_up_when_its_host_was_silent_for_long_before_a_server_that_listened() {
        let day = Patience::after(Vec::new());
        let now = time(1_000_000);
        for (silent, listening, given_up) in [
            (24 * 3600, 24 * 3600, true),
            (24 * 3600 - 1, 24 * 3600, false),
            (0, 24 * 3600, false),
            // The server was away for as long: nothing is given up blindly at its start.
            (90 * 3600, 0, false),
            (90 * 3600, 899, false),
            (90 * 3600, 900, true),
            // The clock was set back meanwhile.
            (-5, 24 * 3600, false),
        ] {
            let ago = |seconds: i64| time(1_000_000 - seconds);

            assert_eq!(
                is_given_up(ago(silent), ago(listening), day, now),
                given_up,
                "silent for {silent} s, listening for {listening} s"
            );
        }
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_seconds(second, 0).unwrap()
    }
}
