//! The file that holds the master key: made once, never overwritten, read only when nobody else can read it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use domain::Secret;
use zeroize::Zeroizing;

use super::Error;
use crate::random::random_bytes;

/// Length of the master key in bytes.
pub(super) const KEY_LEN: usize = 32;

/// Reads the key, or makes one when there is no file yet.
pub(super) fn load_or_create(path: &Path) -> Result<Secret<[u8; KEY_LEN]>, Error> {
    match load(path) {
        Err(Error::ReadKey { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        loaded => return loaded,
    }
    create(path).map_err(|source| Error::CreateKey {
        path: path.to_owned(),
        source,
    })?;
    // Read back instead of trusting memory: another process may have been faster, and then its key counts.
    load(path)
}

fn load(path: &Path) -> Result<Secret<[u8; KEY_LEN]>, Error> {
    let cannot_read = |source| Error::ReadKey {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(cannot_read)?;
    // Asked of the open file, so that nobody can exchange it between the look and the read.
    let mode = file.metadata().map_err(cannot_read)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::KeyTooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    // One byte more than a key has is enough to see that a file is too long.
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_LEN + 1));
    file.take(KEY_LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot_read)?;
    let key = bytes
        .as_slice()
        .try_into()
        .map_err(|_| Error::KeySize { path: path.to_owned() })?;
    Ok(Secret::new(key))
}

/// Writes a new key beside its place and links it there: the key is whole or absent also after a power cut, and an
/// existing file stays as it is.
fn create(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(io::ErrorKind::IsADirectory.into()),
    };
    let unfinished = directory.join(format!(".key-{:016x}", u64::from_be_bytes(random_bytes())));
    let made = write_synced(&unfinished, &Zeroizing::new(random_bytes::<KEY_LEN>()))
        .and_then(|()| fs::hard_link(&unfinished, path));
    let removed = match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    removed?;
    File::open(directory)?.sync_all()
}

fn write_synced(path: &Path, key: &[u8; KEY_LEN]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn the_first_start_makes_a_private_key_and_later_ones_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");

        let made = load_or_create(&path).unwrap();
        let read = load_or_create(&path).unwrap();

        assert_eq!(made, read);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing else is left behind"
        );
    }

    #[test]
    fn processes_that_start_together_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        let start = Barrier::new(8);

        let keys: HashSet<[u8; KEY_LEN]> = thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        *load_or_create(&path).unwrap().expose()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });

        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_and_kept() {
        for mode in [0o640, 0o604, 0o660, 0o601, 0o777] {
            let dir = tempfile::tempdir().unwrap();
            let path = file_with(&dir, &[7; KEY_LEN], mode);

            let refused = load_or_create(&path).unwrap_err();

            assert!(
                matches!(refused, Error::KeyTooOpen { mode: seen, .. } if seen == mode),
                "{refused}"
            );
            assert!(refused.to_string().contains(&format!("{mode:04o}")), "{refused}");
            assert_eq!(fs::read(&path).unwrap(), [7; KEY_LEN]);
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_kept() {
        for length in [0, 31, 33, 65] {
            let dir = tempfile::tempdir().unwrap();
            let path = file_with(&dir, &vec![7; length], 0o600);

            let refused = load_or_create(&path).unwrap_err();

            assert!(matches!(refused, Error::KeySize { .. }), "{length}: {refused}");
            assert_eq!(fs::read(&path).unwrap(), vec![7; length]);
        }
    }

    #[test]
    fn a_read_only_key_of_the_owner_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let path = file_with(&dir, &[7; KEY_LEN], 0o400);

        assert_eq!(load_or_create(&path).unwrap().expose(), &[7; KEY_LEN]);
    }

    #[test]
    fn without_its_directory_no_key_is_made() {
        let dir = tempfile::tempdir().unwrap();

        let refused = load_or_create(&dir.path().join("absent/secret.key")).unwrap_err();

        assert!(matches!(refused, Error::CreateKey { .. }), "{refused}");
    }

    #[test]
    fn something_that_is_not_a_file_is_an_error_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();

        let refused = load_or_create(&path).unwrap_err();

        assert!(matches!(refused, Error::ReadKey { .. }), "{refused}");
        assert!(path.is_dir());
    }

    fn file_with(dir: &tempfile::TempDir, content: &[u8], mode: u32) -> std::path::PathBuf {
        let path = dir.path().join("secret.key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}
