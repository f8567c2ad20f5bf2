//! [`LogLine`]: one line of what a job said.

use crate::Timestamp;
use crate::reported::ReportedText;

/// Which stream of a job a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogStream {
    /// restic's results.
    Stdout,
    /// restic's errors and notices.
    Stderr,
    /// The agent's own words.
    Agent,
}

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Position in the log, from 1. Numbers that are missing were dropped because the log was too long.
    pub seq: u64,
    /// By the host's clock; `None` when the host gave none.
    pub ts: Option<Timestamp>,
    /// Where it came from.
    pub stream: LogStream,
    /// The text, without the line's end.
    pub text: ReportedText<{ LogLine::MAX_BYTES }>,
}

/// Lines of a log that are missing: dropped because the log was too long, or not received from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGap {
    /// First missing line, from 1.
    pub from: u64,
    /// How many are missing; at least one.
    pub lines: u64,
}

/// How much log a job has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogExtent {
    /// Number of the last line that was received.
    pub lines: u64,
    /// Whether some lines before it were dropped.
    pub truncated: bool,
    /// Lines that the host wrote in all, as it said when the job ended; `None` before. When there are more of them than
    /// were received, the rest may still be on the way, or be lost.
    pub written: Option<u64>,
    /// When it was removed because it was older than what is kept, or there was too much of it on its host; `None` while it
    /// is there.
    pub removed_at: Option<Timestamp>,
}

impl LogGap {
    /// The lines from `next` on that are missing before line `seq`; `None` when `seq` is the one that is due.
    pub const fn before(seq: u64, next: u64) -> Option<Self> {
        if seq > next {
            Some(Self {
                from: next,
                lines: seq - next,
            })
        } else {
            None
        }
    }

    /// The line behind the missing ones.
    pub const fn next_line(self) -> u64 {
        self.from.saturating_add(self.lines)
    }
}

impl LogExtent {
    /// Whether lines are missing anywhere.
    pub fn is_incomplete(&self) -> bool {
        self.truncated || self.last_line() > self.lines
    }

    /// Number of the last line that there is or was, as far as is known.
    pub fn last_line(&self) -> u64 {
        self.lines.max(self.written.unwrap_or_default())
    }

    /// What is missing at the end of a log whose line `next` is due and of which nothing more is kept.
    pub fn gap_at_end(&self, next: u64) -> Option<LogGap> {
        LogGap::before(self.last_line().saturating_add(1), next)
    }
}

impl LogStream {
    /// All streams.
    pub const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Agent];
}

impl LogLine {
    /// The most bytes that a line keeps.
    pub const MAX_BYTES: usize = 16 * 1024;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_the_line_that_is_due_and_the_one_that_came_is_missing() {
        for (seq, next, expected) in [(1, 1, None), (3, 4, None), (4, 1, Some((1, 3))), (9, 8, Some((8, 1)))] {
            let gap = LogGap::before(seq, next);

            assert_eq!(gap.map(|gap| (gap.from, gap.lines)), expected, "{seq} {next}");
            assert!(gap.is_none_or(|gap| gap.next_line() == seq));
        }
    }

    #[test]
    fn a_log_is_complete_when_all_that_was_written_was_received() {
        for (lines, truncated, written, next, incomplete, at_end) in [
            (10, false, None, 11, false, None),
            (10, false, Some(10), 11, false, None),
            (10, true, Some(10), 11, true, None),
            (10, false, Some(12), 11, true, Some((11, 2))),
            (0, false, Some(3), 1, true, Some((1, 3))),
            // An agent that started anew may count fewer.
            (10, false, Some(0), 11, false, None),
            (10, false, None, 4, false, Some((4, 7))),
        ] {
            let log = LogExtent {
                lines,
                truncated,
                written,
                removed_at: None,
            };

            assert_eq!(log.is_incomplete(), incomplete, "{log:?}");
            let gap = log.gap_at_end(next);
            assert_eq!(gap.map(|gap| (gap.from, gap.lines)), at_end, "{log:?}");
        }
    }
}
