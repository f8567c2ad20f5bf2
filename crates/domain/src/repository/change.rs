//! What people ask to be done with repositories.

use super::{CredentialChange, Credentials, RepositoryUrl};
use crate::ResticRepositoryId;
use crate::id::{HostId, RepositoryId};
use crate::name::RepositoryName;

/// Makes a repository known.
#[derive(Debug, Clone)]
pub struct NewRepository {
    /// Its name; `None` takes one from the location.
    pub name: Option<RepositoryName>,
    /// Where it lies.
    pub url: RepositoryUrl,
    /// The everyday slot as it was given, with the login that the location held; see
    /// [`Credentials::for_new_repository`].
    pub credentials: Credentials,
}

/// Renames a repository or gives it another location.
#[derive(Debug, Clone)]
pub struct UpdateRepository {
    /// Which.
    pub id: RepositoryId,
    /// Its new name; `None` keeps the old one.
    pub name: Option<RepositoryName>,
    /// Its new location; `None` keeps the old one.
    pub url: Option<RepositoryUrl>,
    /// The version that was read.
    pub version: u64,
}

/// Says that the repository which lies in the place of the known one is the one to use from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmReplaced {
    /// Which repository.
    pub id: RepositoryId,
    /// restic's own id of the new one, as a host has found it.
    pub restic_id: ResticRepositoryId,
}

/// Sets what a slot of a repository holds.
#[derive(Debug, Clone)]
pub struct SetCredentials {
    /// Of which repository.
    pub id: RepositoryId,
    /// What is set.
    pub change: CredentialChange,
}

/// Sets what a host opens its repository with.
#[derive(Debug, Clone)]
pub struct SetHostCredentials {
    /// Which host.
    pub host: HostId,
    /// Where the repository lies; `None` keeps the host's.
    pub url: Option<RepositoryUrl>,
    /// What is set, with the login that the location held.
    pub change: CredentialChange,
}

/// Gives a host another repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindRepository {
    /// Which host.
    pub host: HostId,
    /// Its repository from then on.
    pub repository: RepositoryId,
    /// The version of the host that was read.
    pub version: u64,
}
