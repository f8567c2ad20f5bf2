//! [`Progress`]: the latest numbers of a running job.

use std::time::Duration;

use crate::ByteSize;
use crate::reported::ReportedText;

/// What a running job has done so far. Only the latest is kept.
///
/// Totals are what restic has found until now; they grow until its scan has ended. Source: restic's `status` lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Since restic started, by the host's monotonic clock. Tells an older report from a newer one.
    pub elapsed: Duration,
    /// restic's own guess; `None` until it has one.
    pub remaining: Option<Duration>,
    /// Files read.
    pub files_done: u64,
    /// Files found.
    pub files_total: u64,
    /// Bytes read.
    pub bytes_done: ByteSize,
    /// Bytes found.
    pub bytes_total: ByteSize,
    /// Items that could not be read.
    pub error_count: u64,
    /// Files being read at the moment; at most [`Self::MAX_CURRENT_FILES`].
    pub current_files: Vec<ReportedText<1000>>,
    /// The repository does not answer and restic keeps trying.
    pub waiting_for_repository: bool,
}

impl Progress {
    /// How many of the files being read are kept. restic reads two at a time unless told otherwise.
    pub const MAX_CURRENT_FILES: usize = 8;

    /// Percent of the bytes found, from 0 to 100, rounded down; `None` while nothing was found.
    pub fn percent_done(&self) -> Option<u8> {
        let (done, total) = (self.bytes_done.as_bytes(), self.bytes_total.as_bytes());
        let percent = (u128::from(done) * 100).checked_div(u128::from(total))?;
        Some(u8::try_from(percent.min(100)).unwrap_or(100))
    }
}
