//! [`ResultCode`]: how a job ended, in one stable word, and [`FailureCause`], the facts behind a failure.

use std::fmt;
use std::str::FromStr;

use super::{JobKind, Status};
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
    /// A repository lies where one was to be made anew.
    LocationNotEmpty,
    /// The agent does not use a location like this.
    InvalidRepoUrl,
    /// The agent does not give restic a value like this.
    InvalidValue,
    /// The agent itself could not do its part: its disk, or the process that watches restic.
    AgentFailed,
    /// restic ended as if all were well, but nothing shows the effect.
    NoResult,
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
    pub const NAMED: [Self; 16] = [
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
        Self::LocationNotEmpty,
        Self::InvalidRepoUrl,
        Self::InvalidValue,
        Self::AgentFailed,
        Self::NoResult,
    ];

    /// What happened, what it means for a job of this kind, and what to do next.
    pub fn advice(self, kind: JobKind) -> String {
        let (happened, remedy) = self.what_and_remedy();
        let effect = match self {
            Self::NoResult | Self::Exit(_) => kind.without_certain_effect(),
            Self::RepoMissing
            | Self::RepoLocked
            | Self::WrongPassword
            | Self::AccessDenied
            | Self::Unreachable
            | Self::NoSpace
            | Self::SourceMissing
            | Self::ResticMissing
            | Self::ResticTooOld
            | Self::AgentSecretsUnreadable
            | Self::RepositoryReplaced
            | Self::LocationNotEmpty
            | Self::InvalidRepoUrl
            | Self::InvalidValue
            | Self::AgentFailed => kind.without_effect(),
        };
        format!("{happened}, so {effect}. {remedy}")
    }

    const fn what_and_remedy(self) -> (&'static str, &'static str) {
        match self {
            Self::RepoMissing => (
                "There is no repository at this location",
                "Check the URL; if it is right, run init, or re-init if it existed before.",
            ),
            Self::RepoLocked => (
                "Another restic holds a lock on the repository",
                "Wait until it has ended; a lock that a crash left behind is removed by unlock.",
            ),
            Self::WrongPassword => (
                "The repository does not open with the stored password",
                "Set the right password and probe again.",
            ),
            Self::AccessDenied => (
                "The storage refused access",
                "Check the login of the storage and what it may do at this location.",
            ),
            Self::Unreachable => (
                "The storage did not answer",
                "Check from the host that its address is right and that it runs.",
            ),
            Self::NoSpace => (
                "The storage or a disk of the host is full",
                "Free space or raise the quota, then run it again.",
            ),
            Self::SourceMissing => (
                "None of the paths exists on the host",
                "Correct the paths, or mount what belongs there.",
            ),
            Self::ResticMissing => (
                "The host has no restic that works",
                "Install restic 0.17 or later; the agent finds it by itself.",
            ),
            Self::ResticTooOld => (
                "The host's restic is too old",
                "Install restic 0.17 or later; the agent finds it by itself.",
            ),
            Self::AgentSecretsUnreadable => (
                "The agent cannot read its stored credentials",
                "Set the repository's credentials again; if it stays so, run `restic-manager-agent doctor` on the host.",
            ),
            Self::RepositoryReplaced => (
                "Another repository lies where the known one was",
                "Backups of the host are held back. Find out who replaced it; an admin then confirms the new one, or you put \
                 the known one back and probe.",
            ),
            Self::LocationNotEmpty => (
                "A repository lies at this location already",
                "Nothing was changed. Move it away yourself if nobody needs it, then make it anew; else probe it.",
            ),
            Self::InvalidRepoUrl => (
                "The agent does not use a repository at a URL like this",
                "Correct the URL; if the server took it, agent and server are of different versions: update the older one.",
            ),
            Self::InvalidValue => (
                "One of the values must not be given to restic",
                "The message names it; correct it and run it again.",
            ),
            Self::AgentFailed => (
                "The agent could not do its part",
                "Look at the message and run `restic-manager-agent doctor` on the host: its disk may be full or damaged.",
            ),
            Self::NoResult => (
                "restic ended as if all were well, but showed no result",
                "The log has what it said; run it again, with another version of restic if it stays so.",
            ),
            Self::Exit(_) => ("restic failed", "The log has the cause; correct it and run it again."),
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

    /// What happened, what it means for a job of this kind, and what to do next.
    pub fn advice(self, kind: JobKind) -> String {
        let effect = kind.without_effect();
        match self {
            Self::Ok => "It did all it was asked to. Nothing has to be done.".to_owned(),
            Self::Issues => {
                "The snapshot exists, but without the items listed. Make them readable or leave them out of the \
                             backup."
                    .to_owned()
            }
            Self::Failed(code) => code.advice(kind),
            Self::TimedOut => format!(
                "It did not end within its deadline and was stopped, so {}. The log shows where it stood; look at the \
                 storage's speed, then run it again.",
                kind.without_certain_effect()
            ),
            Self::Interrupted => format!(
                "The host rebooted or the process was killed, so {effect}. Run it once more; what a backup had uploaded is \
                 used again."
            ),
            Self::Lost => {
                "The host stopped reporting on it, so nobody knows how it ended. Look at the host; when it is \
                           back, its report corrects this."
                    .to_owned()
            }
            Self::Expired => {
                format!("The host did not take it up in time, so {effect}. Run it again when the host is online.")
            }
            Self::Cancelled => {
                "It was cancelled before it was complete. Earlier snapshots are not affected.".to_owned()
            }
            Self::Refused => format!(
                "The agent did not take it on, so {effect}. The message says why; correct that and run it again."
            ),
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
            Self::LocationNotEmpty => "location_not_empty",
            Self::InvalidRepoUrl => "invalid_repo_url",
            Self::InvalidValue => "invalid_value",
            Self::AgentFailed => "agent_failed",
            Self::NoResult => "no_result",
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
