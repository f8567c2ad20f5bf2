//! What the background tasks last did: written by the reconcilers' driver, read for the System page. And what wakes them
//! before their time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use tokio::sync::Notify;

/// What is known of one background task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStatus {
    /// Its name.
    pub name: &'static str,
    /// How often it runs without being woken.
    pub period: Duration,
    /// When the last run began; `None` before the first one has ended.
    pub last_run_at: Option<Timestamp>,
    /// How long the last run took.
    pub duration: Option<Duration>,
    /// What the last run did, in a few words; empty before the first one and when it failed.
    pub last_result: String,
    /// Why the last run failed.
    pub last_error: Option<String>,
}

/// Wakes one task. Clones wake the same one.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

/// The tasks that the app can wake: it knows when they are due.
#[derive(Debug, Clone, Default)]
pub struct Nudges {
    /// A host has filled its share.
    pub retention: Nudge,
    /// A repository was made that other hosts may have waited for.
    pub first_jobs: Nudge,
}

/// What is known of all background tasks. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    known: Arc<Mutex<BTreeMap<&'static str, TaskStatus>>>,
    nudges: Nudges,
}

impl Nudge {
    /// For one task that is yet to be added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it run soon: now, or once the present run has ended. Never waits; several before a run are one.
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    /// Waits until somebody nudges, or returns at once when somebody has since the last call.
    pub(crate) async fn nudged(&self) {
        self.0.notified().await;
    }
}

impl Registry {
    /// Wakes tasks.
    pub const fn nudges(&self) -> &Nudges {
        &self.nudges
    }

    /// Everything that is known, by name.
    pub fn all(&self) -> Vec<TaskStatus> {
        self.lock().values().cloned().collect()
    }

    /// Makes a task known before its first run.
    pub(crate) fn add(&self, name: &'static str, period: Duration) {
        let status = TaskStatus {
            name,
            period,
            last_run_at: None,
            duration: None,
            last_result: String::new(),
            last_error: None,
        };
        let taken = self.lock().insert(name, status).is_some();
        debug_assert!(!taken, "two tasks are called {name}");
    }

    /// Keeps how a run ended: in a few words, or why it failed. Whether the run before had failed.
    pub(crate) fn record(
        &self,
        name: &'static str,
        began: Timestamp,
        duration: Duration,
        outcome: Result<String, String>,
    ) -> bool {
        let mut tasks = self.lock();
        let Some(task) = tasks.get_mut(name) else {
            return false;
        };
        let had_failed = task.last_error.is_some();
        (task.last_result, task.last_error) = match outcome {
            Ok(what) => (what, None),
            Err(why) => (String::new(), Some(why)),
        };
        task.last_run_at = Some(began);
        task.duration = Some(duration);
        had_failed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, TaskStatus>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
