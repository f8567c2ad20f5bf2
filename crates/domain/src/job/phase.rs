//! [`Phase`] and [`Status`]: a job's state in one word, in full and as most callers want it.

use std::fmt;
use std::str::FromStr;

/// A job's state without its facts. Up to [`Self::Finalizing`] the order is that of a job's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Written down on the server.
    Queued,
    /// On the host's stream, not yet accepted.
    Sent,
    /// In the agent's inbox, waiting for its turn.
    Accepted,
    /// Before restic.
    Preparing,
    /// restic runs.
    Running,
    /// After restic.
    Finalizing,
    /// Ended, all was done.
    Succeeded,
    /// Ended; the snapshot exists, without some of the sources.
    Warning,
    /// Ended without what it should have done.
    Failed,
    /// Cancelled by somebody.
    Cancelled,
    /// Stopped at its deadline.
    TimedOut,
    /// Cut off by a reboot or a kill.
    Interrupted,
    /// Not accepted in time.
    Expired,
    /// Not taken on by the agent.
    Refused,
    /// Nobody knows what became of it.
    Lost,
}

/// What a caller sees of a [`Phase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Waiting, on the server or on the host.
    Queued,
    /// The host works on it.
    Running,
    /// Ended well, perhaps with issues.
    Succeeded,
    /// Ended otherwise; the result code says how.
    Failed,
    /// Cancelled by somebody.
    Cancelled,
}

/// A word that is no phase of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a phase of a job: a word such as queued, running or timed_out is needed")]
pub struct InvalidPhase;

/// A word that is no status of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a status of a job: queued, running, succeeded, failed or cancelled is needed")]
pub struct InvalidStatus;

impl Phase {
    /// All phases.
    pub const ALL: [Self; 15] = [
        Self::Queued,
        Self::Sent,
        Self::Accepted,
        Self::Preparing,
        Self::Running,
        Self::Finalizing,
        Self::Succeeded,
        Self::Warning,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::Interrupted,
        Self::Expired,
        Self::Refused,
        Self::Lost,
    ];

    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Finalizing => "finalizing",
            Self::Succeeded => "succeeded",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }

    /// What a caller sees.
    pub const fn status(self) -> Status {
        match self {
            Self::Queued | Self::Sent | Self::Accepted => Status::Queued,
            Self::Preparing | Self::Running | Self::Finalizing => Status::Running,
            Self::Succeeded | Self::Warning => Status::Succeeded,
            Self::Cancelled => Status::Cancelled,
            Self::Failed | Self::TimedOut | Self::Interrupted | Self::Expired | Self::Refused | Self::Lost => {
                Status::Failed
            }
        }
    }

    /// Whether the job has ended, as far as is known.
    pub const fn is_terminal(self) -> bool {
        match self.status() {
            Status::Queued | Status::Running => false,
            Status::Succeeded | Status::Failed | Status::Cancelled => true,
        }
    }
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The stable word, as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The phases that look like this, for filters.
    pub fn phases(self) -> impl Iterator<Item = Phase> {
        Phase::ALL.into_iter().filter(move |phase| phase.status() == self)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = InvalidPhase;

    fn from_str(text: &str) -> Result<Self, InvalidPhase> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or(InvalidPhase)
    }
}

impl FromStr for Status {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, InvalidStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(InvalidStatus)
    }
}
