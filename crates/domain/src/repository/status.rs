//! [`RepoStatus`]: how a host's repository is, as far as its jobs have told.

use std::fmt;
use std::str::FromStr;

use crate::job::{FailureCode, JobKind, ResultCode};

/// How a host's repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoStatus {
    /// The host has no repository.
    Unset,
    /// Credentials are set; nothing was tried.
    Pending,
    /// An init is on its way.
    Initialising,
    /// It answered, and the password opened it.
    Ready,
    /// It could not be made. Nothing is tried again by itself.
    InitFailed(RepoDetail),
    /// It was ready, and is not usable now.
    Error(RepoDetail),
}

/// Why a repository is not usable: how the job ended that found out.
///
/// The text is that of the result code, except that a lock is called `locked`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepoDetail(ResultCode);

/// What moves a [`RepoStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoEvent {
    /// The host got a repository, another one, or the same at another location.
    Bound,
    /// The host has no repository any more.
    Unbound,
    /// An init job was made for it.
    InitOrdered,
    /// A job found another repository than the known one at its location.
    ReplacementFound,
    /// An admin said that the repository that lies there now is the one to use.
    ReplacementConfirmed,
    /// A job found the known one at its location, and could open it.
    Recognised,
    /// A job on it ended.
    JobEnded {
        /// What the job did.
        kind: JobKind,
        /// How it ended.
        code: ResultCode,
    },
}

/// A stored word, or a pair of word and detail, that is no status of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a status of a repository")]
pub struct InvalidRepoStatus;

impl RepoStatus {
    /// The words of all statuses.
    pub const WORDS: [&str; 6] = ["unset", "pending", "initialising", "ready", "init_failed", "error"];

    /// Reads what the store keeps: the word, and the detail where there is one, else nothing.
    pub fn from_stored(word: &str, detail: &str) -> Result<Self, InvalidRepoStatus> {
        let reason = || detail.parse().map_err(|_| InvalidRepoStatus);
        match (word, detail) {
            ("unset", "") => Ok(Self::Unset),
            ("pending", "") => Ok(Self::Pending),
            ("initialising", "") => Ok(Self::Initialising),
            ("ready", "") => Ok(Self::Ready),
            ("init_failed", _) => reason().map(Self::InitFailed),
            ("error", _) => reason().map(Self::Error),
            _ => Err(InvalidRepoStatus),
        }
    }

    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Pending => "pending",
            Self::Initialising => "initialising",
            Self::Ready => "ready",
            Self::InitFailed(_) => "init_failed",
            Self::Error(_) => "error",
        }
    }

    /// Why it is not usable.
    pub const fn detail(self) -> Option<RepoDetail> {
        match self {
            Self::InitFailed(detail) | Self::Error(detail) => Some(detail),
            Self::Unset | Self::Pending | Self::Initialising | Self::Ready => None,
        }
    }

    /// Whether a backup may be tried. One that was unreachable or refused the password may have been put right since; one
    /// that was replaced waits until an admin has confirmed the new one, or the old one is seen again.
    pub fn accepts_backups(self) -> bool {
        match self {
            Self::Ready => true,
            Self::Error(_) => !self.is_replaced(),
            Self::Unset | Self::Pending | Self::Initialising | Self::InitFailed(_) => false,
        }
    }

    /// Whether an init may be ordered.
    pub const fn accepts_init(self) -> bool {
        match self {
            Self::Pending | Self::InitFailed(_) => true,
            Self::Unset | Self::Initialising | Self::Ready | Self::Error(_) => false,
        }
    }

    /// Moves the status by one event. What says nothing about the repository leaves it as it is.
    #[must_use]
    pub fn next(self, event: RepoEvent) -> Self {
        match event {
            RepoEvent::Bound => Self::Pending,
            RepoEvent::Unbound => Self::Unset,
            RepoEvent::InitOrdered if self.accepts_init() => Self::Initialising,
            RepoEvent::ReplacementFound if self != Self::Unset => Self::Error(RepoDetail::REPLACED),
            RepoEvent::ReplacementConfirmed | RepoEvent::Recognised if self.is_replaced() => Self::Ready,
            // An init that took it for a stranger, because its host did not know yet what had been confirmed.
            RepoEvent::Recognised if self == Self::Initialising => Self::Ready,
            // That a job went well proves only that some repository opens, and that one says it was replaced may be old
            // news: which repository it is, the events above tell.
            RepoEvent::JobEnded { .. } if self == Self::Unset || self.is_replaced() => self,
            RepoEvent::InitOrdered
            | RepoEvent::ReplacementFound
            | RepoEvent::ReplacementConfirmed
            | RepoEvent::Recognised
            | RepoEvent::JobEnded {
                code: ResultCode::Failed(FailureCode::RepositoryReplaced),
                ..
            } => self,
            RepoEvent::JobEnded {
                code: ResultCode::Ok | ResultCode::Issues,
                ..
            } => Self::Ready,
            RepoEvent::JobEnded {
                kind: JobKind::Init,
                code,
            } => self.after_failed_init(code),
            RepoEvent::JobEnded {
                kind: JobKind::Backup | JobKind::Probe | JobKind::Snapshots | JobKind::Unlock | JobKind::Stats,
                code,
            } => self.after_failed_job(code),
        }
    }

    /// Whether another repository was found in its place, and nobody has confirmed that one.
    pub fn is_replaced(self) -> bool {
        self.detail() == Some(RepoDetail::REPLACED)
    }

    fn after_failed_init(self, code: ResultCode) -> Self {
        match self {
            Self::Pending | Self::Initialising | Self::InitFailed(_) => Self::InitFailed(RepoDetail(code)),
            Self::Unset | Self::Ready | Self::Error(_) => self,
        }
    }

    fn after_failed_job(self, code: ResultCode) -> Self {
        if !speaks_of_the_repository(code) {
            return self;
        }
        match self {
            Self::Ready | Self::Error(_) => Self::Error(RepoDetail(code)),
            Self::InitFailed(_) => Self::InitFailed(RepoDetail(code)),
            Self::Unset | Self::Pending | Self::Initialising => self,
        }
    }
}

impl RepoDetail {
    /// Another repository lies there.
    pub const REPLACED: Self = Self(ResultCode::Failed(FailureCode::RepositoryReplaced));

    /// How the job ended that found out.
    pub const fn code(self) -> ResultCode {
        self.0
    }
}

impl fmt::Display for RepoDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == ResultCode::Failed(FailureCode::RepoLocked) {
            f.write_str("locked")
        } else {
            self.0.fmt(f)
        }
    }
}

impl FromStr for RepoDetail {
    type Err = InvalidRepoStatus;

    fn from_str(text: &str) -> Result<Self, InvalidRepoStatus> {
        if text == "locked" {
            return Ok(Self(ResultCode::Failed(FailureCode::RepoLocked)));
        }
        let code = text.parse().map_err(|_| InvalidRepoStatus)?;
        match code {
            ResultCode::Ok | ResultCode::Issues | ResultCode::Failed(FailureCode::RepoLocked) => Err(InvalidRepoStatus),
            ResultCode::Failed(_)
            | ResultCode::TimedOut
            | ResultCode::Interrupted
            | ResultCode::Lost
            | ResultCode::Expired
            | ResultCode::Cancelled
            | ResultCode::Refused => Ok(Self(code)),
        }
    }
}

/// Whether an end is the repository's doing. A lock is not: it belongs to some other job, and passes.
const fn speaks_of_the_repository(code: ResultCode) -> bool {
    match code {
        ResultCode::Failed(failure) => match failure {
            FailureCode::RepoMissing
            | FailureCode::WrongPassword
            | FailureCode::AccessDenied
            | FailureCode::Unreachable
            | FailureCode::InvalidRepoUrl => true,
            FailureCode::RepositoryReplaced
            | FailureCode::RepoLocked
            | FailureCode::NoSpace
            | FailureCode::SourceMissing
            | FailureCode::ResticMissing
            | FailureCode::ResticTooOld
            | FailureCode::AgentSecretsUnreadable
            | FailureCode::LocationNotEmpty
            | FailureCode::InvalidValue
            | FailureCode::AgentFailed
            | FailureCode::NoResult
            | FailureCode::Exit(_) => false,
        },
        ResultCode::Ok
        | ResultCode::Issues
        | ResultCode::TimedOut
        | ResultCode::Interrupted
        | ResultCode::Lost
        | ResultCode::Expired
        | ResultCode::Cancelled
        | ResultCode::Refused => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statuses as `word` or `word:detail`; `=` for no change.
    const TABLE: &str = "
                           bound   unbound order_init   confirm replaced                  known init:ok init:wrong_password        init:timed_out        probe:ok backup:issues probe:wrong_password       backup:unreachable      snapshots:repo_missing   backup:repo_locked backup:source_missing probe:repository_replaced
unset                      pending =       =            =       =                         =     =       =                          =                     =        =             =                          =                       =                        =                  =                     =
pending                    =       unset   initialising =       error:repository_replaced =     ready   init_failed:wrong_password init_failed:timed_out ready    ready         =                          =                       =                        =                  =                     =
initialising               pending unset   =            =       error:repository_replaced ready ready   init_failed:wrong_password init_failed:timed_out ready    ready         =                          =                       =                        =                  =                     =
ready                      pending unset   =            =       error:repository_replaced =     =       =                          =                     =        =             error:wrong_password       error:unreachable       error:repo_missing       =                  =                     =
init_failed:locked         pending unset   initialising =       error:repository_replaced =     ready   init_failed:wrong_password init_failed:timed_out ready    ready         init_failed:wrong_password init_failed:unreachable init_failed:repo_missing =                  =                     =
error:access_denied        pending unset   =            =       error:repository_replaced =     ready   =                          =                     ready    ready         error:wrong_password       error:unreachable       error:repo_missing       =                  =                     =
error:repository_replaced  pending unset   =            ready   =                         ready =       =                          =                     =        =             =                          =                       =                        =                  =                     =
";

    #[test]
    fn every_status_meets_every_event_as_the_table_says() {
        let mut lines = TABLE.trim_start_matches('\n').lines().map(str::split_whitespace);
        let columns: Vec<&str> = lines.next().unwrap().collect();
        let mut checked = 0;
        for mut row in lines {
            let before = row.next().unwrap();
            for (column, expected) in columns.iter().zip(row) {
                let expected = if expected == "=" { before } else { expected };

                let after = status(before).next(event(column));

                assert_eq!(after, status(expected), "{before} + {column}");
                checked += 1;
            }
        }
        assert_eq!(checked, 7 * 17);
    }

    #[test]
    fn stored_words_and_statuses_agree() {
        for word in RepoStatus::WORDS {
            let detail = if ["init_failed", "error"].contains(&word) {
                "locked"
            } else {
                ""
            };

            let status = RepoStatus::from_stored(word, detail).unwrap();

            assert_eq!(status.as_str(), word);
            assert_eq!(
                status.detail().map(|detail| detail.to_string()).unwrap_or_default(),
                detail
            );
        }
    }

    #[test]
    fn a_stored_pair_that_makes_no_sense_is_an_error() {
        for (word, detail) in [
            ("ready", "locked"),
            ("error", ""),
            ("error", "ok"),
            ("error", "repo_locked"),
            ("broken", ""),
        ] {
            assert_eq!(
                RepoStatus::from_stored(word, detail),
                Err(InvalidRepoStatus),
                "{word} {detail}"
            );
        }
    }

    #[test]
    fn backups_are_tried_while_the_repository_may_work() {
        for (word, backups, init) in [
            ("unset", false, false),
            ("pending", false, true),
            ("initialising", false, false),
            ("ready", true, false),
            ("init_failed:unreachable", false, true),
            ("error:unreachable", true, false),
            ("error:repository_replaced", false, false),
        ] {
            let status = status(word);

            assert_eq!(
                (status.accepts_backups(), status.accepts_init()),
                (backups, init),
                "{word}"
            );
        }
    }

    fn status(text: &str) -> RepoStatus {
        let (word, detail) = text.split_once(':').unwrap_or((text, ""));
        RepoStatus::from_stored(word, detail).unwrap()
    }

    fn event(text: &str) -> RepoEvent {
        match text.split_once(':') {
            None if text == "bound" => RepoEvent::Bound,
            None if text == "unbound" => RepoEvent::Unbound,
            None if text == "confirm" => RepoEvent::ReplacementConfirmed,
            None if text == "replaced" => RepoEvent::ReplacementFound,
            None if text == "known" => RepoEvent::Recognised,
            None => RepoEvent::InitOrdered,
            Some((kind, code)) => RepoEvent::JobEnded {
                kind: kind.parse().unwrap(),
                code: code.parse().unwrap(),
            },
        }
    }
}
