//! Which rows of a long list exist in the page.

/// How many rows exist beyond each edge of what is seen, so that scrolling a little shows no gap.
const BEYOND: usize = 40;
/// The most rows that exist at a time.
const MOST: usize = 300;

/// Rows that exist, as a half-open range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// The first row.
    pub from: usize,
    /// The row behind the last one.
    pub to: usize,
}

/// The window for a list of `rows` rows, of which the one at `top` is the first that is seen and `seen` are.
pub fn around(rows: usize, top: usize, seen: usize) -> Window {
    let from = top.min(rows).saturating_sub(BEYOND);
    let wanted = (seen + 2 * BEYOND).min(MOST);
    let to = (from + wanted).min(rows);
    Window {
        from: from.min(to.saturating_sub(wanted)),
        to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_what_is_seen_and_stays_within_the_list() {
        let cases = [
            ((0, 0, 30), (0, 0)),
            ((10, 0, 30), (0, 10)),
            ((1000, 0, 30), (0, 110)),
            ((1000, 500, 30), (460, 570)),
            ((1000, 999, 30), (890, 1000)),
            ((1000, 5000, 30), (890, 1000)),
            ((100_000, 50_000, 5000), (49_960, 50_260)),
        ];
        for ((rows, top, seen), (from, to)) in cases {
            assert_eq!(around(rows, top, seen), Window { from, to }, "{rows} {top} {seen}");
        }
    }
}
