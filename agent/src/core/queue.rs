//! [`Queue`]: which jobs wait, which run, and whose turn comes next.

use std::collections::{BTreeMap, VecDeque};

use domain::Timestamp;
use domain::id::{CommandId, JobId};
use domain::job::{JobEvent, JobState, Phase, Stage, next};
use domain::session::{LiveJob, LiveStep};

use super::order::Order;

/// A job that has not ended.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) order: Order,
    /// The command that asked for it; open in the inbox until the job has ended.
    pub(super) command: CommandId,
    /// The command that wants it to end, open as long.
    pub(super) cancel: Option<CommandId>,
    pub(super) state: JobState,
}

/// Jobs in order of arrival.
///
/// **Invariant:** of the jobs that run, at most one per repository may change it, and at most one reads beside it. A job
/// that waits for its repository does not hold up those behind it that want another one.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Live>,
    running: BTreeMap<JobId, Live>,
}

/// Where a job is.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Waiting,
    Running(&'a mut Live),
    Nowhere,
}

impl Queue {
    /// How many jobs may wait.
    pub(super) const MAX_WAITING: usize = 32;

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= Self::MAX_WAITING
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn running(&self) -> impl Iterator<Item = &Live> {
        self.running.values()
    }

    /// The jobs that are here, as the server is told of them.
    pub(super) fn live(&self) -> impl Iterator<Item = LiveJob> {
        self.running.values().chain(&self.waiting).map(|live| LiveJob {
            job: live.order.job,
            kind: live.order.kind(),
            repository: live.order.repository,
            step: live.step(),
            started_at: live.state.started_at(),
        })
    }

    pub(super) fn find(&mut self, job: JobId) -> Found<'_> {
        if self.waiting.iter().any(|live| live.order.job == job) {
            return Found::Waiting;
        }
        self.running.get_mut(&job).map_or(Found::Nowhere, Found::Running)
    }

    pub(super) fn push(&mut self, live: Live) {
        self.waiting.push_back(live);
    }

    /// Puts a job back where an earlier life of the agent had it: at work.
    pub(super) fn resume(&mut self, live: Live) {
        self.running.insert(live.order.job, live);
    }

    /// Moves every job whose turn has come to those that run, and returns their orders in the order they came.
    pub(super) fn start_due(&mut self, now: Timestamp) -> Vec<Order> {
        let mut started = Vec::new();
        let mut still_waiting = VecDeque::new();
        for mut live in std::mem::take(&mut self.waiting) {
            if self.is_lane_taken(&live.order) {
                still_waiting.push_back(live);
                continue;
            }
            live.advance(Stage::Preparing { started_at: now });
            started.push(live.order.clone());
            self.running.insert(live.order.job, live);
        }
        self.waiting = still_waiting;
        started
    }

    pub(super) fn remove(&mut self, job: JobId) -> Option<Live> {
        if let Some(live) = self.running.remove(&job) {
            return Some(live);
        }
        let at = self.waiting.iter().position(|live| live.order.job == job)?;
        self.waiting.remove(at)
    }

    fn is_lane_taken(&self, order: &Order) -> bool {
        self.running.values().any(|live| {
            live.order.repository == order.repository
                && live.order.kind().runs_beside_others() == order.kind().runs_beside_others()
        })
    }
}

impl Live {
    fn step(&self) -> LiveStep {
        match self.state.phase() {
            Phase::Queued | Phase::Sent | Phase::Accepted => LiveStep::Waiting,
            Phase::Running => LiveStep::Running,
            Phase::Finalizing => LiveStep::Finalizing,
            // A job that has ended is not in the queue.
            Phase::Preparing
            | Phase::Succeeded
            | Phase::Warning
            | Phase::Failed
            | Phase::Cancelled
            | Phase::TimedOut
            | Phase::Interrupted
            | Phase::Expired
            | Phase::Refused
            | Phase::Lost => LiveStep::Preparing,
        }
    }

    /// Moves the job on. `false` when the word came late, twice, or after the job's end, and changed nothing.
    pub(super) fn advance(&mut self, stage: Stage) -> bool {
        let moved = next(self.state.clone(), JobEvent::Reached(stage));
        match moved {
            Ok(further) if further.phase() != self.state.phase() => {
                self.state = further;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }
}
