//! How long what has happened is kept.

use std::time::Duration;

use super::duration;
use super::keys::{self, Key};
use super::reader::Reader;

const DAY: Duration = Duration::from_hours(24);
const LONGEST: Duration = Duration::from_hours(24 * 36_500);

/// How long history is kept; `None` is for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Jobs after their end.
    pub jobs: Option<Duration>,
    /// Logs after the end of their jobs.
    pub logs: Option<Duration>,
    /// The audit log.
    pub audit: Option<Duration>,
}

impl History {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut kept = |key: &Key| reader.required(key, kept);
        Self {
            jobs: kept(&keys::JOB_RETENTION),
            logs: kept(&keys::LOG_RETENTION),
            audit: kept(&keys::AUDIT_RETENTION),
        }
    }
}

/// Reads a duration, or `0` for ever.
#[expect(
    clippy::option_option,
    reason = "the outer one is whether the text is allowed, the inner one what it says"
)]
fn kept(text: &str) -> Option<Option<Duration>> {
    if text == "0" {
        return Some(None);
    }
    duration::within(DAY, LONGEST)(text).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_for_ever_and_less_than_a_day_is_refused() {
        for (text, expected) in [
            ("0", Some(None)),
            ("1d", Some(Some(DAY))),
            ("24h", Some(Some(DAY))),
            ("36500d", Some(Some(LONGEST))),
            ("0s", None),
            ("23h", None),
            ("36501d", None),
            ("", None),
            ("never", None),
        ] {
            assert_eq!(kept(text), expected, "{text}");
        }
    }
}
