//! [`Cause`]: why a host is not well, without the particulars of the host.

use std::fmt;
use std::str::FromStr;

use crate::job::ResultCode;

/// The kind of a [`HealthReason`](super::HealthReason). Hosts with the same cause have, most likely, the same trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its agent never connected.
    NeverConnected,
    /// Two machines use its identity.
    IdentityConflict,
    /// Its certificates were revoked.
    Revoked,
    /// The last backup ended so, without a snapshot.
    BackupFailed(ResultCode),
    /// Its repository does not work: how the job ended that found it out.
    RepositoryUnusable(ResultCode),
    /// It has no restic.
    NoRestic,
    /// Its agent is silent.
    Silent,
    /// The last backup lacks something.
    BackupWithIssues,
    /// Its clock is off.
    ClockSkew,
    /// It has no repository.
    NoRepository,
    /// No backup has ended.
    NoBackupYet,
}

/// A text that is no cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a cause of a verdict: a word such as silent is needed, or one with a result code such as backup_failed:no_space"
)]
pub struct InvalidCause;

impl Cause {
    /// The stable word, without the result code.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverConnected => "never_connected",
            Self::IdentityConflict => "identity_conflict",
            Self::Revoked => "revoked",
            Self::BackupFailed(_) => "backup_failed",
            Self::RepositoryUnusable(_) => "repository_unusable",
            Self::NoRestic => "no_restic",
            Self::Silent => "silent",
            Self::BackupWithIssues => "backup_with_issues",
            Self::ClockSkew => "clock_skew",
            Self::NoRepository => "no_repository",
            Self::NoBackupYet => "no_backup_yet",
        }
    }

    /// How the job ended that tells of it; `None` for what no job tells.
    pub const fn result_code(self) -> Option<ResultCode> {
        match self {
            Self::BackupFailed(code) | Self::RepositoryUnusable(code) => Some(code),
            Self::NeverConnected
            | Self::IdentityConflict
            | Self::Revoked
            | Self::NoRestic
            | Self::Silent
            | Self::BackupWithIssues
            | Self::ClockSkew
            | Self::NoRepository
            | Self::NoBackupYet => None,
        }
    }
}

/// The word, and the result code behind a colon, as stored.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.result_code() {
            Some(code) => write!(f, "{}:{code}", self.word()),
            None => f.write_str(self.word()),
        }
    }
}

impl FromStr for Cause {
    type Err = InvalidCause;

    fn from_str(text: &str) -> Result<Self, InvalidCause> {
        let Some((word, code)) = text.split_once(':') else {
            return match text {
                "never_connected" => Ok(Self::NeverConnected),
                "identity_conflict" => Ok(Self::IdentityConflict),
                "revoked" => Ok(Self::Revoked),
                "no_restic" => Ok(Self::NoRestic),
                "silent" => Ok(Self::Silent),
                "backup_with_issues" => Ok(Self::BackupWithIssues),
                "clock_skew" => Ok(Self::ClockSkew),
                "no_repository" => Ok(Self::NoRepository),
                "no_backup_yet" => Ok(Self::NoBackupYet),
                _ => Err(InvalidCause),
            };
        };
        let code: ResultCode = code.parse().map_err(|_| InvalidCause)?;
        match word {
            "backup_failed" => Ok(Self::BackupFailed(code)),
            "repository_unusable" => Ok(Self::RepositoryUnusable(code)),
            _ => Err(InvalidCause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::FailureCode;

    #[test]
    fn a_cause_is_read_as_it_is_written() {
        for cause in [
            Cause::NeverConnected,
            Cause::IdentityConflict,
            Cause::Revoked,
            Cause::BackupFailed(ResultCode::Lost),
            Cause::BackupFailed(ResultCode::Failed(FailureCode::Exit(3))),
            Cause::RepositoryUnusable(ResultCode::Failed(FailureCode::WrongPassword)),
            Cause::NoRestic,
            Cause::Silent,
            Cause::BackupWithIssues,
            Cause::ClockSkew,
            Cause::NoRepository,
            Cause::NoBackupYet,
        ] {
            assert_eq!(cause.to_string().parse(), Ok(cause));
        }
        for text in [
            "",
            "ill",
            "silent:",
            "backup_failed",
            "backup_failed:",
            "backup_failed:x",
            "silent:lost",
        ] {
            assert_eq!(text.parse::<Cause>(), Err(InvalidCause), "{text:?}");
        }
    }
}
