//! Makes up for nudges that were lost.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::App;

/// Wakes sessions for which commands wait.
pub(super) struct Redelivery {
    app: App,
}

impl Redelivery {
    /// Delivers the commands of this app.
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for Redelivery {
    fn name(&self) -> &'static str {
        "redelivery"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn activate(&mut self) -> Status {
        match self.app.redeliver_commands().await {
            Ok(hosts) => Status::done(format!("{hosts} sessions woken")),
            Err(error) => Status::failed(&error),
        }
    }
}
