//! Tools and services that a test may need and this machine may lack.

use std::env;
use std::ffi::OsString;

/// What to do when something is missing.
const INSTALL: &str = "run the tests with `cargo xtask test`, which brings it";

/// The value of a variable that `cargo xtask test` sets for a service or tool.
///
/// Under CI a missing one is a failure; elsewhere the answer is `None` with a word to the person who runs the test, who
/// then ends it early.
#[track_caller]
pub fn given(variable: &str, what: &str) -> Option<OsString> {
    if let Some(value) = env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(value);
    }
    missing(what);
    None
}

/// Whether a program is on the search path. A missing one is treated as by [`given`].
#[track_caller]
pub fn has_program(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        missing(program);
    }
    found
}

#[track_caller]
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn missing(what: &str) {
    assert!(
        !under_ci(),
        "{what} is missing, and under CI every test must run; {INSTALL}"
    );
    eprintln!("skipped: {what} is missing; {INSTALL}");
}

fn under_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
