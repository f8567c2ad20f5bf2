//! Notices hosts whose agents have fallen silent.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;

use super::{Reconciler, Status};
use crate::app::App;

/// How often signs of life are written, unless the offline limit asks for more. Source: features.md SES-05.
const PERIOD: Duration = Duration::from_secs(15);

/// Writes down who was heard, and counts as offline who was not.
pub(super) struct StaleHosts {
    app: App,
    period: Duration,
    listening_since: Timestamp,
}

impl StaleHosts {
    /// Watches the hosts of this app, which listens since `listening_since`.
    pub(super) fn new(app: App, listening_since: Timestamp) -> Self {
        let period = PERIOD.min(app.settings().offline_after / 5);
        Self {
            app,
            period,
            listening_since,
        }
    }
}

#[async_trait]
impl Reconciler for StaleHosts {
    fn name(&self) -> &'static str {
        "stale_hosts"
    }

    fn period(&self) -> Duration {
        self.period
    }

    async fn activate(&mut self) -> Status {
        let heard = match self.app.record_signs_of_life().await {
            Ok(heard) => heard,
            Err(error) => return Status::failed(&error),
        };
        match self.app.sweep_silent_hosts(self.listening_since).await {
            Ok(silent) => Status::done(format!("{heard} hosts heard, {silent} became offline")),
            Err(error) => Status::failed(&error),
        }
    }
}
