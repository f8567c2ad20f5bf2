//! Gives up jobs of hosts that have been silent for long.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;

use super::{Reconciler, Status};
use crate::app::App;

/// Lets no job run for ever because its host never came back.
pub(super) struct StaleJobs {
    app: App,
    listening_since: Timestamp,
}

impl StaleJobs {
    /// Watches the jobs of this app, which listens since `listening_since`.
    pub(super) const fn new(app: App, listening_since: Timestamp) -> Self {
        Self { app, listening_since }
    }
}

#[async_trait]
impl Reconciler for StaleJobs {
    fn name(&self) -> &'static str {
        "stale_jobs"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(1)
    }

    async fn activate(&mut self) -> Status {
        match self.app.give_up_silent_jobs(self.listening_since).await {
            Ok(lost) => Status::done(format!("{lost} jobs given up")),
            Err(error) => Status::failed(&error),
        }
    }
}
