//! Desired state: whole sets that an agent should hold, each with a version that only grows and a hash.

use std::collections::BTreeMap;
use std::fmt;

use crate::id::RepositoryId;
use crate::{ReportedText, ResticRepositoryId, Secret};

/// A part of the desired state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredKind {
    /// Repositories and what opens them.
    Credentials,
    /// How jobs run.
    Settings,
    /// Certificates to trust.
    TrustBundle,
}

/// Which state of a part it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// Grows with every change; 0 when nothing was ever stored.
    pub version: u64,
    /// 64 hex digits of a SHA-256; empty when nothing was ever stored.
    pub hash: ReportedText<64>,
}

/// What an agent holds of each part, as it says. A stored document.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Applied(BTreeMap<DesiredKind, Stamp>);

/// A part as the agent should hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredState {
    /// Its version and hash.
    pub stamp: Stamp,
    /// What it says.
    pub set: DesiredSet,
}

/// What a part says, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesiredSet {
    /// The host's default repository first.
    Credentials(Vec<HeldRepository>),
    /// How jobs run.
    Settings(AgentSettings),
    /// Root certificates, PEM.
    TrustBundle(String),
}

/// One repository and what opens it, everyday slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRepository {
    /// The repository.
    pub id: RepositoryId,
    /// Its location, without login.
    pub url: String,
    /// User name at its server; empty when none.
    pub username: String,
    /// Opens it.
    pub repo_password: Secret<String>,
    /// Login password at its server; empty when none.
    pub backend_password: Secret<String>,
    /// What its backend reads from the environment, by name.
    pub backend_env: Vec<(String, Secret<String>)>,
    /// restic's own id of it; `None` until a job has seen it.
    pub restic_id: Option<ResticRepositoryId>,
}

/// How jobs run on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSettings {
    /// The name that restic records in snapshots.
    pub restic_host: String,
    /// Upload limit in KiB per second; 0: none.
    pub limit_upload_kib_per_s: u32,
    /// Download limit in KiB per second; 0: none.
    pub limit_download_kib_per_s: u32,
}

impl DesiredKind {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Credentials, Self::Settings, Self::TrustBundle];

    /// The word for it in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Settings => "settings",
            Self::TrustBundle => "trust_bundle",
        }
    }
}

impl DesiredSet {
    /// Which part it is.
    pub const fn kind(&self) -> DesiredKind {
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
        self.0.get(&kind).cloned().unwrap_or_default()
    }

    /// Notes what is held of a part.
    pub fn set(&mut self, kind: DesiredKind, stamp: Stamp) {
        self.0.insert(kind, stamp);
    }

    /// The highest version of any part; 0 when nothing was ever stored.
    pub fn highest_version(&self) -> u64 {
        self.0.values().map(|stamp| stamp.version).max().unwrap_or(0)
    }

    /// Whether a part of this hash is held, under whatever version.
    pub fn holds(&self, kind: DesiredKind, hash: &str) -> bool {
        self.0.get(&kind).is_some_and(|stamp| stamp.hash.as_str() == hash)
    }
}

impl fmt::Display for DesiredKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_told_by_the_hash() {
        let mut applied = Applied::default();
        assert_eq!(applied.stamp(DesiredKind::Settings), Stamp::default());
        assert_eq!(applied.highest_version(), 0);

        applied.set(
            DesiredKind::Settings,
            Stamp {
                version: 3,
                hash: "aa".into(),
            },
        );

        assert_eq!(applied.highest_version(), 3);
        assert!(applied.holds(DesiredKind::Settings, "aa"));
        assert!(!applied.holds(DesiredKind::Settings, "bb"));
        assert!(!applied.holds(DesiredKind::Credentials, "aa"));
    }

    #[test]
    fn what_is_held_survives_being_stored() {
        let mut applied = Applied::default();
        for (version, kind) in DesiredKind::ALL.into_iter().enumerate() {
            let version = u64::try_from(version).unwrap();
            applied.set(
                kind,
                Stamp {
                    version,
                    hash: kind.as_str().into(),
                },
            );
        }

        let stored = serde_json::to_string(&applied).unwrap();

        assert!(stored.contains("trust_bundle"), "{stored}");
        assert_eq!(serde_json::from_str::<Applied>(&stored).unwrap(), applied);
    }
}
