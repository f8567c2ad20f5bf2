//! Playwright's journeys (`integration-tests/e2e`) as a process.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{process, programs};

/// A command that runs the journeys whose file's path matches a regular expression, in a folder of their own. `name` is that of
/// the folder where their traces stay, `packages` are the installed ones, `variables` what the journeys read.
pub fn journeys(
    name: &str,
    files: &str,
    packages: OsString,
    directory: &Path,
    variables: &[(&str, OsString)],
) -> Command {
    fs::create_dir_all(directory).expect("the temporary directory can be written");
    let source = programs::clone().join("integration-tests/e2e");
    for entry in fs::read_dir(&source).expect("the journeys are in the clone") {
        let file = entry.expect("a folder can be read");
        if file.file_type().is_ok_and(|kind| kind.is_file()) {
            fs::copy(file.path(), directory.join(file.file_name())).expect("the temporary directory can be written");
        }
    }
    std::os::unix::fs::symlink(packages, directory.join("node_modules")).expect("there is none yet");
    let mut command = process::command(Path::new("node"), directory);
    command.current_dir(directory);
    command.args(["node_modules/@playwright/test/cli.js", "test", files]);
    command.env("RM_E2E_OUT", output()).env("RM_E2E_NAME", name);
    command.envs(variables.iter().map(|(name, value)| (*name, value)));
    command
}

/// Replaces the documentation's pictures by those that the journeys have made, where `RM_TEST_WRITE_PICTURES` is set.
pub fn keep_pictures() {
    if std::env::var_os("RM_TEST_WRITE_PICTURES").is_none() {
        return;
    }
    let kept = programs::clone().join("docs/src/img/console");
    fs::create_dir_all(&kept).expect("the documentation can be written");
    for entry in fs::read_dir(output().join("pictures")).expect("the journeys have made pictures") {
        let file = entry.expect("a folder can be read");
        fs::copy(file.path(), kept.join(file.file_name())).expect("the documentation can be written");
    }
}

/// Where pictures and traces stay after the test.
fn output() -> PathBuf {
    programs::build_folder()
        .parent()
        .expect("it is below the target folder")
        .join("e2e")
}
