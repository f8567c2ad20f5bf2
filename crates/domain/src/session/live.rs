//! [`LiveJob`]: a job that an agent says it has, and what the server makes of what it says and does not say.

use crate::Timestamp;
use crate::id::{JobId, RepositoryId};
use crate::job::{JobKind, JobState, Stage};

/// A job that an agent has and that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveJob {
    /// Which.
    pub job: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The repository it works on.
    pub repository: RepositoryId,
    /// How far it is.
    pub step: LiveStep,
    /// When its turn came, by the machine's clock; `None` while it waits, and when what the agent said is not a time.
    pub started_at: Option<Timestamp>,
}

/// How far a job is that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveStep {
    /// In the agent's inbox, waiting for its turn.
    Waiting,
    /// Before restic.
    Preparing,
    /// restic runs.
    Running,
    /// After restic.
    Finalizing,
}

/// What a greeting says about a job that the server takes for alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The agent has it.
    Alive(Stage),
    /// The agent was never heard to have it. Its command comes again, and the agent's inbox knows whether it was there.
    Undelivered,
    /// The agent had it and has it no more. Its end may be among the events that are still to come; once they are in and it
    /// has none, it is lost.
    Missing,
}

/// Jobs that an agent had and did not list in its greeting, until the events are in that may tell their end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suspects {
    next_seq: u64,
    jobs: Vec<JobId>,
}

impl LiveJob {
    /// The stage of the job. Where the agent gave no time, `now` stands in.
    pub fn stage(&self, now: Timestamp) -> Stage {
        let started_at = self.started_at.unwrap_or(now);
        match self.step {
            LiveStep::Waiting => Stage::Accepted { at: now },
            LiveStep::Preparing => Stage::Preparing { started_at },
            LiveStep::Running => Stage::Running { started_at },
            LiveStep::Finalizing => Stage::Finalizing { started_at },
        }
    }
}

impl Finding {
    /// Judges a job that has not ended by whether the agent lists it. `None` for one that has: what is over is not missed.
    pub fn of(state: &JobState, listed: Option<Stage>) -> Option<Self> {
        if let Some(stage) = listed {
            return Some(Self::Alive(stage));
        }
        match state {
            JobState::Queued | JobState::Sent { .. } => Some(Self::Undelivered),
            JobState::Accepted { .. }
            | JobState::Preparing { .. }
            | JobState::Running { .. }
            | JobState::Finalizing { .. } => Some(Self::Missing),
            JobState::Succeeded { .. }
            | JobState::Warning { .. }
            | JobState::Failed { .. }
            | JobState::Cancelled { .. }
            | JobState::TimedOut { .. }
            | JobState::Interrupted { .. }
            | JobState::Expired { .. }
            | JobState::Refused { .. }
            | JobState::Lost { .. } => None,
        }
    }
}

impl Suspects {
    /// Jobs that a greeting did not list whose next event would bear `next_seq`.
    pub const fn new(next_seq: u64, jobs: Vec<JobId>) -> Self {
        Self { next_seq, jobs }
    }

    /// The jobs to be given up when the events up to `through` are in; none while some from before the greeting are missing.
    pub fn due(&self, through: u64) -> &[JobId] {
        if through.saturating_add(1) >= self.next_seq {
            &self.jobs
        } else {
            &[]
        }
    }

    /// The jobs to be given up with the very events that moved what is in from `from` to `through`.
    pub fn due_with(&self, from: u64, through: u64) -> &[JobId] {
        if self.due(from).is_empty() {
            self.due(through)
        } else {
            &[]
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::job::{JobEvent, next};

    #[test]
    fn what_is_not_listed_is_missing_only_when_the_agent_had_it() {
        let stage = Stage::Running { started_at: time(3) };
        let accepted = state(JobState::Queued, JobEvent::Reached(Stage::Accepted { at: time(1) }));
        let running = state(JobState::Queued, JobEvent::Reached(stage));
        let lost = state(running.clone(), JobEvent::Lost { at: time(5) });
        for (state, listed, finding) in [
            (JobState::Queued, None, Some(Finding::Undelivered)),
            (JobState::Sent { sent_at: time(1) }, None, Some(Finding::Undelivered)),
            (
                JobState::Sent { sent_at: time(1) },
                Some(stage),
                Some(Finding::Alive(stage)),
            ),
            (accepted, None, Some(Finding::Missing)),
            (running.clone(), None, Some(Finding::Missing)),
            (running, Some(stage), Some(Finding::Alive(stage))),
            (lost.clone(), None, None),
            (lost, Some(stage), Some(Finding::Alive(stage))),
        ] {
            assert_eq!(Finding::of(&state, listed), finding, "{state:?} {listed:?}");
        }
    }

    #[test]
    fn nothing_is_given_up_while_an_end_may_be_on_its_way() {
        let jobs = vec![JobId::from_uuid(Uuid::nil())];
        let suspects = Suspects::new(5, jobs.clone());

        assert_eq!(suspects.due(3), []);
        assert_eq!(suspects.due(4), jobs);
        assert_eq!(suspects.due(9), jobs);
        assert_eq!(
            Suspects::new(1, jobs.clone()).due(0),
            jobs,
            "an outbox that never held anything"
        );
    }

    #[test]
    fn they_are_given_up_once() {
        let jobs = vec![JobId::from_uuid(Uuid::nil())];
        let suspects = Suspects::new(5, jobs.clone());

        for (from, through, expected) in [(0, 3, &[][..]), (3, 4, &jobs[..]), (2, 8, &jobs[..]), (4, 6, &[][..])] {
            assert_eq!(suspects.due_with(from, through), expected, "{from} to {through}");
        }
    }

    fn state(from: JobState, event: JobEvent) -> JobState {
        next(from, event).unwrap()
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_seconds(second, 0).unwrap()
    }
}
