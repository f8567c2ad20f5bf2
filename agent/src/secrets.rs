//! What opens the repositories, sealed in `secrets.enc` under `secrets.key`.
//!
//! AES-256-GCM-SIV with a random nonce. A file that cannot be read is an error, and storing over it is refused: what lies
//! there may be the only copy, and whoever looks into the cause needs it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use domain::id::RepositoryId;
use domain::repository::RepositoryUrl;
use domain::session::{HeldRepository, Stamp};
use domain::{ResticRepositoryId, Secret};
use zeroize::Zeroizing;

use crate::config::Places;
use crate::durable;
use crate::random::random_bytes;

const MAGIC: &[u8] = b"rm-secrets-1\n";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// The credentials of this host. Read anew for each job; nothing is kept in memory in between.
#[derive(Debug, Clone)]
pub struct Secrets {
    file: PathBuf,
    key: PathBuf,
}

/// Credentials that cannot be read or stored; `agent_secrets_unreadable` to the server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(durable::Error),
    /// The credentials are there, the key is not.
    #[error("{} is missing, so {} cannot be opened", key.display(), file.display())]
    KeyMissing {
        /// The key.
        key: PathBuf,
        /// The credentials.
        file: PathBuf,
    },
    /// The key is not 32 bytes long.
    #[error("{} is not a key: it must have {KEY_BYTES} bytes", path.display())]
    KeySize {
        /// The key.
        path: PathBuf,
    },
    /// Others can read the key, so it may be known.
    #[error("{} can be read by others; its mode must be 0600", path.display())]
    KeyMode {
        /// The key.
        path: PathBuf,
    },
    /// The credentials do not open with the key, or were changed.
    #[error("{} does not open with {}; it was changed or belongs to another key", file.display(), key.display())]
    Sealed {
        /// The credentials.
        file: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The credentials open, but are not what this version writes.
    #[error("{} holds something that this version cannot read", path.display())]
    Content {
        /// The credentials.
        path: PathBuf,
    },
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Stored {
    stamp: Stamp,
    repositories: Vec<StoredRepository>,
    /// What an older agent's configuration held, until the server sends the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    older: Option<Older>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Older {
    url: String,
    password: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct StoredRepository {
    id: RepositoryId,
    url: String,
    username: String,
    repo_password: String,
    backend_password: String,
    backend_env: Vec<(String, String)>,
    restic_id: Option<ResticRepositoryId>,
}

impl Secrets {
    /// Names the files.
    pub fn new(places: &Places) -> Self {
        Self {
            file: places.secrets(),
            key: places.secrets_key(),
        }
    }

    /// Which credentials these are; version 0 when there are none.
    pub fn stamp(&self) -> Result<Stamp, Error> {
        Ok(self.open()?.map(|stored| stored.stamp).unwrap_or_default())
    }

    /// What opens a repository; `None` when this host has no credentials for it.
    pub fn repository(&self, id: RepositoryId) -> Result<Option<HeldRepository>, Error> {
        let stored = self.open()?.unwrap_or_default();
        let found = stored.repositories.into_iter().find(|one| one.id == id);
        Ok(found.map(Into::into))
    }

    /// Where the repositories are, as restic writes it.
    pub fn locations(&self) -> Result<Vec<String>, Error> {
        let stored = self.open()?.unwrap_or_default();
        Ok(stored.repositories.iter().map(|one| one.url.clone()).collect())
    }

    /// Replaces the whole set. Refused while what is stored cannot be read.
    pub fn store(&self, stamp: &Stamp, repositories: &[HeldRepository]) -> Result<(), Error> {
        let older = self.open()?.and_then(|stored| stored.older);
        self.seal(&Stored {
            stamp: stamp.clone(),
            repositories: repositories.iter().map(Into::into).collect(),
            older: older.filter(|older| !repositories.iter().any(|held| older.is_the_same_as(held))),
        })
    }

    /// Adds what an older agent's configuration held. Refused while what is stored cannot be read.
    pub fn keep_older(&self, url: String, password: &Secret<String>) -> Result<(), Error> {
        let stored = self.open()?.unwrap_or_default();
        let password = password.expose().clone();
        self.seal(&Stored {
            older: Some(Older { url, password }),
            ..stored
        })
    }

    /// What an older agent's configuration held and the server has not sent: URL and password of a repository.
    pub fn older(&self) -> Result<Option<(String, Secret<String>)>, Error> {
        let older = self.open()?.and_then(|stored| stored.older);
        Ok(older.map(|older| (older.url.clone(), Secret::new(older.password.clone()))))
    }

    fn seal(&self, stored: &Stored) -> Result<(), Error> {
        let cipher = match self.read_key()? {
            Some(cipher) => cipher,
            None => self.make_key()?,
        };
        let content = || Error::Content {
            path: self.file.clone(),
        };
        let plain = Zeroizing::new(serde_json::to_vec(stored).map_err(|_| content())?);
        let nonce: [u8; NONCE_BYTES] = random_bytes();
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), payload(&plain))
            .map_err(|_| content())?;
        durable::write(&self.file, &[MAGIC, &nonce, &sealed].concat()).map_err(Error::File)
    }

    /// Removes credentials and key.
    pub fn forget(&self) -> Result<(), Error> {
        durable::remove(&self.file)
            .and_then(|()| durable::remove(&self.key))
            .map_err(Error::File)
    }

    fn open(&self) -> Result<Option<Stored>, Error> {
        let Some(content) = durable::read(&self.file).map_err(Error::File)? else {
            return Ok(None);
        };
        let sealed = || Error::Sealed {
            file: self.file.clone(),
            key: self.key.clone(),
        };
        let cipher = self.read_key()?.ok_or_else(|| Error::KeyMissing {
            key: self.key.clone(),
            file: self.file.clone(),
        })?;
        let body = content.strip_prefix(MAGIC).ok_or_else(sealed)?;
        let (nonce, body) = body.split_first_chunk::<NONCE_BYTES>().ok_or_else(sealed)?;
        let plain = cipher
            .decrypt(&Nonce::from(*nonce), payload(body))
            .map_err(|_| sealed())?;
        let plain = Zeroizing::new(plain);
        serde_json::from_slice(&plain).map(Some).map_err(|_| Error::Content {
            path: self.file.clone(),
        })
    }

    fn read_key(&self) -> Result<Option<Aes256GcmSiv>, Error> {
        let Some(key) = durable::read(&self.key).map_err(Error::File)? else {
            return Ok(None);
        };
        let key = Zeroizing::new(key);
        if is_open_to_others(&self.key) {
            return Err(Error::KeyMode { path: self.key.clone() });
        }
        let cipher = Aes256GcmSiv::new_from_slice(&key).map_err(|_| Error::KeySize { path: self.key.clone() })?;
        Ok(Some(cipher))
    }

    fn make_key(&self) -> Result<Aes256GcmSiv, Error> {
        let key: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(random_bytes());
        let failed = |source| Error::File(durable::Error::new("write", &self.key, source));
        let mut file = durable::create_private(&self.key).map_err(failed)?;
        file.write_all(&*key).and_then(|()| file.sync_all()).map_err(failed)?;
        durable::sync_directory(durable::parent(&self.key)).map_err(Error::File)?;
        Ok(Aes256GcmSiv::new(&(*key).into()))
    }
}

impl From<&HeldRepository> for StoredRepository {
    fn from(credentials: &HeldRepository) -> Self {
        let HeldRepository {
            id,
            url,
            username,
            repo_password,
            backend_password,
            backend_env,
            restic_id,
        } = credentials;
        Self {
            id: *id,
            url: url.clone(),
            username: username.clone(),
            repo_password: repo_password.expose().clone(),
            backend_password: backend_password.expose().clone(),
            backend_env: backend_env
                .iter()
                .map(|(name, value)| (name.clone(), value.expose().clone()))
                .collect(),
            restic_id: *restic_id,
        }
    }
}

impl From<StoredRepository> for HeldRepository {
    fn from(mut stored: StoredRepository) -> Self {
        Self {
            id: stored.id,
            url: std::mem::take(&mut stored.url),
            username: std::mem::take(&mut stored.username),
            repo_password: Secret::new(std::mem::take(&mut stored.repo_password)),
            backend_password: Secret::new(std::mem::take(&mut stored.backend_password)),
            backend_env: std::mem::take(&mut stored.backend_env)
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
            restic_id: stored.restic_id,
        }
    }
}

impl Older {
    /// Whether the server holds it too, however it writes the URL.
    fn is_the_same_as(&self, held: &HeldRepository) -> bool {
        let canonical = |url: &str| {
            RepositoryUrl::parse(url)
                .map(|(url, _)| url.canonical().to_owned())
                .ok()
        };
        let is_same_place =
            self.url == held.url || canonical(&self.url).is_some_and(|own| canonical(&held.url) == Some(own));
        is_same_place && self.password == *held.repo_password.expose()
    }
}

impl Drop for Older {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;

        self.password.zeroize();
    }
}

impl Drop for StoredRepository {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;

        self.repo_password.zeroize();
        self.backend_password.zeroize();
        for (_, value) in &mut self.backend_env {
            value.zeroize();
        }
    }
}

fn payload(message: &[u8]) -> Payload<'_, '_> {
    Payload {
        msg: message,
        aad: MAGIC,
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// On Windows the directory's access list decides.
#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_stored_is_read_back_and_nothing_of_it_is_on_the_disk_in_clear() {
        let (_directory, secrets) = secrets();
        let credentials = credentials();

        secrets.store(&stamp(3), std::slice::from_ref(&credentials)).unwrap();

        assert_eq!(secrets.stamp().unwrap(), stamp(3));
        assert_eq!(secrets.repository(credentials.id).unwrap(), Some(credentials));
        assert_eq!(secrets.repository(RepositoryId::from_uuid(Uuid::nil())).unwrap(), None);
        let disk = fs::read(&secrets.file).unwrap();
        for canary in ["repository-canary", "storage-canary", "variable-canary"] {
            assert!(
                !disk.windows(canary.len()).any(|window| window == canary.as_bytes()),
                "{canary}"
            );
        }
    }

    #[test]
    fn a_host_without_credentials_holds_version_zero() {
        let (_directory, secrets) = secrets();

        assert_eq!(secrets.stamp().unwrap(), Stamp::default());
        assert!(!secrets.key.exists());
    }

    #[test]
    fn a_later_set_replaces_the_whole_earlier_one() {
        let (_directory, secrets) = secrets();
        secrets.store(&stamp(1), &[credentials()]).unwrap();

        secrets.store(&stamp(2), &[]).unwrap();

        assert_eq!(secrets.repository(credentials().id).unwrap(), None);
    }

    #[test]
    fn what_an_older_agent_held_stays_until_the_server_sends_the_same() {
        let (_directory, secrets) = secrets();
        let password = || Secret::new("repository-canary".to_owned());
        secrets
            .keep_older("rest:https://backup.example.org/web-1/".to_owned(), &password())
            .unwrap();
        let other = HeldRepository {
            repo_password: Secret::new("another".to_owned()),
            ..credentials()
        };

        assert_eq!(secrets.stamp().unwrap(), Stamp::default());
        secrets.store(&stamp(1), &[other]).unwrap();
        assert_eq!(secrets.older().unwrap().map(|(_, password)| password), Some(password()));
        secrets.store(&stamp(2), &[credentials()]).unwrap();
        assert_eq!(secrets.older().unwrap(), None);
        assert_eq!(secrets.stamp().unwrap(), stamp(2));
    }

    #[test]
    fn an_unreadable_file_is_an_error_and_is_not_written_over() {
        type Damage = fn(&Secrets);
        let damages: [(Damage, &str); 6] = [
            (|secrets| fs::write(&secrets.file, b"torn").unwrap(), "does not open"),
            (|secrets| fs::write(&secrets.file, b"").unwrap(), "does not open"),
            (flip_last_byte, "does not open"),
            (|secrets| fs::write(&secrets.key, [7; 32]).unwrap(), "does not open"),
            (
                |secrets| fs::write(&secrets.key, [7; 16]).unwrap(),
                "must have 32 bytes",
            ),
            (|secrets| fs::remove_file(&secrets.key).unwrap(), "is missing"),
        ];
        for (damage, said) in damages {
            let (_directory, secrets) = secrets();
            secrets.store(&stamp(1), &[credentials()]).unwrap();
            damage(&secrets);
            let before = fs::read(&secrets.file).unwrap();

            let read = secrets.repository(credentials().id).unwrap_err();
            let stored = secrets.store(&stamp(2), &[]).unwrap_err();

            assert!(read.to_string().contains(said), "{read}");
            assert!(stored.to_string().contains(said), "{stored}");
            assert_eq!(fs::read(&secrets.file).unwrap(), before);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_directory, secrets) = secrets();
        secrets.store(&stamp(1), &[]).unwrap();
        fs::set_permissions(&secrets.key, fs::Permissions::from_mode(0o640)).unwrap();

        assert!(matches!(secrets.stamp(), Err(Error::KeyMode { .. })));
    }

    fn flip_last_byte(secrets: &Secrets) {
        let mut content = fs::read(&secrets.file).unwrap();
        *content.last_mut().unwrap() ^= 1;
        fs::write(&secrets.file, content).unwrap();
    }

    fn secrets() -> (tempfile::TempDir, Secrets) {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(None, Some(directory.path().to_owned()));
        (directory, Secrets::new(&places))
    }

    fn stamp(version: u64) -> Stamp {
        Stamp {
            version,
            hash: "ab".repeat(32).into(),
        }
    }

    fn credentials() -> HeldRepository {
        let secret = |text: &str| Secret::new(text.to_owned());
        HeldRepository {
            id: RepositoryId::from_uuid(Uuid::from_u128(4)),
            url: "rest:https://backup.example.org/web-1".to_owned(),
            username: "web-1".to_owned(),
            repo_password: secret("repository-canary"),
            backend_password: secret("storage-canary"),
            backend_env: vec![("AWS_SECRET_ACCESS_KEY".to_owned(), secret("variable-canary"))],
            restic_id: Some("cd".repeat(32).parse().unwrap()),
        }
    }
}
