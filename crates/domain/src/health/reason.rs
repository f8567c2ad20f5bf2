//! [`HealthReason`]: why a host is judged as it is, in sentences for operators.

use std::fmt;
use std::time::Duration;

use super::{Cause, LastBackup};
use crate::Timestamp;
use crate::host::Silence;
use crate::job::{JobKind, ResultCode};

/// One reason for a verdict. Its text is a sentence for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthReason {
    /// Its agent never connected.
    NeverConnected,
    /// Two machines use its identity.
    IdentityConflict,
    /// Its certificates were revoked.
    Revoked,
    /// The last backup ended without a snapshot.
    BackupFailed(LastBackup),
    /// Its repository does not work.
    RepositoryUnusable(ResultCode),
    /// It has no restic.
    NoRestic,
    /// Its agent is silent.
    Silent(Option<Silence>),
    /// The last backup lacks something.
    BackupWithIssues(LastBackup),
    /// Its clock is off.
    ClockSkew(Duration),
    /// It has no repository.
    NoRepository,
    /// No backup has ended.
    NoBackupYet,
}

impl HealthReason {
    /// Since when it is so; `None` where nobody knows.
    pub(super) fn since(&self, status_since: Timestamp) -> Option<Timestamp> {
        match self {
            Self::NeverConnected | Self::IdentityConflict | Self::Revoked | Self::Silent(None) => Some(status_since),
            Self::Silent(Some(silence)) => Some(silence.since),
            Self::BackupFailed(backup) | Self::BackupWithIssues(backup) => Some(backup.at),
            Self::RepositoryUnusable(_)
            | Self::NoRestic
            | Self::ClockSkew(_)
            | Self::NoRepository
            | Self::NoBackupYet => None,
        }
    }

    /// The reason without the particulars of its host, so that hosts with the same trouble can be told together.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NeverConnected => Cause::NeverConnected,
            Self::IdentityConflict => Cause::IdentityConflict,
            Self::Revoked => Cause::Revoked,
            Self::BackupFailed(backup) => Cause::BackupFailed(backup.code),
            Self::RepositoryUnusable(code) => Cause::RepositoryUnusable(*code),
            Self::NoRestic => Cause::NoRestic,
            Self::Silent(_) => Cause::Silent,
            Self::BackupWithIssues(_) => Cause::BackupWithIssues,
            Self::ClockSkew(_) => Cause::ClockSkew,
            Self::NoRepository => Cause::NoRepository,
            Self::NoBackupYet => Cause::NoBackupYet,
        }
    }
}

impl fmt::Display for LastBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group {
            Some(group) => write!(f, "The last backup of {group}"),
            None => f.write_str("The last backup"),
        }
    }
}

impl fmt::Display for HealthReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverConnected => f.write_str(
                "The agent has not connected yet, so nothing is saved. Run the install command on the host, and check that \
                 it reaches the agent port.",
            ),
            Self::IdentityConflict => f.write_str(
                "Two machines have used this host's identity, so it gets no jobs and no secrets. Find out which is the right \
                 one, stop the agent on the other, then let an admin release the host.",
            ),
            Self::Revoked => f.write_str(
                "The host's certificates were revoked, so it is not managed any more. To go on, enroll it with a token that \
                 puts a machine in its place (replace_host_id), or delete the host.",
            ),
            Self::BackupFailed(backup) => {
                let advice = backup.code.advice(JobKind::Backup);
                write!(f, "{backup} ended as {}. {advice}", backup.code)
            }
            Self::RepositoryUnusable(code) => {
                write!(f, "The repository is not usable. {}", code.advice(JobKind::Probe))
            }
            Self::NoRestic => f.write_str(
                "The host has no restic, so nothing can be saved. Install restic 0.17 or later; the agent finds it by \
                 itself.",
            ),
            Self::Silent(Some(silence)) => write!(
                f,
                "The agent is silent since {}. What it has scheduled goes on by itself; check that the host is on and \
                 reaches the server.",
                silence.since
            ),
            Self::Silent(None) => f.write_str(
                "The agent is silent. What it has scheduled goes on by itself; check that the host is on and reaches the \
                 server.",
            ),
            Self::BackupWithIssues(backup) => {
                write!(f, "{backup} has issues. {}", backup.code.advice(JobKind::Backup))
            }
            Self::ClockSkew(skew) => write!(
                f,
                "The host's clock is {} seconds off, so the times of its backups are not right. Set up time \
                 synchronisation on the host.",
                skew.as_secs()
            ),
            Self::NoRepository => {
                f.write_str("The host has no repository, so nothing is saved. Give it one, or set credentials for a new one.")
            }
            Self::NoBackupYet => f.write_str("No backup has been made yet. Run one, or wait for the first."),
        }
    }
}
