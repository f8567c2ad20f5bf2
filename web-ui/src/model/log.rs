//! The lines of a job's log as far as they are known here, with the gaps between them.

use std::collections::VecDeque;

use proto::v1::{LogGap, LogLine, LogStream};

use super::ansi;

/// The most rows that are kept. What is older stays reachable as a file.
pub const MOST: usize = 20_000;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A line.
    Line {
        /// Its number in the log, from 1.
        seq: u64,
        /// When it was written, in milliseconds since 1970; `None` when the host gave no time.
        at: Option<i64>,
        /// Whether it is an error or a notice.
        is_error: bool,
        /// The text as it came.
        text: String,
    },
    /// Lines that are missing.
    Gap {
        /// The first missing line.
        from: u64,
        /// How many.
        lines: u64,
    },
}

/// The rows, in order.
#[derive(Debug, Clone, Default)]
pub struct Log {
    rows: VecDeque<Row>,
    next: u64,
    dropped: u64,
}

impl Log {
    /// Takes lines. What is known already is left out, so a stream may be resumed with some overlap.
    pub fn add_lines(&mut self, lines: Vec<LogLine>) {
        for line in lines {
            if line.seq < self.next {
                continue;
            }
            self.next = line.seq + 1;
            let is_error = line.stream() == LogStream::Stderr;
            self.push(Row::Line {
                seq: line.seq,
                at: crate::millis!(line.ts),
                is_error,
                text: line.payload,
            });
        }
    }

    /// Takes a gap.
    pub fn add_gap(&mut self, gap: &LogGap) {
        let end = gap.from_seq + gap.lines;
        if end <= self.next {
            return;
        }
        let from = gap.from_seq.max(self.next);
        self.next = end;
        self.push(Row::Gap {
            from,
            lines: end - from,
        });
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Row> + DoubleEndedIterator {
        self.rows.iter()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A row by its place.
    pub fn row(&self, index: usize) -> Option<&Row> {
        self.rows.get(index)
    }

    /// How many rows at the beginning are not kept here any more.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The place of a line, or of the gap that it is in; `None` when it is not here.
    pub fn place_of(&self, seq: u64) -> Option<usize> {
        let place = self.rows.partition_point(|row| row.end() <= seq);
        self.rows.get(place).filter(|row| row.begin() <= seq).map(|_| place)
    }

    /// The places of the lines that hold a text, in any case; none for an empty text.
    pub fn find(&self, text: &str) -> Vec<usize> {
        let wanted = text.to_lowercase();
        if wanted.is_empty() {
            return Vec::new();
        }
        let holds = |row: &Row| match row {
            Row::Line { text, .. } => ansi::plain(text).to_lowercase().contains(&wanted),
            Row::Gap { .. } => false,
        };
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| holds(row)).map(|(place, _)| place).collect()
    }

    fn push(&mut self, row: Row) {
        if self.rows.len() == MOST {
            self.rows.pop_front();
            self.dropped += 1;
        }
        self.rows.push_back(row);
    }
}

impl Row {
    fn begin(&self) -> u64 {
        match self {
            Self::Line { seq, .. } => *seq,
            Self::Gap { from, .. } => *from,
        }
    }

    fn end(&self) -> u64 {
        match self {
            Self::Line { seq, .. } => seq + 1,
            Self::Gap { from, lines } => from + lines,
        }
    }
}

/// Lines that an address names, such as `#L120-L140`: the first and the last.
pub fn range(hash: &str) -> Option<(u64, u64)> {
    let text = hash.trim_start_matches('#').strip_prefix('L')?;
    let (first, last) = text.split_once("-L").unwrap_or((text, text));
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0).then_some((first.min(last), first.max(last)))
}

/// The address of a range of lines.
pub fn hash(first: u64, last: u64) -> String {
    if first == last {
        format!("#L{first}")
    } else {
        format!("#L{}-L{}", first.min(last), first.max(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_stream_repeats_nothing() {
        let mut log = Log::default();
        log.add_lines(vec![line(1, "one"), line(2, "two")]);
        log.add_gap(&LogGap { from_seq: 3, lines: 10 });

        log.add_lines(vec![line(2, "two"), line(13, "Three")]);
        log.add_gap(&LogGap { from_seq: 3, lines: 10 });
        log.add_lines(vec![line(12, "late"), line(14, "\u{1b}[31mfour\u{1b}[0mth")]);

        let seen: Vec<u64> = log.rows().map(Row::begin).collect();
        assert_eq!(seen, [1, 2, 3, 13, 14]);
        assert_eq!(
            [2, 7, 13, 15, 0].map(|seq| log.place_of(seq)),
            [Some(1), Some(2), Some(3), None, None]
        );
        assert_eq!(log.find("FOURTH"), [4]);
        assert_eq!(log.find("t"), [1, 3, 4]);
        assert_eq!(log.find(""), Vec::<usize>::new());
    }

    #[test]
    fn only_so_many_rows_are_kept() {
        let mut log = Log::default();

        log.add_lines((1..=MOST as u64 + 5).map(|seq| line(seq, "")).collect());

        assert_eq!((log.len(), log.dropped()), (MOST, 5));
        assert_eq!((log.place_of(5), log.place_of(6)), (None, Some(0)));
    }

    #[test]
    fn a_range_of_lines_is_an_address() {
        let cases = [
            ("#L3", Some((3, 3))),
            ("#L140-L120", Some((120, 140))),
            ("", None),
            ("#L0", None),
            ("#Lx", None),
            ("#L1-2", None),
        ];
        for (text, expected) in cases {
            assert_eq!(range(text), expected, "{text}");
        }
        assert_eq!(range(&hash(9, 4)), Some((4, 9)));
        assert_eq!(hash(4, 4), "#L4");
    }

    fn line(seq: u64, text: &str) -> LogLine {
        LogLine {
            seq,
            payload: text.to_owned(),
            ..LogLine::default()
        }
    }
}
