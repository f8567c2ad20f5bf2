//! What the sandbox of the agent's service leaves read-only, and the way out.
//!
//! The unit of the install script makes the whole file system read-only but for the agent's own directories. That suits
//! every repository but one in a local directory, which then needs a line in a drop-in.

use std::path::{Path, PathBuf};

use domain::job::{FailureCause, FailureCode};
use rustix::fs::{StatVfsMountFlags, statvfs};

/// What an operator does about it.
pub const WAY_OUT: &str = "the file system is read-only for the agent; if the repository is a directory of this host, let \
                           the service write there: run `systemctl edit restic-manager-agent`, add the lines `[Service]` \
                           and `ReadWritePaths=` with that directory, and restart the service";

/// Adds the way out to a failure that the sandbox may be the cause of.
pub fn explained(cause: FailureCause) -> FailureCause {
    let is_read_only = cause.code == FailureCode::AccessDenied
        && cause.message.as_str().to_lowercase().contains("read-only file system");
    if !is_read_only {
        return cause;
    }
    FailureCause {
        message: format!("{WAY_OUT} ({})", cause.message).into(),
        ..cause
    }
}

/// Whether a process sees a directory on a read-only file system. For one that is missing its nearest parent counts, where
/// it would be made. `None` when that cannot be seen, which takes root.
pub fn is_read_only(directory: &Path, process: u32) -> Option<bool> {
    // The process's own view, with what its sandbox mounted.
    let root = PathBuf::from(format!("/proc/{process}/root"));
    let there = directory.ancestors().find_map(|place| {
        let place = root.join(place.strip_prefix("/").ok()?);
        statvfs(&place).ok()
    });
    there.map(|file_system| file_system.f_flag.contains(StatVfsMountFlags::RDONLY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_read_only_file_system_is_explained() {
        let cause = |code, message: &str| FailureCause {
            code,
            exit_code: Some(1),
            message: message.into(),
        };

        let read_only = explained(cause(FailureCode::AccessDenied, "mkdir /srv/x: read-only file system"));
        let others = [
            cause(FailureCode::AccessDenied, "open /srv/x: permission denied"),
            cause(FailureCode::Exit(1), "cache: read-only file system"),
        ];

        assert!(read_only.message.as_str().contains("ReadWritePaths="), "{read_only:?}");
        assert!(
            read_only
                .message
                .as_str()
                .ends_with("(mkdir /srv/x: read-only file system)")
        );
        for other in others {
            assert_eq!(explained(other.clone()), other);
        }
    }

    #[test]
    fn a_directory_that_can_be_written_is_not_read_only_nor_is_one_to_be_made_there() {
        let directory = tempfile::tempdir().unwrap();
        let own = std::process::id();

        assert_eq!(is_read_only(directory.path(), own), Some(false));
        assert_eq!(is_read_only(&directory.path().join("not/yet"), own), Some(false));
    }
}
