//! How much of the disk that the agent's state lies on is left, and whether an error says that it is full.

use std::error::Error;
use std::io;
use std::path::Path;

/// With less than this no new job begins: its first lines and its end would not be written.
pub const LEAST: u64 = 4 * 1024 * 1024;

/// Bytes that are left for us where a directory lies; `None` when the system does not say.
#[cfg(unix)]
pub fn left(directory: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(directory).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that are left for us where a directory lies.
#[cfg(not(unix))]
pub fn left(_: &Path) -> Option<u64> {
    None
}

/// Whether there is too little for a new job.
pub fn is_short(directory: &Path) -> bool {
    shortage(directory).is_some()
}

/// What too little space means and what to do; `None` while there is enough.
pub fn shortage(directory: &Path) -> Option<String> {
    let left = left(directory).filter(|left| *left < LEAST)?;
    Some(format!(
        "{} KiB are left in {}: jobs are refused, logs have gaps, and ends of jobs are reported when there is space. Free \
         space there; the agent goes on by itself",
        left / 1024,
        directory.display()
    ))
}

/// Whether a disk or a quota is full by this error or one of its causes.
pub fn is_used_up(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let is_full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let boxed = error.downcast_ref::<Box<redb::Error>>().map(|error| &**error);
        let of_database = error.downcast_ref::<redb::Error>().or(boxed);
        let in_database = matches!(of_database, Some(redb::Error::Io(error)) if is_full(error.kind()));
        if io.is_some_and(is_full) || in_database {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable;

    #[test]
    fn a_full_disk_is_found_among_the_causes() {
        let error = |kind| durable::Error::new("write", "/state/file", io::Error::from(kind));

        assert!(is_used_up(&error(io::ErrorKind::StorageFull)));
        assert!(!is_used_up(&error(io::ErrorKind::PermissionDenied)));
        let database = || redb::Error::Io(io::ErrorKind::QuotaExceeded.into());
        assert!(is_used_up(&database()) && is_used_up(&Box::new(database())));
        assert!(!is_used_up(&redb::Error::PreviousIo));
    }

    #[test]
    fn there_is_room_for_a_job_where_there_is_room() {
        let directory = tempfile::tempdir().unwrap();

        assert_eq!(
            is_short(directory.path()),
            left(directory.path()).is_some_and(|left| left < LEAST)
        );
        assert!(!is_short(Path::new("/no/such/directory")));
    }
}
