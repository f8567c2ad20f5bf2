//! A wall clock that a test sets while a program runs, by Debian's `faketime`. The program's monotonic clock stays the real one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::services;

/// Where Debian puts the library, below the folder of each architecture.
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// The wall clock of a program.
#[derive(Debug)]
pub struct FakeTime {
    file: PathBuf,
    library: PathBuf,
}

impl FakeTime {
    /// A clock that goes right. `None` where `faketime` is missing.
    #[track_caller]
    pub fn new(directory: &Path) -> Option<Self> {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok);
        let library = folders
            .map(|folder| folder.path().join(LIBRARY))
            .find(|path| path.is_file());
        let Some(library) = library else {
            services::missing("faketime");
            return None;
        };
        fs::create_dir_all(directory).expect("the temporary directory can be written");
        let clock = Self {
            file: directory.join("clock"),
            library,
        };
        clock.set("+0");
        Some(clock)
    }

    /// Sets the clock so far off the right time, such as `+3y`, `-2h` or `+0`.
    pub fn set(&self, offset: &str) {
        // Moved into its place, so that it is never read half written.
        let new = self.file.with_extension("new");
        fs::write(&new, offset).expect("the temporary directory can be written");
        fs::rename(new, &self.file).expect("the temporary directory can be written");
    }

    /// The environment of the program.
    pub fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("LD_PRELOAD", self.library.to_str().expect("paths of tests are text")),
            (
                "FAKETIME_TIMESTAMP_FILE",
                self.file.to_str().expect("paths of tests are text"),
            ),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_NO_CACHE", "1"),
        ]
    }
}
