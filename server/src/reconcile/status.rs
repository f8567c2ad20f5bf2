//! What runs did: for the System page.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;

/// How a run of a reconciler ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It did what was due; in a few words, such as "3 sessions removed".
    Done(String),
    /// It could not; why, with all causes.
    Failed(String),
}

impl Status {
    /// It did what was due.
    pub fn done(what: impl Into<String>) -> Self {
        Self::Done(what.into())
    }

    /// It failed, with an error and its causes.
    pub fn failed(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            write!(text, ": {next}").expect("writing to a string cannot fail");
            cause = next.source();
        }
        Self::Failed(text)
    }
}

/// What is known of one reconciler.
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

/// What is known of all reconcilers. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<BTreeMap<&'static str, TaskStatus>>>);

impl Registry {
    /// Everything that is known, by name.
    pub fn all(&self) -> Vec<TaskStatus> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn add(&self, name: &'static str, period: Duration) {
        let status = TaskStatus {
            name,
            period,
            last_run_at: None,
            duration: None,
            last_result: String::new(),
            last_error: None,
        };
        let taken = self.lock().insert(name, status).is_some();
        debug_assert!(!taken, "two reconcilers are called {name}");
    }

    /// Whether the run before had failed.
    pub(super) fn record(&self, name: &'static str, began: Timestamp, duration: Duration, status: Status) -> bool {
        let mut tasks = self.lock();
        let Some(task) = tasks.get_mut(name) else {
            return false;
        };
        let had_failed = task.last_error.is_some();
        (task.last_result, task.last_error) = match status {
            Status::Done(what) => (what, None),
            Status::Failed(why) => (String::new(), Some(why)),
        };
        task.last_run_at = Some(began);
        task.duration = Some(duration);
        had_failed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, TaskStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the database failed")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_failure_names_all_its_causes() {
        let error = Outer(io::Error::other("disk full"));

        assert_eq!(
            Status::failed(&error),
            Status::Failed("the database failed: disk full".to_owned())
        );
    }
}
