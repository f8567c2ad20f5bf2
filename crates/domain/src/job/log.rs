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

/// How much log a job has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogExtent {
    /// Number of the last line that was received.
    pub lines: u64,
    /// Whether some lines before it were dropped.
    pub truncated: bool,
    /// When it was removed because it was older than what is kept, or there was too much of it on its host; `None` while it
    /// is there.
    pub removed_at: Option<Timestamp>,
}

impl LogStream {
    /// All streams.
    pub const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Agent];
}

impl LogLine {
    /// The most bytes that a line keeps.
    pub const MAX_BYTES: usize = 16 * 1024;
}
