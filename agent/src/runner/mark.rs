//! [`Mark`]: how far the output of one restic is in the job's log, for an agent that is started anew.
//!
//! A mark is written about once a second, so lines are logged that it does not know of when the agent is killed. They are
//! in the log, though: whoever goes on from a mark reads the output from there, and leaves out as many lines of each
//! stream as the log holds behind it ([`Mark::logged_since`]). No line is logged twice, and none is left out. Where a mark or a
//! line could not be written, as on a full disk, lines may be there twice.

use std::io;
use std::path::Path;

use super::log::{FromRestic, LogWriter};

/// The file in the directory of the run.
const FILE: &str = "offsets.json";
const TEMPORARY: &str = "offsets.new";

/// A moment in which all that was read was logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Mark {
    /// Bytes of standard output.
    pub(super) stdout: u64,
    /// Bytes of standard error.
    pub(super) stderr: u64,
    /// Lines in the job's log.
    pub(super) log_lines: u64,
}

impl Mark {
    /// Reads the run's mark; `None` before its first.
    pub(super) fn read(step: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(step.join(FILE)).ok()?).ok()
    }

    /// Writes it. Not synchronised with the disk: what ends the machine ends restic too.
    pub(super) fn write(self, step: &Path) -> io::Result<()> {
        let temporary = step.join(TEMPORARY);
        std::fs::write(&temporary, serde_json::to_vec(&self)?)?;
        std::fs::rename(temporary, step.join(FILE))
    }

    /// The lines of restic that were logged after this mark. Where the middle of a log that is too long has gone, those
    /// that are left.
    pub(super) fn logged_since(self, log: &LogWriter) -> io::Result<FromRestic> {
        log.restic_lines_behind(self.log_lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again() {
        let step = tempfile::tempdir().unwrap();
        let mark = Mark {
            stdout: 1,
            stderr: 2,
            log_lines: 3,
        };

        assert_eq!(Mark::read(step.path()), None);
        mark.write(step.path()).unwrap();
        assert_eq!(Mark::read(step.path()), Some(mark));
    }

    #[test]
    fn offsets_without_the_length_of_the_log_are_no_mark() {
        let step = tempfile::tempdir().unwrap();
        std::fs::write(step.path().join(FILE), r#"{"stdout":1,"stderr":2}"#).unwrap();

        // Taken for the start of the log, they would make new lines look logged.
        assert_eq!(Mark::read(step.path()), None);
    }
}
