//! [`Verdict`]: how a job ended, and the words about it in its log.

use domain::job::{FailureCause, FailureCode, Outcome, Problems, Summary};
use domain::{Actor, ResticRepositoryId};
use restic::Exit;

use super::Job;
use crate::runner::process;
use crate::{space, telemetry};

/// What stands when a job has ended.
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) problems: Problems,
    pub(super) exit_code: Option<i32>,
    pub(super) repository: Option<ResticRepositoryId>,
}

impl Job {
    pub(super) fn succeeded(
        &self,
        summary: Summary,
        problems: Problems,
        exit: Exit,
        repository: Option<ResticRepositoryId>,
    ) -> Verdict {
        let started_at = self.started_at;
        let outcome = if problems.is_empty() {
            Outcome::Succeeded { started_at, summary }
        } else {
            Outcome::Warning {
                started_at,
                summary,
                problems: problems.clone(),
            }
        };
        Verdict {
            outcome,
            problems,
            exit_code: code(exit),
            repository,
        }
    }

    pub(super) fn failed(&mut self, cause: FailureCause) -> Verdict {
        let cause = crate::sandbox::explained(cause);
        self.journal.say(&format!("failed ({}): {}", cause.code, cause.message));
        let exit_code = cause.exit_code;
        let outcome = Outcome::Failed {
            started_at: Some(self.started_at),
            cause,
        };
        Verdict {
            exit_code,
            ..Verdict::bare(outcome)
        }
    }

    pub(super) fn cancelled(&mut self) -> Verdict {
        self.journal.say("cancelled");
        Verdict::bare(Outcome::Cancelled {
            started_at: Some(self.started_at),
            // The agent is not told who asked; the server knows.
            by: Actor::System,
        })
    }

    pub(super) fn timed_out(&mut self) -> Verdict {
        let limit = self.order.deadline().unwrap_or_default();
        let message = format!("it did not end within {} s", limit.as_secs());
        self.journal.say(&message);
        Verdict::bare(Outcome::TimedOut {
            started_at: self.started_at,
            message: message.into(),
        })
    }

    pub(super) fn interrupted(&mut self, message: &str) -> Verdict {
        self.journal.say(message);
        Verdict::bare(Outcome::Interrupted {
            started_at: self.started_at,
            message: message.into(),
        })
    }

    pub(super) fn not_started(&mut self, error: &process::Error) -> Box<Verdict> {
        let code = match error {
            process::Error::Killed => return Box::new(self.interrupted(&telemetry::chain(error))),
            process::Error::Restic(_) => FailureCode::ResticMissing,
            process::Error::Password => FailureCode::WrongPassword,
            process::Error::Step(step) if space::is_used_up(step) => FailureCode::NoSpace,
            process::Error::Step(_)
            | process::Error::InUse { .. }
            | process::Error::Wrapper(_)
            | process::Error::NoAnswer => FailureCode::AgentFailed,
        };
        let message = telemetry::chain(error);
        Box::new(self.failed(FailureCause {
            code,
            exit_code: None,
            message: message.into(),
        }))
    }
}

impl Verdict {
    fn bare(outcome: Outcome) -> Self {
        Self {
            outcome,
            problems: Problems::default(),
            exit_code: None,
            repository: None,
        }
    }
}

/// restic answered another question than it was asked.
pub(super) fn contradiction() -> FailureCause {
    FailureCause {
        code: FailureCode::NoResult,
        exit_code: Some(0),
        message: "restic's answer does not fit what it was asked".into(),
    }
}

/// restic ended well, its last words are missing, and nothing tells whether there is a snapshot.
pub(super) fn unknown_result(why: &str) -> FailureCause {
    FailureCause {
        code: FailureCode::NoResult,
        exit_code: Some(0),
        message: format!(
            "restic ended well, but what it said of its result is missing, and whether there is a snapshot is not known: {why}. \
             The next list of snapshots shows it"
        )
        .into(),
    }
}

pub(super) fn code(exit: Exit) -> Option<i32> {
    match exit {
        Exit::Code(code) => Some(code),
        Exit::Signal(_) | Exit::Unknown => None,
    }
}
