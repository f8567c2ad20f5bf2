//! Numbers, sizes and times as people read them.

use crate::i18n::t;

/// Milliseconds since 1970 of a time in a message; `None` when it is absent.
#[macro_export]
#[doc(hidden)]
macro_rules! millis {
    ($time:expr) => {
        $time
            .as_ref()
            .map(|time| $crate::model::format::to_millis(time.seconds, time.nanos))
    };
}

/// Milliseconds since 1970 of seconds and nanoseconds.
pub fn to_millis(seconds: i64, nanos: i32) -> i64 {
    seconds
        .saturating_mul(1000)
        .saturating_add(i64::from(nanos / 1_000_000))
}

/// A whole number with its thousands set apart, such as `1,204,331`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(t::THOUSANDS);
        }
        text.push(digit);
    }
    text
}

/// A size in IEC units with three figures, such as `84.2 GiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// A length of time in its two largest units, such as `4 min 12 s`.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{large} {large_unit}")
        } else {
            format!("{large} {large_unit} {small} {small_unit}")
        }
    };
    match seconds {
        0..60 => format!("{seconds} {}", t::UNIT_SECOND),
        60..3600 => two(minutes, t::UNIT_MINUTE, seconds % 60, t::UNIT_SECOND),
        3600..86_400 => two(hours, t::UNIT_HOUR, minutes, t::UNIT_MINUTE),
        _ => two(days, t::UNIT_DAY, hours, t::UNIT_HOUR),
    }
}

/// How far away in time something is, in one unit, such as `8 h ago` or `in 6 d`. What is less than a minute ahead is
/// "now": the clocks of two machines differ.
pub fn ago(then: i64, now: i64) -> String {
    let is_ahead = then > now;
    let seconds = then.abs_diff(now) / 1000;
    let (number, unit) = match seconds {
        0..5 => return t::NOW.to_owned(),
        5..60 if is_ahead => return t::NOW.to_owned(),
        5..60 => (seconds, t::UNIT_SECOND),
        60..3600 => (seconds / 60, t::UNIT_MINUTE),
        3600..172_800 => (seconds / 3600, t::UNIT_HOUR),
        _ => (seconds / 86_400, t::UNIT_DAY),
    };
    if is_ahead {
        return t::ahead(number, unit);
    }
    t::ago(number, unit)
}

/// How far something is, as a whole percentage that says 100 only when all is done.
pub fn percent(done: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 0 and 100"
    )]
    let whole = (done.clamp(0.0, 1.0) * 100.0).floor() as u8;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_204_331, "1,204,331")];
        for (number, expected) in cases {
            assert_eq!(count(number), expected);
        }
    }

    #[test]
    fn sizes_have_three_figures() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (31 * 1024, "31.0 KiB"),
            (1_048_000, "1.00 MiB"),
            (90_409_000_000, "84.2 GiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (number, expected) in cases {
            assert_eq!(bytes(number), expected, "{number}");
        }
    }

    #[test]
    fn durations_have_two_units() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (252, "4 min 12 s"),
            (3600, "1 h"),
            (93_780, "1 d 2 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn the_past_and_the_future_have_one_unit() {
        let cases = [
            (10_000, "now"),
            (60_000, "in 1 min"),
            (604_000_000, "in 6 d"),
            (-4_000, "now"),
            (-5_000, "5 s ago"),
            (-3_599_000, "59 min ago"),
            (-100_000_000, "27 h ago"),
            (-300_000_000, "3 d ago"),
        ];
        for (then, expected) in cases {
            assert_eq!(ago(then, 0), expected);
        }
    }

    #[test]
    fn all_is_done_only_at_the_end() {
        assert_eq!([0.0, 0.999, 1.0, 7.0, f64::NAN].map(percent), [0, 99, 100, 100, 0]);
    }
}
