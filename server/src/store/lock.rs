//! [`DataLock`]: one server per SQLite file.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Error;

/// Holds the lock file beside an SQLite file until it is dropped or the process ends, however it ends.
///
/// SQLite itself would let two servers in. Each would think that it is alone: two sets of sessions, two dispatchers.
#[derive(Debug)]
pub(super) struct DataLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl DataLock {
    /// Makes the database's files if they are missing, readable by the owner only, and takes the lock.
    pub(super) fn take(database: &Path) -> Result<Self, Error> {
        drop(open(database)?);
        let path = PathBuf::from(format!("{}.lock", database.display()));
        let file = open(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(file)),
            Err(Errno::WOULDBLOCK) => Err(Error::InUse { lock: path }),
            Err(errno) => Err(Error::File {
                path,
                source: errno.into(),
            }),
        }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })
}
