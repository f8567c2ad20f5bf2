//! [`ResultCode`]: how a job ended, in one stable word, and [`FailureCause`], the facts behind a failure.

use std::fmt;
use std::str::FromStr;

use super::Status;
use crate::reported::ReportedText;

/// Why a job failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureCode {
    /// There is no repository at the location.
    RepoMissing,
    /// Somebody else holds a lock on the repository.
    RepoLocked,
    /// No key of the repository opens with the password.
    WrongPassword,
    /// The storage refused the login, or the login may not do this.
    AccessDenied,
    /// The storage did not answer.
    Unreachable,
    /// A quota or a disk is full.
    NoSpace,
    /// None of the paths exists.
    SourceMissing,
    /// The host has no restic.
    ResticMissing,
    /// The host's restic is older than what is supported.
    ResticTooOld,
    /// The agent cannot read its stored credentials.
    AgentSecretsUnreadable,
    /// Another repository lies where the known one was.
    RepositoryReplaced,
    /// restic ended with a code that has no meaning of its own.
    Exit(i32),
}

/// How a job ended. The text form is stable: scripts compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResultCode {
    /// It did all it was asked to.
    Ok,
    /// The snapshot exists, but something could not be read.
    Issues,
    /// It failed.
    Failed(FailureCode),
    /// It did not end within its deadline.
    TimedOut,
    /// The host rebooted or the process was killed.
    Interrupted,
    /// Nobody knows what became of it.
    Lost,
    /// The host did not take it up in time.
    Expired,
    /// Somebody cancelled it.
    Cancelled,
    /// The agent did not take it on.
    Refused,
}

/// A text that is no result code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a result code: a word such as ok or wrong_password, or exit_ and a number, is needed")]
pub struct InvalidResultCode;

/// A text that is no code of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the code of a failure: a word such as wrong_password, or exit_ and a number, is needed")]
pub struct InvalidFailureCode;

/// The facts of a failed job.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FailureCause {
    /// Why, in one word.
    pub code: FailureCode,
    /// restic's exit code; `None` when restic was not started or died of a signal.
    pub exit_code: Option<i32>,
    /// What restic or the agent said, without secrets.
    pub message: ReportedText<2000>,
}

impl FailureCode {
    /// All codes but [`Self::Exit`], which stands for many.
    pub const NAMED: [Self; 11] = [
        Self::RepoMissing,
        Self::RepoLocked,
        Self::WrongPassword,
        Self::AccessDenied,
        Self::Unreachable,
        Self::NoSpace,
        Self::SourceMissing,
        Self::ResticMissing,
        Self::ResticTooOld,
        Self::AgentSecretsUnreadable,
        Self::RepositoryReplaced,
    ];

    /// What it means for the backups and what to do next.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::RepoMissing => {
                "There is no repository at this location, so nothing was saved. Check the URL; if it is right, run init."
            }
            Self::RepoLocked => {
                "Another restic holds a lock on the repository, so nothing was saved. Wait until it has ended; a lock \
                 that a crash left behind is removed by unlock."
            }
            Self::WrongPassword => {
                "The repository does not open with the stored password, so nothing was saved. Set the right password \
                 and probe again."
            }
            Self::AccessDenied => {
                "The storage refused access, so nothing was saved. Check the login of the storage and what it may do \
                 at this location."
            }
            Self::Unreachable => {
                "The storage did not answer, so nothing was saved. Check from the host that its address is right and \
                 that it runs."
            }
            Self::NoSpace => {
                "The storage or a disk of the host is full, so no snapshot was made. Free space or raise the quota, \
                 then run it again."
            }
            Self::SourceMissing => {
                "None of the paths exists on the host, so nothing was saved. Correct the paths, or mount what belongs \
                 there."
            }
            Self::ResticMissing => {
                "The host has no restic, so nothing can be saved. Install restic 0.17 or later; the agent finds it by \
                 itself."
            }
            Self::ResticTooOld => {
                "The host's restic is too old, so nothing was saved. Install restic 0.17 or later; the agent finds it \
                 by itself."
            }
            Self::AgentSecretsUnreadable => {
                "The agent cannot read its stored credentials, so nothing was saved. Set the repository's credentials \
                 again; if it stays so, run `restic-manager-agent doctor` on the host."
            }
            Self::RepositoryReplaced => {
                "Another repository lies where the known one was, so backups are held back. Find out who replaced it; \
                 an admin can then confirm the new one."
            }
            Self::Exit(_) => {
                "restic failed, so a new snapshot is not certain. The log has the cause; correct it and run it again."
            }
        }
    }
}

impl ResultCode {
    /// What a caller sees of a job that ended so.
    pub const fn status(self) -> Status {
        match self {
            Self::Ok | Self::Issues => Status::Succeeded,
            Self::Cancelled => Status::Cancelled,
            Self::Failed(_) | Self::TimedOut | Self::Interrupted | Self::Lost | Self::Expired | Self::Refused => {
                Status::Failed
            }
        }
    }

    /// What it means for the backups and what to do next.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Ok => "All is saved. Nothing has to be done.",
            Self::Issues => {
                "The snapshot exists, but without the items listed. Make them readable or leave them out of the backup."
            }
            Self::Failed(code) => code.advice(),
            Self::TimedOut => {
                "It did not end within its deadline and was stopped, so nothing is certain to be saved. The log shows \
                 where it stood; look at the storage's speed, then run it again."
            }
            Self::Interrupted => {
                "The host rebooted or the process was killed, so no snapshot was made. What was uploaded is used again: \
                 run it once more."
            }
            Self::Lost => {
                "The host stopped reporting on it, so nobody knows whether it was saved. Look at the host; when it is \
                 back, its report corrects this."
            }
            Self::Expired => {
                "The host did not take it up in time, so nothing was saved. Run it again when the host is online."
            }
            Self::Cancelled => "It was cancelled before it was complete. Earlier snapshots are not affected.",
            Self::Refused => {
                "The agent did not take it on, so nothing was saved. The message says why; correct that and run it again."
            }
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RepoMissing => "repo_missing",
            Self::RepoLocked => "repo_locked",
            Self::WrongPassword => "wrong_password",
            Self::AccessDenied => "access_denied",
            Self::Unreachable => "unreachable",
            Self::NoSpace => "no_space",
            Self::SourceMissing => "source_missing",
            Self::ResticMissing => "restic_missing",
            Self::ResticTooOld => "restic_too_old",
            Self::AgentSecretsUnreadable => "agent_secrets_unreadable",
            Self::RepositoryReplaced => "repository_replaced",
            Self::Exit(code) => return write!(f, "exit_{code}"),
        })
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Issues => "issues",
            Self::Failed(code) => return code.fmt(f),
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        })
    }
}

impl FromStr for FailureCode {
    type Err = InvalidFailureCode;

    fn from_str(text: &str) -> Result<Self, InvalidFailureCode> {
        if let Some(code) = Self::NAMED.into_iter().find(|code| code.to_string() == text) {
            return Ok(code);
        }
        let number = text.strip_prefix("exit_").and_then(|digits| digits.parse().ok());
        let code = number.map(Self::Exit).ok_or(InvalidFailureCode)?;
        // One spelling per code: no plus sign, no leading zero.
        if code.to_string() == text {
            Ok(code)
        } else {
            Err(InvalidFailureCode)
        }
    }
}

impl FromStr for ResultCode {
    type Err = InvalidResultCode;

    fn from_str(text: &str) -> Result<Self, InvalidResultCode> {
        Ok(match text {
            "ok" => Self::Ok,
            "issues" => Self::Issues,
            "timed_out" => Self::TimedOut,
            "interrupted" => Self::Interrupted,
            "lost" => Self::Lost,
            "expired" => Self::Expired,
            "cancelled" => Self::Cancelled,
            "refused" => Self::Refused,
            other => Self::Failed(other.parse().map_err(|_| InvalidResultCode)?),
        })
    }
}

impl serde::Serialize for FailureCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for FailureCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
