//! What this crate refuses to hand to restic ([`Refused`]) and what goes wrong around restic ([`Error`]).

use std::io;
use std::path::PathBuf;

use domain::repository::{BackendVariable, RepositoryKind};

use crate::{MAX_ENTRY_BYTES, Version};

/// A value that must not reach restic. No variant holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A value is empty, begins with `-` or holds a NUL or a line break.
    #[error("{what} must not be empty, begin with `-` or hold control characters")]
    Value {
        /// What the value is, such as `a tag`.
        what: &'static str,
    },
    /// restic would read the comma as the end of one tag and the start of the next.
    #[error("a tag must not hold a comma")]
    CommaInTag,
    /// A backup without any path.
    #[error("a backup needs at least one path")]
    NoSource,
    /// A path is relative, climbs with `..` or holds a NUL.
    #[error("{} is not an absolute path without `..`", path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A path lies inside what is never backed up. restic 0.19 does not apply excludes to a path that it was given by
    /// name.
    #[error("{} belongs to the agent and is never backed up", path.display())]
    OwnPath {
        /// The path.
        path: PathBuf,
    },
    /// rclone is a program whose configuration can start others; restic would start it.
    #[error("repositories behind rclone are not used on this host")]
    Rclone,
    /// A variable that the kind of repository does not read.
    #[error("the variable {variable} is not one that a repository of kind {kind} takes")]
    Variable {
        /// The variable.
        variable: BackendVariable,
        /// The kind of the repository.
        kind: RepositoryKind,
    },
    /// A user name and password for a kind that takes none.
    #[error("a repository of kind {kind} takes no user name and password")]
    Login {
        /// The kind of the repository.
        kind: RepositoryKind,
    },
    /// restic would ask on its stdin, which is closed.
    #[error("the repository's password is empty")]
    EmptyPassword,
    /// restic cuts white space at both ends of a password that it reads from a file, and would then not open the
    /// repository.
    #[error("the repository's password begins or ends with white space, which restic would cut")]
    PaddedPassword,
}

/// Something around restic that went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No restic was found.
    #[error("restic was not found; looked for {}", list(looked_for))]
    Missing {
        /// The files that were tried, in order.
        looked_for: Vec<PathBuf>,
    },
    /// It is older than what is supported.
    #[error("{} is restic {version}; 0.14 is the oldest that is accepted", path.display())]
    TooOld {
        /// The binary.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
    /// The program could not be started.
    #[error("{} could not be started", path.display())]
    Start {
        /// The binary.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The program did not end in time.
    #[error("{} did not answer `version` within {seconds} s", path.display())]
    NoAnswer {
        /// The binary.
        path: PathBuf,
        /// How long it was given.
        seconds: u64,
    },
    /// The program answered something else than a version.
    #[error("{} is not restic: its `version` says no version", path.display())]
    NotRestic {
        /// The binary.
        path: PathBuf,
    },
    /// A listing could not be read, or is not JSON to its end.
    #[error("restic's list ends early or is not a list")]
    BrokenListing {
        /// Where and why reading stopped.
        #[source]
        source: serde_json::Error,
    },
    /// One entry of a listing is larger than any honest one.
    #[error("an entry of restic's list is larger than {MAX_ENTRY_BYTES} bytes")]
    OversizedEntry,
    /// One entry of a listing has no usable id or time.
    #[error("entry {index} of restic's list has no usable {field}")]
    UnusableEntry {
        /// Its place in the list, from 0.
        index: usize,
        /// The field.
        field: &'static str,
    },
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
