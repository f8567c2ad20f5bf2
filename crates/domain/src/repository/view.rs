//! Repositories and their credentials as they are shown: without secrets.

use super::{BackendVariable, Credentials, LoginName, RepositoryUrl};
use crate::id::{HostId, RepositoryId};
use crate::name::{Hostname, RepositoryName};
use crate::{ResticRepositoryId, Timestamp};

/// A repository as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryView {
    /// Its id.
    pub id: RepositoryId,
    /// Its name, unique in any case.
    pub name: RepositoryName,
    /// Where it lies.
    pub url: RepositoryUrl,
    /// restic's own id of it; `None` until a job has seen it.
    pub restic_id: Option<ResticRepositoryId>,
    /// The other repositories that hosts found in its place, one per host that did, by the host's id. Empty when all is as
    /// it should be.
    pub replacements: Vec<Replacement>,
    /// With which hosts back up.
    pub everyday: SlotView,
    /// With which snapshots may be removed; `None` when not set.
    pub admin: Option<SlotView>,
    /// How many hosts use it.
    pub host_count: u64,
    /// When it was made known.
    pub created_at: Timestamp,
    /// Raised with every change of name or location.
    pub version: u64,
}

/// Another repository that a host found where the known one should be. The host's backups are held back until an admin has
/// confirmed it, or the host sees the known one again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The host.
    pub host: HostId,
    /// Its name.
    pub hostname: Hostname,
    /// What the host found.
    pub restic_id: ResticRepositoryId,
    /// When the server heard of it.
    pub found_at: Timestamp,
}

/// What is known about one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotView {
    /// The name at the repository's server.
    pub username: Option<LoginName>,
    /// Whether the password that opens the repository is set.
    pub repo_password_set: bool,
    /// Whether the login password is set.
    pub backend_password_set: bool,
    /// The environment variables that are set, in alphabetical order.
    pub backend_env_names: Vec<BackendVariable>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which repository a host uses and what is set for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCredentialsView {
    /// The repository.
    pub repository: RepositoryId,
    /// Where it lies.
    pub url: RepositoryUrl,
    /// What this host opens it with.
    pub slot: SlotView,
    /// Whether the host has a login of its own at a shared repository.
    pub host_override: bool,
}

impl SlotView {
    /// Shows what is set in a slot that was last changed at `updated_at`.
    pub fn new(credentials: &Credentials, updated_at: Timestamp) -> Self {
        let Credentials {
            username,
            repo_password,
            backend_password,
            backend_env,
        } = credentials;
        Self {
            username: username.clone(),
            repo_password_set: repo_password.is_some(),
            backend_password_set: backend_password.is_some(),
            backend_env_names: backend_env.names().collect(),
            updated_at,
        }
    }
}
