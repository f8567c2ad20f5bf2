//! Files that survive a power cut whole: the old content or the new, never a part of either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file or directory that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {}", path.display())]
pub struct Error {
    /// What was tried, such as `write`.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

impl Error {
    /// Names what was tried and where.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self {
            action,
            path: path.into(),
            source,
        }
    }
}

/// Writes a file that only its owner can read: a temporary file beside it, fsync, rename, fsync of the directory.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    write_as(path, content, None)
}

/// Writes a file in place of another, with the mode that the other has.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let old = fs::metadata(path).map_err(|source| Error::new("read", path, source))?;
    write_as(path, content, Some(old.permissions()))
}

fn write_as(path: &Path, content: &[u8], permissions: Option<fs::Permissions>) -> Result<(), Error> {
    let temporary = sibling(path);
    // One that an earlier crash left behind is ours alone and of no use.
    remove(&temporary)?;
    let fail = |action| {
        let path = path.to_owned();
        move |source| Error::new(action, path, source)
    };
    let mut file = create_private(&temporary).map_err(fail("write"))?;
    let written = file
        .write_all(content)
        .and_then(|()| permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions)))
        .and_then(|()| file.sync_all());
    drop(file);
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    renamed.map_err(fail("write"))?;
    sync_directory(parent(path))
}

/// Writes over what a file holds, in the space that it has. A crash in the middle leaves neither the old content nor the new.
pub fn overwrite(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(|source| Error::new("write", path, source))?;
    file.write_all(content)
        .and_then(|()| file.set_len(u64::try_from(content.len()).unwrap_or(u64::MAX)))
        .map_err(|source| Error::new("write", path, source))
}

/// Takes the space for a file that [`write_reserved`] writes later, up to so many bytes.
pub fn reserve(path: &Path, bytes: usize) -> Result<(), Error> {
    let reserved = sibling(path);
    let fail = |source| Error::new("write", path, source);
    let mut file = create_private(&reserved).map_err(fail)?;
    file.write_all(&vec![b' '; bytes])
        .and_then(|()| file.sync_all())
        .map_err(fail)
}

/// Writes a file into the space that was taken for it, and then gives it its name: on a full disk, too.
pub fn write_reserved(path: &Path, content: &[u8]) -> Result<(), Error> {
    let reserved = sibling(path);
    let fail = |source| Error::new("write", path, source);
    let mut file = OpenOptions::new().write(true).open(&reserved).map_err(fail)?;
    file.write_all(content)
        .and_then(|()| file.set_len(u64::try_from(content.len()).unwrap_or(u64::MAX)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&reserved, path))
        .map_err(fail)?;
    sync_directory(parent(path))
}

/// Creates a file that only its owner can read. Errors when it exists.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Makes a directory that only its owner can enter, with the ones above it. One that exists keeps its mode.
pub fn create_directory(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder
        .create(path)
        .map_err(|source| Error::new("create the directory", path, source))
}

/// Makes the entries of a directory survive a power cut.
pub fn sync_directory(path: &Path) -> Result<(), Error> {
    if cfg!(windows) {
        // NTFS keeps a journal of its own, and a directory cannot be opened as a file.
        return Ok(());
    }
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| Error::new("write", path, source))
}

/// Reads a file; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::new("read", path, source)),
    }
}

/// Removes a file; it is no error when there is none.
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::new("remove", path, source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes a directory with all in it; it is no error when there is none.
pub fn remove_directory(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::new("remove", path, source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The directory that a path lies in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

fn sibling(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");

        write(&path, b"a long first content").unwrap();
        fs::write(sibling(&path), b"left by a crash").unwrap();
        write(&path, b"second").unwrap();

        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"second"[..]));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::create_dir(&path).unwrap();

        let refused = write(&path, b"content").unwrap_err();

        assert_eq!(refused.action, "write");
        assert!(path.is_dir());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_whose_space_was_taken_before_is_there_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");

        reserve(&path, 100).unwrap();
        assert!(read(&path).unwrap().is_none());
        write_reserved(&path, b"the content").unwrap();
        overwrite(&path, b"other").unwrap();

        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"other"[..]));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn files_and_directories_are_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("a/b");

        create_directory(&inner).unwrap();
        write(&inner.join("file"), b"").unwrap();

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("file"))), (0o700, 0o600));
    }

    #[test]
    fn what_is_not_there_is_none_and_can_be_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");

        assert!(read(&path).unwrap().is_none());
        assert!(remove(&path).is_ok() && remove_directory(&path).is_ok());
    }
}
