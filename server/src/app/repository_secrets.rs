//! Credentials of repositories at rest: one sealed document per place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::id::{HostId, RepositoryId};
use domain::repository::{BackendEnv, CredentialChange, Credentials, RepositoryKind, RepositoryPassword};
use domain::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::repositories::{everyday_slot, own_slot};
use super::{App, Error};
use crate::secrets::{Address, Keyring, Sealed};
use crate::store::{CredentialKey, ReadTx, Repository, StoredCredentials, Tx};

/// What is sealed. Parts that are not set are absent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repo_password: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend_password: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    backend_env: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl App {
    /// What the everyday slot of a repository holds.
    pub(super) async fn everyday(&self, tx: &ReadTx, repository: &Repository) -> Result<Credentials, Error> {
        let slot = self
            .read_slot(tx, repository.url.kind(), everyday_slot(repository.id))
            .await?;
        Ok(slot.map(|(credentials, _)| credentials).unwrap_or_default())
    }

    /// What a host opens its repository with: the everyday slot, and over it the login of its own where it has one.
    pub(super) async fn credentials_of_host(
        &self,
        tx: &ReadTx,
        repository: &Repository,
        host: HostId,
    ) -> Result<Credentials, Error> {
        let everyday = self.everyday(tx, repository).await?;
        let own = self
            .read_slot(tx, repository.url.kind(), own_slot(repository.id, host))
            .await?;
        Ok(match own {
            Some((own, _)) => everyday.with_own_login(own),
            None => everyday,
        })
    }

    /// Whether a host has a password for its repository. One that is stored and does not open is one: the host may hold it, and
    /// otherwise its jobs say what to do.
    pub(super) async fn is_password_set(
        &self,
        tx: &ReadTx,
        repository: &Repository,
        host: HostId,
    ) -> Result<bool, Error> {
        match self.credentials_of_host(tx, repository, host).await {
            Err(Error::Failed { .. }) => Ok(true),
            credentials => Ok(credentials?.opens()),
        }
    }

    /// Reads a slot for a list or a page. One that does not open is reported to whoever runs the server and shown as not set,
    /// so that it is entered again; what is shown beside it does not depend on it.
    pub(super) async fn slot_to_show(
        &self,
        tx: &ReadTx,
        kind: RepositoryKind,
        key: CredentialKey,
    ) -> Result<Option<(Credentials, Timestamp)>, Error> {
        match self.read_slot(tx, kind, key).await {
            Err(error @ Error::Failed { .. }) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(repository.id = %key.repository, error, "credentials are shown as not set: they do not open");
                Ok(None)
            }
            slot => slot,
        }
    }

    /// Reads and opens credentials of a repository of this kind, with the time of their last change.
    pub(super) async fn read_slot(
        &self,
        tx: &ReadTx,
        kind: RepositoryKind,
        key: CredentialKey,
    ) -> Result<Option<(Credentials, Timestamp)>, Error> {
        let Some(stored) = tx.credentials(key).await? else {
            return Ok(None);
        };
        let credentials = open(&self.0.keyring, &address(key), kind, &stored.sealed)?;
        Ok(Some((credentials, stored.updated_at)))
    }

    /// Seals and writes credentials.
    pub(super) async fn write_slot(
        &self,
        tx: &Tx,
        key: CredentialKey,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sealed = seal(&self.0.keyring, &address(key), credentials)?;
        tx.put_credentials(&StoredCredentials {
            key,
            sealed,
            updated_at: now,
        })
        .await?;
        Ok(())
    }

    /// Makes all credentials of a repository those of one of another kind. They count as unchanged.
    pub(super) async fn fit_slots(
        &self,
        tx: &Tx,
        before: RepositoryKind,
        after: RepositoryKind,
        repository: RepositoryId,
    ) -> Result<(), Error> {
        for stored in tx.repository_credentials(repository).await? {
            let credentials = open(&self.0.keyring, &address(stored.key), before, &stored.sealed)?;
            self.write_slot(tx, stored.key, &credentials.for_kind(after), stored.updated_at)
                .await?;
        }
        Ok(())
    }
}

/// What a change of credentials begins from: what is stored. Where that does not open, whoever runs the server was told to
/// enter it again, so a change that brings the repository's password begins from the user name alone.
pub(super) fn to_change(
    stored: Result<Credentials, Error>,
    repository: &Repository,
    change: &CredentialChange,
) -> Result<Credentials, Error> {
    match stored {
        Err(Error::Failed { .. }) if change.repo_password.is_some() => {
            tracing::warn!(repository.id = %repository.id, "credentials that did not open are replaced by those that were entered");
            Ok(Credentials {
                username: repository.username.clone(),
                ..Credentials::default()
            })
        }
        stored => stored,
    }
}

fn address(key: CredentialKey) -> Address {
    Address::new("repository_credentials", "sealed", key)
}

/// Seals credentials for one place in the database.
pub(super) fn seal(keyring: &Keyring, address: &Address, credentials: &Credentials) -> Result<Sealed, Error> {
    let Credentials {
        username,
        repo_password,
        backend_password,
        backend_env,
    } = credentials;
    let document = Document {
        username: username.as_ref().map(|name| name.as_str().into()),
        repo_password: repo_password
            .as_ref()
            .map(|password| password.secret().expose().as_str().into()),
        backend_password: backend_password
            .as_ref()
            .map(|password| password.expose().as_str().into()),
        backend_env: backend_env
            .iter()
            .map(|(variable, value)| (variable.as_str().into(), value.expose().as_str().into()))
            .collect(),
    };
    let json = serde_json::to_vec(&document).map_err(|error| Error::failed("writing credentials", error))?;
    Ok(keyring.seal(address, &Secret::new(json)))
}

/// Opens the credentials of a repository of this kind at the place they were read from. That they do not open is a failure
/// and never "no credentials".
pub(super) fn open(
    keyring: &Keyring,
    address: &Address,
    kind: RepositoryKind,
    sealed: &Sealed,
) -> Result<Credentials, Error> {
    let json = keyring
        .open(address, sealed)
        .map_err(|error| Error::failed("opening credentials", error))?;
    let Document {
        username,
        repo_password,
        backend_password,
        backend_env,
    } = serde_json::from_slice(json.expose())
        // The cause would quote the document.
        .map_err(|_| Error::failed("reading credentials", "the sealed document is not one of credentials"))?;
    let secret = |text: Cow<'_, str>| Secret::new(text.into_owned());
    let backend_env = backend_env.into_iter().map(|(name, value)| (name, secret(value)));
    Ok(Credentials {
        username: username
            .map(|name| name.parse())
            .transpose()
            .map_err(|error| Error::failed("reading credentials", error))?,
        repo_password: repo_password
            .map(|password| RepositoryPassword::new(secret(password)))
            .transpose()
            .map_err(|error| Error::failed("reading credentials", error))?,
        backend_password: backend_password.map(secret),
        backend_env: BackendEnv::parse(kind, backend_env)
            .map_err(|error| Error::failed("reading credentials", error))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_back_as_they_were_sealed() {
        let credentials = full();

        let sealed = seal(&keyring(), &place("a"), &credentials).unwrap();
        let opened = open(&keyring(), &place("a"), RepositoryKind::B2, &sealed).unwrap();

        assert_eq!(opened, credentials);
        assert!(!sealed.as_bytes().windows(6).any(|part| part == b"canary"));
    }

    #[test]
    fn what_is_not_set_stays_absent() {
        let sealed = seal(&keyring(), &place("a"), &Credentials::default()).unwrap();

        let opened = open(&keyring(), &place("a"), RepositoryKind::Local, &sealed).unwrap();

        assert_eq!(opened, Credentials::default());
    }

    #[test]
    fn what_does_not_open_or_makes_no_sense_is_a_failure_that_shows_nothing() {
        let sealed = seal(&keyring(), &place("a"), &full()).unwrap();
        let nonsense = keyring().seal(&place("a"), &Secret::new(br#"{"canary":"canary"}"#.to_vec()));
        for (row, kind, sealed) in [
            ("b", RepositoryKind::B2, &sealed),
            ("a", RepositoryKind::S3, &sealed),
            ("a", RepositoryKind::B2, &nonsense),
        ] {
            let failed = open(&keyring(), &place(row), kind, sealed).unwrap_err();

            assert_eq!(failed.code(), None);
            assert!(!format!("{failed:?}").contains("canary"), "{failed:?}");
        }
    }

    fn full() -> Credentials {
        let secret = |text: &str| Secret::new(text.to_owned());
        Credentials {
            username: Some("web".parse().unwrap()),
            repo_password: Some(RepositoryPassword::new(secret("canary one")).unwrap()),
            backend_password: Some(secret("canary \"two\"")),
            backend_env: BackendEnv::parse(RepositoryKind::B2, [("B2_ACCOUNT_KEY", secret("canary three"))]).unwrap(),
        }
    }

    fn place(row: &str) -> Address {
        Address::new("repository_credentials", "sealed", row)
    }

    fn keyring() -> Keyring {
        Keyring::from_key(&Secret::new([7; 32]))
    }
}
