//! The versions of restic that people have, side by side.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::{process, services};

/// A restic of some version.
#[derive(Debug, Clone)]
pub struct Restic {
    /// Its program.
    pub program: PathBuf,
    /// Its version as it says it, such as `0.18.0`.
    pub version: String,
}

/// The versions that `cargo xtask test` brings, the oldest first; `None` where they are not there.
#[track_caller]
pub fn all() -> Option<Vec<Restic>> {
    let paths = services::given("RM_TEST_RESTICS", "restic 0.14, 0.18 and 0.19")?;
    let restics = env::split_paths(&paths).map(|program| {
        let said = process::stdout(&process::run(Command::new(&program).arg("version")));
        let version = said.strip_prefix("restic ").and_then(|rest| rest.split(' ').next());
        Restic {
            version: version.unwrap_or_else(|| panic!("no version: {said:?}")).to_owned(),
            program,
        }
    });
    Some(restics.collect())
}

impl Restic {
    /// The minor version: 14 of 0.14.0.
    pub fn minor(&self) -> u32 {
        let minor = self.version.split('.').nth(1).and_then(|minor| minor.parse().ok());
        minor.unwrap_or_else(|| panic!("{} is no version", self.version))
    }
}
