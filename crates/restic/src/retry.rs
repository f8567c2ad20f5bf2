//! [`Retry`]: restic's notice that the storage did not do what it was asked and that it keeps trying.

use std::time::Duration;

/// One notice. restic repeats an operation for up to 15 minutes, with growing waits, and says so only here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// What is tried, such as `Stat(<config/>)`.
    pub operation: String,
    /// How long restic waits before it tries again; `None` when it could not be read.
    pub after: Option<Duration>,
    /// Why it failed.
    pub reason: String,
}

impl Retry {
    /// Reads "`Save(<data/ab>)` returned error, retrying after 593.098085ms: reason"; `None` for another text.
    pub fn parse(text: &str) -> Option<Self> {
        let (operation, rest) = text.split_once(" returned error, retrying after ")?;
        let (after, reason) = rest.split_once(": ")?;
        Some(Self {
            operation: operation.to_owned(),
            after: go_duration(after),
            reason: reason.to_owned(),
        })
    }
}

/// Whether the text says that an operation went well in the end.
pub(crate) fn is_recovery(text: &str) -> bool {
    text.contains(" operation successful after ") && text.trim_end().ends_with("retries")
}

/// Reads Go's notation, such as `1m2.5s` or `593.098085ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "µs" | "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.saturating_add(part);
        rest = next;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_taken_apart() {
        let retry = Retry::parse(
            "Stat(<config/>) returned error, retrying after 2.5s: Head \"http://h/config\": dial tcp: connection refused",
        );

        assert_eq!(
            retry,
            Some(Retry {
                operation: "Stat(<config/>)".to_owned(),
                after: Some(Duration::from_millis(2500)),
                reason: "Head \"http://h/config\": dial tcp: connection refused".to_owned(),
            })
        );
        assert_eq!(Retry::parse("Stat(<config/>) failed: connection refused"), None);
    }

    #[test]
    fn a_success_after_retries_is_recognised() {
        assert!(is_recovery("Stat(<config/>) operation successful after 3 retries"));
        assert!(!is_recovery("/srv/operation successful after all"));
    }

    #[test]
    fn gos_durations_are_read() {
        for (text, millis) in [
            ("593.098085ms", Some(593)),
            ("4.918342941s", Some(4918)),
            ("1m0.5s", Some(60_500)),
            ("2h1m1s", Some(7_261_000)),
            ("12µs", Some(0)),
            ("5", None),
            ("s", None),
            ("5 minutes", None),
            ("1.2.3s", None),
        ] {
            assert_eq!(go_duration(text).map(|duration| duration.as_millis()), millis, "{text}");
        }
    }
}
