//! Repositories and their credentials as they are shown: without secrets.

use std::cmp::Reverse;

use super::{BackendVariable, Credentials, LoginName, RepoStatus, RepositoryUrl};
use crate::id::{HostId, RepositoryId};
use crate::name::{Hostname, RepositoryName};
use crate::{ByteSize, ResticRepositoryId, Timestamp};

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
    /// How it is for the hosts that use it, the worst first; see [`worst_first`].
    pub host_states: Vec<HostState>,
    /// Bytes that it takes at its location; `None` until a job has counted.
    pub raw_size: Option<ByteSize>,
    /// Snapshots in it, of all hosts; `None` until a job has counted.
    pub snapshot_count: Option<u64>,
    /// When it was made known.
    pub created_at: Timestamp,
    /// Raised with every change of name or location.
    pub version: u64,
}

/// Hosts that find a repository in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostState {
    /// How it is for them.
    pub status: RepoStatus,
    /// How many they are.
    pub hosts: u64,
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

impl RepositoryView {
    /// How many hosts use it.
    pub fn host_count(&self) -> u64 {
        self.host_states.iter().map(|state| state.hosts).sum()
    }
}

/// Puts the states of a repository in the order in which somebody should look at them; of two that are equally bad, the
/// one of more hosts comes first.
pub fn worst_first(states: &mut [HostState]) {
    let urgency = |status: RepoStatus| match status {
        RepoStatus::Error(_) => 0,
        RepoStatus::InitFailed(_) => 1,
        RepoStatus::Initialising => 2,
        RepoStatus::Pending => 3,
        RepoStatus::Ready => 4,
        RepoStatus::Unset => 5,
    };
    states.sort_by_key(|state| {
        let reason = state.status.detail().map(|detail| detail.to_string());
        (urgency(state.status), Reverse(state.hosts), reason)
    });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_comes_before_what_waits_and_what_is_ready() {
        let state = |word, detail, hosts| HostState {
            status: RepoStatus::from_stored(word, detail).unwrap(),
            hosts,
        };
        let sorted = [
            state("error", "unreachable", 2),
            state("error", "access_denied", 1),
            state("error", "wrong_password", 1),
            state("init_failed", "wrong_password", 9),
            state("initialising", "", 1),
            state("pending", "", 4),
            state("ready", "", 800),
        ];
        let mut states = sorted;
        states.reverse();

        worst_first(&mut states);

        assert_eq!(states, sorted);
    }
}
