//! Runs reconcilers: each in a task of its own, on its period and when nudged.

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use futures_util::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Reconciler, Status};
use crate::tasks::{Nudge, Registry};

/// A run that takes longer hangs: it is ended, and the next one begins from the database again.
const DEADLINE: Duration = Duration::from_mins(10);

/// The reconcilers of the server.
pub struct Driver {
    registry: Registry,
    clock: Arc<dyn Clock>,
    tasks: Vec<Task>,
}

struct Task {
    reconciler: Box<dyn Reconciler>,
    nudge: Nudge,
    registry: Registry,
    clock: Arc<dyn Clock>,
}

impl Driver {
    /// Reports to `registry`, with the times of `clock`.
    pub fn new(registry: Registry, clock: Arc<dyn Clock>) -> Self {
        Self {
            registry,
            clock,
            tasks: Vec::new(),
        }
    }

    /// Adds a reconciler that `nudge` wakes; [`Nudge::new`] for one that only its period does.
    pub fn add(&mut self, reconciler: impl Reconciler + 'static, nudge: Nudge) {
        self.registry.add(reconciler.name(), reconciler.period());
        self.tasks.push(Task {
            reconciler: Box::new(reconciler),
            nudge,
            registry: self.registry.clone(),
            clock: Arc::clone(&self.clock),
        });
    }

    /// Runs each once at the start and then as it is due, until `shutdown`. Returns when the runs of that moment have ended.
    pub async fn run(self, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        for task in self.tasks {
            tracker.spawn(task.run(shutdown.clone()));
        }
        tracker.close();
        tracker.wait().await;
    }
}

impl Task {
    async fn run(mut self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            self.activate().await;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.nudge.nudged() => {}
                () = tokio::time::sleep(self.reconciler.period()) => {}
            }
        }
    }

    async fn activate(&mut self) {
        let name = self.reconciler.name();
        // Nudges until here are answered by this run.
        let _ = self.nudge.nudged().now_or_never();
        let (began_at, began) = (self.clock.now(), Instant::now());
        let run = AssertUnwindSafe(self.reconciler.activate()).catch_unwind();
        let status = match tokio::time::timeout(DEADLINE, run).await {
            Ok(Ok(status)) => status,
            // What was said in the panic is in the log; it may hold what is not for the System page.
            Ok(Err(_)) => Status::Failed("a fault in the server; its log has the cause".to_owned()),
            Err(_) => Status::Failed(format!("it did not end within {} minutes", DEADLINE.as_secs() / 60)),
        };
        let outcome = match status {
            Status::Done(what) => Ok(what),
            Status::Failed(error) => Err(error),
        };
        let error = outcome.as_ref().err().cloned();
        let had_failed = self.registry.record(name, began_at, began.elapsed(), outcome);
        // Changes only: some run every few seconds.
        match (error, had_failed) {
            (Some(error), false) => tracing::error!(task = name, error, "background work fails; it is tried again"),
            (None, true) => tracing::info!(task = name, "background work is done again"),
            (Some(_), true) | (None, false) => {}
        }
    }
}
