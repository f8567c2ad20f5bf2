//! [`JobEvent`]: what can happen to a job.

use super::{FailureCause, Phase, Problems, Progress, Summary};
use crate::reported::ReportedText;
use crate::{Actor, Timestamp};

/// Something that happened to a job, with the time at which it did.
///
/// Each event carries all facts of the state that it leads to, so that the end does not depend on which other events
/// arrived, in which order or how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEvent {
    /// The server put the command on the host's stream.
    Sent {
        /// By the server's clock.
        at: Timestamp,
    },
    /// The host reports that the job has come this far.
    Reached(Stage),
    /// The host's inventory lists the job as alive. Unlike [`Self::Reached`] it speaks of now, so it also brings back a
    /// job that was thought lost.
    Adopted(Stage),
    /// The host reports numbers.
    Progressed {
        /// By the server's clock.
        at: Timestamp,
        /// The numbers.
        progress: Progress,
    },
    /// The host reports the end.
    Finished {
        /// By the host's clock.
        at: Timestamp,
        /// How it ended.
        outcome: Outcome,
    },
    /// The host reports that it did not take the job on.
    Refused {
        /// By the host's clock.
        at: Timestamp,
        /// Why, in words for the operator.
        message: ReportedText<2000>,
    },
    /// The command's time is over and the host has not accepted it.
    Expired {
        /// By the server's clock.
        at: Timestamp,
    },
    /// Somebody cancelled the job before the host had accepted it. When the command was sent, a cancel command has to
    /// follow it, for the acceptance may be under way.
    Withdrawn {
        /// By the server's clock.
        at: Timestamp,
        /// Who cancelled it.
        by: Actor,
    },
    /// The host does not know the job (any more), or has been silent for too long.
    Lost {
        /// By the server's clock.
        at: Timestamp,
    },
}

/// How far a living job has come on its host. Times are by the host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In the agent's inbox, waiting for its turn.
    Accepted {
        /// When the agent had it on disk.
        at: Timestamp,
    },
    /// Before restic.
    Preparing {
        /// When the job's turn came.
        started_at: Timestamp,
    },
    /// restic runs.
    Running {
        /// When the job's turn came.
        started_at: Timestamp,
    },
    /// After restic.
    Finalizing {
        /// When the job's turn came.
        started_at: Timestamp,
    },
}

/// How a job ended, by its host's word.
///
/// Where a report does not say when the job's turn came, the receiver fills in what [`super::JobState::started_at`] knows,
/// which the order of a host's reports guarantees to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All was done.
    Succeeded {
        /// When the job's turn came.
        started_at: Timestamp,
        /// The final numbers.
        summary: Summary,
    },
    /// The snapshot exists, without some of the sources.
    Warning {
        /// When the job's turn came.
        started_at: Timestamp,
        /// The final numbers.
        summary: Summary,
        /// What is missing.
        problems: Problems,
    },
    /// It failed.
    Failed {
        /// `None` when it failed before its turn came.
        started_at: Option<Timestamp>,
        /// Why.
        cause: FailureCause,
    },
    /// It was cancelled on the host.
    Cancelled {
        /// `None` when it was still waiting for its turn.
        started_at: Option<Timestamp>,
        /// Who cancelled it.
        by: Actor,
    },
    /// It did not end within its deadline and was stopped.
    TimedOut {
        /// When the job's turn came.
        started_at: Timestamp,
        /// Which deadline it was and where the job stood.
        message: ReportedText<2000>,
    },
    /// It was cut off.
    Interrupted {
        /// When the job's turn came.
        started_at: Timestamp,
        /// By what: a reboot, or a signal that nobody sent on our behalf.
        message: ReportedText<2000>,
    },
}

impl JobEvent {
    /// When it happened.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Sent { at }
            | Self::Progressed { at, .. }
            | Self::Finished { at, .. }
            | Self::Refused { at, .. }
            | Self::Expired { at }
            | Self::Withdrawn { at, .. }
            | Self::Lost { at } => *at,
            Self::Reached(stage) | Self::Adopted(stage) => stage.since(),
        }
    }

    /// The word for this kind of event in logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Reached(_) => "reached",
            Self::Adopted(_) => "adopted",
            Self::Progressed { .. } => "progressed",
            Self::Finished { .. } => "finished",
            Self::Refused { .. } => "refused",
            Self::Expired { .. } => "expired",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Lost { .. } => "lost",
        }
    }
}

impl Stage {
    /// The phase of a job at this stage.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Accepted { .. } => Phase::Accepted,
            Self::Preparing { .. } => Phase::Preparing,
            Self::Running { .. } => Phase::Running,
            Self::Finalizing { .. } => Phase::Finalizing,
        }
    }

    /// When the job's turn came; `None` while it waits.
    pub const fn started_at(self) -> Option<Timestamp> {
        match self {
            Self::Accepted { .. } => None,
            Self::Preparing { started_at } | Self::Running { started_at } | Self::Finalizing { started_at } => {
                Some(started_at)
            }
        }
    }

    const fn since(self) -> Timestamp {
        match self {
            Self::Accepted { at } => at,
            Self::Preparing { started_at } | Self::Running { started_at } | Self::Finalizing { started_at } => {
                started_at
            }
        }
    }
}
