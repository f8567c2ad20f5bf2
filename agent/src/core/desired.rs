//! Desired state: whole sets that the server wants the host to hold, each with a version that only grows.

use std::collections::BTreeMap;

use domain::id::RepositoryId;
use domain::{ResticRepositoryId, Secret};

/// A part of the desired state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DesiredKind {
    /// Repositories and what opens them.
    Credentials,
    /// Settings.
    Settings,
    /// Certificates to trust.
    TrustBundle,
}

/// Which state of a part it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// Grows with every change; 0 when nothing was ever stored.
    pub version: u64,
    /// SHA-256 of the set, as the server sent it; empty when nothing was ever stored.
    pub hash: String,
}

/// A whole part, as it should be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// Repositories and what opens them; the host's default repository first.
    Credentials(Vec<RepositoryCredentials>),
    /// Settings.
    Settings(Settings),
    /// Root certificates, PEM.
    TrustBundle(String),
}

/// One repository and what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryCredentials {
    /// The repository.
    pub repository: RepositoryId,
    /// Its location, without user name and password.
    pub url: String,
    /// User name at its storage; empty when none.
    pub username: String,
    /// What opens it.
    pub repo_password: Secret<String>,
    /// Login password at its storage; empty when none.
    pub backend_password: Secret<String>,
    /// What its backend reads from the environment.
    pub backend_env: BTreeMap<String, Secret<String>>,
    /// restic's own id of it; `None` until a job has seen it.
    pub restic_repository: Option<ResticRepositoryId>,
}

/// How jobs run on this host.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Settings {
    /// The name that restic records in snapshots.
    pub restic_host: String,
    /// Upload limit in KiB per second; 0: none.
    pub limit_upload_kib_s: u32,
    /// Download limit in KiB per second; 0: none.
    pub limit_download_kib_s: u32,
}

/// What the host holds of each part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    stamps: BTreeMap<DesiredKind, Stamp>,
}

/// What to do with a part that the server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is to be stored.
    Store,
    /// It is held already.
    Held,
    /// It is older than what is held, so it is refused.
    Older {
        /// The version that is held.
        held: u64,
    },
}

impl DesiredKind {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Credentials, Self::Settings, Self::TrustBundle];
}

impl Desired {
    /// Which part it is.
    pub fn kind(&self) -> DesiredKind {
        match self {
            Self::Credentials(_) => DesiredKind::Credentials,
            Self::Settings(_) => DesiredKind::Settings,
            Self::TrustBundle(_) => DesiredKind::TrustBundle,
        }
    }
}

impl Applied {
    /// What is held of a part; version 0 when nothing was ever stored.
    pub fn stamp(&self, kind: DesiredKind) -> Stamp {
        self.stamps.get(&kind).cloned().unwrap_or_default()
    }

    /// Notes that a part was stored.
    pub fn set(&mut self, kind: DesiredKind, stamp: Stamp) {
        self.stamps.insert(kind, stamp);
    }

    /// A version never goes back: an old copy of the server, or a message of an old session, must not undo a change.
    pub(super) fn judge(&self, kind: DesiredKind, offered: &Stamp) -> Verdict {
        let held = self.stamp(kind);
        if offered.version < held.version {
            Verdict::Older { held: held.version }
        } else if *offered == held {
            Verdict::Held
        } else {
            Verdict::Store
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_version_is_refused() {
        let mut applied = Applied::default();
        applied.set(DesiredKind::Settings, stamp(7, "aa"));

        for (offered, expected) in [
            (stamp(6, "aa"), Verdict::Older { held: 7 }),
            (stamp(7, "aa"), Verdict::Held),
            (stamp(7, "bb"), Verdict::Store),
            (stamp(8, "aa"), Verdict::Store),
        ] {
            assert_eq!(applied.judge(DesiredKind::Settings, &offered), expected, "{offered:?}");
        }
        assert_eq!(applied.judge(DesiredKind::Credentials, &stamp(1, "")), Verdict::Store);
    }

    fn stamp(version: u64, hash: &str) -> Stamp {
        Stamp {
            version,
            hash: hash.to_owned(),
        }
    }
}
