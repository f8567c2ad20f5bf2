//! A job's log and progress on a terminal, or as plain lines.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value;

/// Where log and progress go.
pub(crate) struct Screen {
    is_terminal: bool,
    /// Whether the last thing on the terminal is a progress line that may be written over.
    shows_progress: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
            shows_progress: false,
        }
    }

    /// Prints lines of the log, without those that restic writes for programs.
    pub(crate) fn lines(&mut self, event: &Value) {
        self.erase();
        let lines = event["lines"].as_array().into_iter().flatten();
        let texts = lines.filter_map(|line| line["payload"].as_str());
        for text in texts.filter(|text| !text.starts_with("{\"message_type\"")) {
            println!("  │ {text}");
        }
    }

    /// Prints the latest numbers, on a terminal over the ones before.
    pub(crate) fn progress(&mut self, event: &Value) {
        self.erase();
        let text = numbers(event);
        if self.is_terminal {
            print!("  {text}");
            // A terminal that is gone is noticed elsewhere.
            io::stdout().flush().ok();
            self.shows_progress = true;
        } else {
            println!("  {text}");
        }
    }

    /// Leaves the last numbers standing.
    pub(crate) fn finish(self) {
        if self.shows_progress {
            println!();
        }
    }

    fn erase(&mut self) {
        if self.shows_progress {
            print!("\r\x1b[K");
            self.shows_progress = false;
        }
    }
}

/// What a finished backup has done, in one line.
pub(crate) fn outcome(summary: &Value) -> String {
    let size = |field| bytes(count(&summary[field]));
    format!(
        "{} files with {}; {} of it new, which take {} in the repository",
        count(&summary["total_files_processed"]),
        size("total_bytes_processed"),
        size("data_added"),
        size("data_added_packed")
    )
}

fn numbers(progress: &Value) -> String {
    if progress["waiting_for_repository"] == true {
        return "waiting for the repository".to_owned();
    }
    let percent = progress["percent_done"].as_f64().unwrap_or_default() * 100.0;
    format!(
        "{percent:3.0} %  {} of {} files, {} of {}",
        count(&progress["files_done"]),
        count(&progress["total_files"]),
        bytes(count(&progress["bytes_done"])),
        bytes(count(&progress["total_bytes"]))
    )
}

/// A 64-bit number, which JSON carries as text.
fn count(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// One decimal is enough to see that something moves; what is below a mebibyte is not rounded to nothing.
fn bytes(count: u64) -> String {
    let (unit, name) = match count {
        0..1024 => return format!("{count} B"),
        1024..1_048_576 => (1 << 10, "KiB"),
        _ => (1 << 20, "MiB"),
    };
    let tenths = count * 10 / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_outcome_says_how_much_was_saved() {
        let summary = json!({
            "total_files_processed": "432", "total_bytes_processed": "1048576", "data_added": "524288",
            "data_added_packed": "709"
        });

        assert_eq!(
            outcome(&summary),
            "432 files with 1.0 MiB; 512.0 KiB of it new, which take 709 B in the repository"
        );
    }

    #[test]
    fn numbers_are_what_a_person_wants_to_know() {
        let progress = json!({
            "percent_done": 0.425, "files_done": "17", "total_files": "40", "bytes_done": "1572864", "total_bytes": "3670016"
        });

        assert_eq!(numbers(&progress), " 42 %  17 of 40 files, 1.5 MiB of 3.5 MiB");
        assert_eq!(
            numbers(&json!({ "waiting_for_repository": true })),
            "waiting for the repository"
        );
    }
}
