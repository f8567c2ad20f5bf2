//! [`LogChunk`]: a piece of a job's log.

use crate::id::JobId;

/// Lines of a job's log as they are stored: zstd of records, each behind its length. Whoever makes one has unpacked it and
/// found what it says to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// The job.
    pub job: JobId,
    /// Number of the first line, from 1.
    pub first_line: u64,
    /// How many lines; at least one.
    pub line_count: u32,
    /// Bytes of text in them.
    pub text_bytes: u64,
    /// The line that it follows, by the word of whoever sent it: what lies between was dropped. `None` where nothing is
    /// said of it, and of what is kept.
    pub follows_line: Option<u64>,
    /// The lines.
    pub lines_zstd: Vec<u8>,
}

impl LogChunk {
    /// The most bytes that a chunk has when it is unpacked.
    pub const MAX_UNPACKED: usize = 1024 * 1024;
    /// The most that unpacking multiplies.
    pub const MAX_RATIO: usize = 100;
    /// The most bytes of text in one line.
    pub const MAX_LINE: usize = 16 * 1024;
    /// The most bytes of one job's log that are kept, as [`Self::weight`] counts them.
    pub const MAX_JOB: u64 = 32 * 1024 * 1024;
    /// Of a longer log, the most bytes that are kept of its beginning; the rest is for its end.
    pub const MAX_HEAD: u64 = 24 * 1024 * 1024;
    /// What a chunk counts at least: as a row it has its price, however little is in it.
    const MIN_WEIGHT: u64 = 1024;

    /// What the chunk counts towards the limits of logs, in bytes.
    pub fn weight(&self) -> u64 {
        Self::weight_of(self.text_bytes)
    }

    /// What a chunk of so many bytes of text counts.
    pub fn weight_of(text_bytes: u64) -> u64 {
        text_bytes.max(Self::MIN_WEIGHT)
    }

    /// Number of the line behind the last one.
    pub fn next_line(&self) -> u64 {
        self.first_line.saturating_add(u64::from(self.line_count))
    }
}
