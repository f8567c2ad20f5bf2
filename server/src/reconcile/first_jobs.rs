//! Orders the jobs that hosts need by themselves.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::App;

/// Makes the repositories of hosts that are there, or looks whether they open, once for each host.
pub(super) struct FirstJobs {
    app: App,
}

impl FirstJobs {
    /// Orders the first jobs of this app's hosts.
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for FirstJobs {
    fn name(&self) -> &'static str {
        "first_jobs"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(1)
    }

    async fn activate(&mut self) -> Status {
        match self.app.order_first_jobs().await {
            Ok(ordered) => Status::done(format!("{ordered} first jobs ordered")),
            Err(error) => Status::failed(&error),
        }
    }
}
