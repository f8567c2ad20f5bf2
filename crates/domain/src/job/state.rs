//! [`JobState`]: where a job stands, with the facts of that stand.

use super::{FailureCause, JobKind, Outcome, Phase, Problems, Progress, ResultCode, Stage, Status, Summary};
use crate::reported::ReportedText;
use crate::{Actor, Timestamp};

/// Where a job stands. A stored document: tag and facts, see [`Self::facts`].
///
/// `started_at` is when the job's turn came on the host, by the host's clock. `finished_at` is by the clock of whoever
/// gave the verdict.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "phase", content = "facts", rename_all = "snake_case")]
pub enum JobState {
    /// Written down on the server.
    Queued,
    /// On the host's stream, not yet accepted.
    Sent {
        /// By the server's clock.
        sent_at: Timestamp,
    },
    /// In the agent's inbox, waiting for its turn.
    Accepted {
        /// By the host's clock.
        accepted_at: Timestamp,
    },
    /// Before restic: hooks, looking at the sources and the repository.
    Preparing {
        /// See the type.
        started_at: Timestamp,
    },
    /// restic runs.
    Running {
        /// See the type.
        started_at: Timestamp,
        /// The latest numbers; `None` until the first arrived.
        progress: Option<Progress>,
    },
    /// After restic: hooks, listing snapshots.
    Finalizing {
        /// See the type.
        started_at: Timestamp,
    },
    /// All was done.
    Succeeded {
        /// See the type.
        started_at: Timestamp,
        /// See the type.
        finished_at: Timestamp,
        /// The final numbers.
        summary: Summary,
    },
    /// restic's exit 3: the snapshot exists, without some of the sources.
    Warning {
        /// See the type.
        started_at: Timestamp,
        /// See the type.
        finished_at: Timestamp,
        /// The final numbers.
        summary: Summary,
        /// What is missing.
        problems: Problems,
    },
    /// It did not do what it should.
    Failed {
        /// `None` when it failed before its turn came.
        started_at: Option<Timestamp>,
        /// See the type.
        finished_at: Timestamp,
        /// Why.
        cause: FailureCause,
    },
    /// Somebody cancelled it.
    Cancelled {
        /// `None` when its turn had not come.
        started_at: Option<Timestamp>,
        /// See the type.
        finished_at: Timestamp,
        /// Who cancelled it.
        by: Actor,
        /// The host said so. Otherwise the job was withdrawn before the host had accepted it, as far as the server knew.
        confirmed: bool,
    },
    /// It did not end within its deadline and was stopped.
    TimedOut {
        /// See the type.
        started_at: Timestamp,
        /// See the type.
        finished_at: Timestamp,
        /// Which deadline it was and where the job stood.
        message: ReportedText<2000>,
    },
    /// The host rebooted or the process was killed.
    Interrupted {
        /// See the type.
        started_at: Timestamp,
        /// When the agent found out.
        finished_at: Timestamp,
        /// By what.
        message: ReportedText<2000>,
    },
    /// The host had not accepted it when its time was over, as far as the server knew.
    Expired {
        /// See the type.
        finished_at: Timestamp,
    },
    /// The agent did not take it on.
    Refused {
        /// See the type.
        finished_at: Timestamp,
        /// Why, in words for the operator.
        message: ReportedText<2000>,
    },
    /// Nobody knows what became of it.
    Lost {
        /// `None` when nobody reported that its turn had come.
        started_at: Option<Timestamp>,
        /// When it was given up.
        finished_at: Timestamp,
    },
}

impl JobState {
    /// Reads a state that the store keeps as the word of its phase and its facts.
    pub fn from_stored(phase: &str, facts: &serde_json::Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::json!({ "phase": phase, "facts": facts }))
    }

    /// The facts as the store keeps them beside [`Phase::as_str`]; null for [`Self::Queued`], which has none.
    pub fn facts(&self) -> serde_json::Value {
        serde_json::json!(self)["facts"].take()
    }

    /// The state in one word.
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Queued => Phase::Queued,
            Self::Sent { .. } => Phase::Sent,
            Self::Accepted { .. } => Phase::Accepted,
            Self::Preparing { .. } => Phase::Preparing,
            Self::Running { .. } => Phase::Running,
            Self::Finalizing { .. } => Phase::Finalizing,
            Self::Succeeded { .. } => Phase::Succeeded,
            Self::Warning { .. } => Phase::Warning,
            Self::Failed { .. } => Phase::Failed,
            Self::Cancelled { .. } => Phase::Cancelled,
            Self::TimedOut { .. } => Phase::TimedOut,
            Self::Interrupted { .. } => Phase::Interrupted,
            Self::Expired { .. } => Phase::Expired,
            Self::Refused { .. } => Phase::Refused,
            Self::Lost { .. } => Phase::Lost,
        }
    }

    /// What a caller sees of the state.
    pub const fn status(&self) -> Status {
        self.phase().status()
    }

    /// Whether the job has ended, as far as is known.
    pub const fn is_terminal(&self) -> bool {
        self.phase().is_terminal()
    }

    /// Whether the job has ended by its host's word, which nothing corrects. A verdict that the server reached without
    /// hearing from the host is terminal but not final.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Succeeded { .. }
            | Self::Warning { .. }
            | Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Refused { .. } => true,
            Self::Cancelled { confirmed, .. } => *confirmed,
            Self::Queued
            | Self::Sent { .. }
            | Self::Accepted { .. }
            | Self::Preparing { .. }
            | Self::Running { .. }
            | Self::Finalizing { .. }
            | Self::Expired { .. }
            | Self::Lost { .. } => false,
        }
    }

    /// Whether the snapshot exists but lacks something.
    pub const fn with_issues(&self) -> bool {
        matches!(self, Self::Warning { .. })
    }

    /// How the job ended; `None` while it has not.
    pub const fn result_code(&self) -> Option<ResultCode> {
        match self {
            Self::Queued
            | Self::Sent { .. }
            | Self::Accepted { .. }
            | Self::Preparing { .. }
            | Self::Running { .. }
            | Self::Finalizing { .. } => None,
            Self::Succeeded { .. } => Some(ResultCode::Ok),
            Self::Warning { .. } => Some(ResultCode::Issues),
            Self::Failed { cause, .. } => Some(ResultCode::Failed(cause.code)),
            Self::Cancelled { .. } => Some(ResultCode::Cancelled),
            Self::TimedOut { .. } => Some(ResultCode::TimedOut),
            Self::Interrupted { .. } => Some(ResultCode::Interrupted),
            Self::Expired { .. } => Some(ResultCode::Expired),
            Self::Refused { .. } => Some(ResultCode::Refused),
            Self::Lost { .. } => Some(ResultCode::Lost),
        }
    }

    /// For a failed job of this kind: what it means and what to do, followed by what was reported. `None` for any other.
    pub fn error(&self, kind: JobKind) -> Option<String> {
        if self.status() != Status::Failed {
            return None;
        }
        let advice = self.result_code()?.advice(kind);
        let reported = match self {
            Self::Failed { cause, .. } => cause.message.as_str(),
            Self::TimedOut { message, .. } | Self::Interrupted { message, .. } | Self::Refused { message, .. } => {
                message.as_str()
            }
            Self::Queued
            | Self::Sent { .. }
            | Self::Accepted { .. }
            | Self::Preparing { .. }
            | Self::Running { .. }
            | Self::Finalizing { .. }
            | Self::Succeeded { .. }
            | Self::Warning { .. }
            | Self::Cancelled { .. }
            | Self::Expired { .. }
            | Self::Lost { .. } => "",
        };
        Some(if reported.is_empty() {
            advice
        } else {
            format!("{advice} Reported: {reported}")
        })
    }

    /// When the job's turn came.
    pub const fn started_at(&self) -> Option<Timestamp> {
        match self {
            Self::Preparing { started_at }
            | Self::Running { started_at, .. }
            | Self::Finalizing { started_at }
            | Self::Succeeded { started_at, .. }
            | Self::Warning { started_at, .. }
            | Self::TimedOut { started_at, .. }
            | Self::Interrupted { started_at, .. } => Some(*started_at),
            Self::Failed { started_at, .. } | Self::Cancelled { started_at, .. } | Self::Lost { started_at, .. } => {
                *started_at
            }
            Self::Queued | Self::Sent { .. } | Self::Accepted { .. } | Self::Expired { .. } | Self::Refused { .. } => {
                None
            }
        }
    }

    /// When the job ended or was given up.
    pub const fn finished_at(&self) -> Option<Timestamp> {
        match self {
            Self::Queued
            | Self::Sent { .. }
            | Self::Accepted { .. }
            | Self::Preparing { .. }
            | Self::Running { .. }
            | Self::Finalizing { .. } => None,
            Self::Succeeded { finished_at, .. }
            | Self::Warning { finished_at, .. }
            | Self::Failed { finished_at, .. }
            | Self::Cancelled { finished_at, .. }
            | Self::TimedOut { finished_at, .. }
            | Self::Interrupted { finished_at, .. }
            | Self::Expired { finished_at }
            | Self::Refused { finished_at, .. }
            | Self::Lost { finished_at, .. } => Some(*finished_at),
        }
    }

    /// restic's exit code, where the end of the job rests on one. That of an init does not: restic fails when the
    /// repository is there, and we do not.
    pub const fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Succeeded { summary, .. } if !matches!(summary, Summary::Init { .. }) => Some(0),
            Self::Warning { .. } => Some(3),
            Self::Failed { cause, .. } => cause.exit_code,
            Self::Queued
            | Self::Sent { .. }
            | Self::Accepted { .. }
            | Self::Preparing { .. }
            | Self::Running { .. }
            | Self::Finalizing { .. }
            | Self::Succeeded { .. }
            | Self::Cancelled { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Expired { .. }
            | Self::Refused { .. }
            | Self::Lost { .. } => None,
        }
    }

    /// The final numbers of a job that ended well.
    pub const fn summary(&self) -> Option<&Summary> {
        if let Self::Succeeded { summary, .. } | Self::Warning { summary, .. } = self {
            Some(summary)
        } else {
            None
        }
    }

    /// What a snapshot with issues lacks.
    pub const fn problems(&self) -> Option<&Problems> {
        if let Self::Warning { problems, .. } = self {
            Some(problems)
        } else {
            None
        }
    }

    /// The latest numbers of a running job.
    pub const fn progress(&self) -> Option<&Progress> {
        if let Self::Running { progress, .. } = self {
            progress.as_ref()
        } else {
            None
        }
    }

    /// The state of a job that ended so, by its host's word.
    pub(super) fn ended(finished_at: Timestamp, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded { started_at, summary } => Self::Succeeded {
                started_at,
                finished_at,
                summary,
            },
            Outcome::Warning {
                started_at,
                summary,
                problems,
            } => Self::Warning {
                started_at,
                finished_at,
                summary,
                problems,
            },
            Outcome::Failed { started_at, cause } => Self::Failed {
                started_at,
                finished_at,
                cause,
            },
            Outcome::Cancelled { started_at, by } => Self::Cancelled {
                started_at,
                finished_at,
                by,
                confirmed: true,
            },
            Outcome::TimedOut { started_at, message } => Self::TimedOut {
                started_at,
                finished_at,
                message,
            },
            Outcome::Interrupted { started_at, message } => Self::Interrupted {
                started_at,
                finished_at,
                message,
            },
        }
    }
}

impl From<Stage> for JobState {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Accepted { at } => Self::Accepted { accepted_at: at },
            Stage::Preparing { started_at } => Self::Preparing { started_at },
            Stage::Running { started_at } => Self::Running {
                started_at,
                progress: None,
            },
            Stage::Finalizing { started_at } => Self::Finalizing { started_at },
        }
    }
}
