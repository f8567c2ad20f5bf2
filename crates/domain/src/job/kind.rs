//! [`JobKind`]: what a job does.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Saves paths of the host as one snapshot.
    Backup,
    /// Makes the repository, or adopts the one that is there.
    Init,
    /// Finds out whether the repository opens with the stored credentials.
    Probe,
    /// Lists the host's snapshots.
    Snapshots,
    /// Removes locks that were left behind.
    Unlock,
    /// Finds out how large the repository is.
    Stats,
}

/// A word that is no kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of job: backup, init, probe, snapshots, unlock or stats is needed")]
pub struct InvalidJobKind;

impl JobKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Backup,
        Self::Init,
        Self::Probe,
        Self::Snapshots,
        Self::Unlock,
        Self::Stats,
    ];

    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Init => "init",
            Self::Probe => "probe",
            Self::Snapshots => "snapshots",
            Self::Unlock => "unlock",
            Self::Stats => "stats",
        }
    }

    /// Whether it may run while another job uses the repository: it only reads, and takes no lock there.
    pub const fn runs_beside_others(self) -> bool {
        match self {
            Self::Probe | Self::Snapshots | Self::Stats => true,
            Self::Backup | Self::Init | Self::Unlock => false,
        }
    }

    /// What it means that a job of this kind had no effect: the second half of a sentence.
    pub(super) const fn without_effect(self) -> &'static str {
        match self {
            Self::Backup => "nothing was saved",
            Self::Init => "no repository was made, and backups wait for one",
            Self::Probe => "the repository could not be opened, and backups would fail as well",
            Self::Snapshots => "the list of snapshots stays as it was",
            Self::Unlock => "no lock was removed for certain",
            Self::Stats => "the repository's numbers stay as they were",
        }
    }

    /// The same where restic may have had its effect all the same.
    pub(super) const fn without_certain_effect(self) -> &'static str {
        match self {
            Self::Backup => "a new snapshot is not certain",
            Self::Init | Self::Probe | Self::Snapshots | Self::Unlock | Self::Stats => self.without_effect(),
        }
    }

    /// How long it may run before it is interrupted as timed out; `None` is without end.
    ///
    /// Source: features.md, "Deadlines per kind".
    pub const fn default_deadline(self) -> Option<Duration> {
        match self {
            Self::Backup => None,
            Self::Init => Some(Duration::from_mins(5)),
            Self::Probe | Self::Snapshots => Some(Duration::from_mins(1)),
            Self::Unlock => Some(Duration::from_mins(2)),
            Self::Stats => Some(Duration::from_mins(30)),
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobKind {
    type Err = InvalidJobKind;

    fn from_str(text: &str) -> Result<Self, InvalidJobKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(InvalidJobKind)
    }
}
