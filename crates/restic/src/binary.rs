//! [`Binary`]: the restic on this host. Finds it and asks for its version; the only place that starts a process.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::{Capabilities, Error, Support, Version};

/// `restic version` takes 20 ms; a host that swaps gets more.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The answer is one line of about 100 bytes.
const MAX_ANSWER_BYTES: u64 = 16 * 1024;

#[cfg(unix)]
const FILE_NAME: &str = "restic";
#[cfg(not(unix))]
const FILE_NAME: &str = "restic.exe";

/// Where to look for restic. The first place that has one wins.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The file named by the configuration. When set, no other place is tried: another restic than the one asked for
    /// would be a surprise.
    pub configured: Option<PathBuf>,
    /// The search path, as in `PATH`. Relative entries are passed over.
    pub path: Option<OsString>,
    /// A directory to look in last, such as the one of the agent's own binary.
    pub beside: Option<PathBuf>,
}

/// A restic that answered with a version that is supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    path: PathBuf,
    capabilities: Capabilities,
    stamp: Stamp,
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Binary {
    /// Finds restic and asks for its version, for up to ten seconds.
    ///
    /// Errors: [`Error::Missing`], [`Error::TooOld`], [`Error::Start`], [`Error::NoAnswer`], [`Error::NotRestic`].
    pub fn find(search: &Search) -> Result<Self, Error> {
        let candidates = search.candidates();
        let found = candidates
            .iter()
            .find_map(|path| Some((path, fs::metadata(path).ok().filter(is_program)?)));
        match found {
            Some((path, metadata)) => Self::ask(path, &metadata, ANSWER_WITHIN),
            None => Err(Error::Missing { looked_for: candidates }),
        }
    }

    fn ask(path: &Path, metadata: &Metadata, within: Duration) -> Result<Self, Error> {
        let version =
            Version::from_output(&answer(path, within)?).ok_or_else(|| Error::NotRestic { path: path.to_owned() })?;
        if version.support() == Support::TooOld {
            return Err(Error::TooOld {
                path: path.to_owned(),
                version,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            capabilities: Capabilities::of(version),
            stamp: Stamp::of(metadata),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it can do; holds its version.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether the file is still the one that was asked. When not, it was replaced or removed: find it again.
    pub fn is_current(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| Stamp::of(&metadata) == self.stamp)
    }
}

impl Search {
    fn candidates(&self) -> Vec<PathBuf> {
        if let Some(configured) = &self.configured {
            return vec![configured.clone()];
        }
        let on_path = self.path.iter().flat_map(std::env::split_paths);
        on_path
            .chain(self.beside.clone())
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(FILE_NAME))
            .collect()
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
        }
    }
}

#[cfg(unix)]
fn is_program(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_program(metadata: &Metadata) -> bool {
    metadata.is_file()
}

fn answer(path: &Path, within: Duration) -> Result<String, Error> {
    let start = |source| Error::Start {
        path: path.to_owned(),
        source,
    };
    let mut child = Command::new(path)
        .args(["version", "--json"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(start)?;
    let answer = child.stdout.take().map(|stdout| read_within(stdout, within));
    // The answer is all that counts: whatever still runs has no more to say, and killing what has ended is harmless.
    let _ = child.kill();
    child.wait().map_err(start)?;
    answer.flatten().ok_or_else(|| Error::NoAnswer {
        path: path.to_owned(),
        seconds: within.as_secs(),
    })
}

/// Reads to the end on a thread of its own, since a pipe cannot be read with a deadline. The thread ends with the
/// child, whose end of the pipe closes.
fn read_within(stdout: ChildStdout, within: Duration) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver.recv_timeout(within).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    // The programs are committed files: one written by the test could still be open for writing in a process that
    // another test forks at the same moment, and would not start ("text file busy").

    #[test]
    fn a_configured_path_is_the_only_place_that_counts() {
        let search = Search {
            configured: Some("/nonexistent/restic".into()),
            path: Some(program("text").into()),
            beside: None,
        };

        let error = Binary::find(&search).unwrap_err();

        assert_eq!(
            error.to_string(),
            "restic was not found; looked for /nonexistent/restic"
        );
    }

    #[test]
    fn the_search_path_comes_before_the_agents_own_directory() {
        let search = Search {
            configured: None,
            path: Some(std::env::join_paths(["relative".into(), "/nonexistent".into(), program("text")]).unwrap()),
            beside: Some(program("json")),
        };

        let on_path = Binary::find(&search).unwrap();
        let beside = Binary::find(&Search { path: None, ..search }).unwrap();

        assert_eq!(on_path.path(), program("text").join("restic"));
        assert_eq!(on_path.capabilities().version, Version::new(0, 14, 0));
        assert_eq!(beside.capabilities().version, Version::new(0, 18, 0));
    }

    #[test]
    fn a_file_that_may_not_be_executed_is_passed_over() {
        let search = Search {
            path: Some(std::env::join_paths([program("not-executable"), program("json")]).unwrap()),
            ..Search::default()
        };

        let found = Binary::find(&search).unwrap();

        assert_eq!(found.path(), program("json").join("restic"));
    }

    #[test]
    fn a_program_that_is_no_restic_or_too_old_is_refused() {
        let foreign = Binary::find(&configured("foreign")).unwrap_err();
        let old = Binary::find(&configured("old")).unwrap_err();

        assert!(matches!(foreign, Error::NotRestic { .. }), "{foreign}");
        assert!(
            matches!(old, Error::TooOld { version, .. } if version == Version::new(0, 12, 1)),
            "{old}"
        );
    }

    #[test]
    fn a_program_that_does_not_answer_is_given_up() {
        let path = program("silent").join("restic");
        let metadata = fs::metadata(&path).unwrap();

        let error = Binary::ask(&path, &metadata, Duration::from_millis(100)).unwrap_err();

        assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
    }

    #[test]
    fn a_replaced_binary_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("restic");
        symlink(program("text").join("restic"), &link).unwrap();
        let binary = Binary::find(&Search {
            configured: Some(link.clone()),
            ..Search::default()
        })
        .unwrap();
        assert!(binary.is_current());

        fs::remove_file(&link).unwrap();
        let removed = binary.is_current();
        symlink(program("json").join("restic"), &link).unwrap();
        let replaced = binary.is_current();

        assert!(!removed && !replaced);
    }

    fn configured(name: &str) -> Search {
        Search {
            configured: Some(program(name).join("restic")),
            ..Search::default()
        }
    }

    /// A directory with a program called `restic` in it.
    fn program(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
    }
}
