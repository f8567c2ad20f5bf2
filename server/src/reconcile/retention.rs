//! Removes what is older than what is kept.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::App;

/// Keeps jobs, logs and the audit log within what was set and what a host may fill.
pub(super) struct Retention {
    app: App,
}

impl Retention {
    /// Keeps the history of this app.
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn period(&self) -> Duration {
        Duration::from_hours(24)
    }

    async fn activate(&mut self) -> Status {
        match self.app.apply_retention().await {
            Ok(removed) => Status::done(removed.to_string()),
            Err(error) => Status::failed(&error),
        }
    }
}
