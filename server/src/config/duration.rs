//! Durations as people write them.

use std::time::Duration;

/// Reads a whole number and a unit: `15s`, `10m`, `24h`, `365d`. `None` for anything else.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds_per_unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = number.parse().ok()?;
    count.checked_mul(seconds_per_unit).map(Duration::from_secs)
}

/// Reads a duration within bounds, both included.
pub(super) fn within(shortest: Duration, longest: Duration) -> impl Fn(&str) -> Option<Duration> {
    move |text| parse(text).filter(|duration| (shortest..=longest).contains(duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let check =
            |text: &str, seconds: Option<u64>| assert_eq!(parse(text), seconds.map(Duration::from_secs), "{text}");

        check("0s", Some(0));
        check("15s", Some(15));
        check("10m", Some(600));
        check("24h", Some(86_400));
        check("365d", Some(31_536_000));
        for wrong in [
            "",
            "s",
            "15",
            "+1s",
            "-1s",
            " 1s",
            "1 s",
            "1.5h",
            "1h30m",
            "1w",
            "1S",
            "1µ",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn bounds_are_included() {
        let minute_to_hour = within(Duration::from_mins(1), Duration::from_hours(1));

        assert!(minute_to_hour("1m").is_some() && minute_to_hour("60m").is_some());
        assert!(minute_to_hour("59s").is_none() && minute_to_hour("3601s").is_none());
    }
}
