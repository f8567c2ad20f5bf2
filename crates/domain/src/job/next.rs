//! [`next`]: the one function that moves a job, the same on server and agent.

use super::{JobEvent, JobState, Phase, Progress, Stage};
use crate::Timestamp;

/// An event that contradicts what is known: a second end of another sort, a refusal after the work began, the loss of a
/// job that was never sent. The state stays as it is; the event is worth a warning in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot take the event {event}")]
pub struct InvalidTransition {
    /// Where the job stands.
    pub from: Phase,
    /// [`JobEvent::name`] of what came.
    pub event: &'static str,
}

/// Moves a job by one event.
///
/// Events may come late, twice and in any order: one that says nothing new returns the state unchanged. See the module
/// for what corrects what.
pub fn next(state: JobState, event: JobEvent) -> Result<JobState, InvalidTransition> {
    let refusal = InvalidTransition {
        from: state.phase(),
        event: event.name(),
    };
    match event {
        JobEvent::Sent { at } if state == JobState::Queued => Ok(JobState::Sent { sent_at: at }),
        JobEvent::Adopted(live) if state.phase() == Phase::Lost => Ok(live.into()),
        JobEvent::Reached(live) | JobEvent::Adopted(live) => Ok(reached(state, live)),
        JobEvent::Progressed { progress, .. } => Ok(progressed(state, progress)),
        JobEvent::Finished { at, outcome } => settled(&state, JobState::ended(at, outcome)).ok_or(refusal),
        JobEvent::Refused { .. } if !state.is_final() && state.started_at().is_some() => Err(refusal),
        JobEvent::Refused { at, message } => {
            let refused = JobState::Refused {
                finished_at: at,
                message,
            };
            settled(&state, refused).ok_or(refusal)
        }
        JobEvent::Expired { at } if is_unaccepted(&state) => Ok(JobState::Expired { finished_at: at }),
        JobEvent::Withdrawn { at, by } if is_unaccepted(&state) => Ok(JobState::Cancelled {
            started_at: None,
            finished_at: at,
            by,
            confirmed: false,
        }),
        JobEvent::Sent { .. } | JobEvent::Expired { .. } | JobEvent::Withdrawn { .. } => Ok(state),
        JobEvent::Lost { .. } if state == JobState::Queued => Err(refusal),
        JobEvent::Lost { at } => Ok(lost(state, at)),
    }
}

/// The host's word on how far the job is. It moves a living job forward only, and it refutes a verdict that rests on the
/// host not having accepted the job. That the job was lost later it does not refute.
fn reached(state: JobState, live: Stage) -> JobState {
    if let JobState::Lost {
        started_at: None,
        finished_at,
    } = state
    {
        return JobState::Lost {
            started_at: live.started_at(),
            finished_at,
        };
    }
    if state.is_final() || state.phase() == Phase::Lost {
        return state;
    }
    if !state.is_terminal() && state.phase() >= live.phase() {
        return state;
    }
    live.into()
}

fn progressed(state: JobState, newer: Progress) -> JobState {
    let JobState::Running { started_at, progress } = state else {
        return state;
    };
    let latest = match progress {
        Some(known) if known.elapsed > newer.elapsed => known,
        Some(_) | None => newer,
    };
    JobState::Running {
        started_at,
        progress: Some(latest),
    }
}

/// The host's word on the end; `None` when it said something else before.
fn settled(state: &JobState, end: JobState) -> Option<JobState> {
    if state.is_final() && *state != end {
        None
    } else {
        Some(end)
    }
}

fn lost(state: JobState, at: Timestamp) -> JobState {
    if state.is_terminal() {
        return state;
    }
    JobState::Lost {
        started_at: state.started_at(),
        finished_at: at,
    }
}

fn is_unaccepted(state: &JobState) -> bool {
    matches!(state, JobState::Queued | JobState::Sent { .. })
}
