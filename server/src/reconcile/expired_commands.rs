//! Ends commands whose time is over.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::App;

/// Ends commands that no agent has taken up in time, and with them their jobs.
pub(super) struct ExpiredCommands {
    app: App,
}

impl ExpiredCommands {
    /// Ends the commands of this app.
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for ExpiredCommands {
    fn name(&self) -> &'static str {
        "expired_commands"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn activate(&mut self) -> Status {
        match self.app.expire_commands().await {
            Ok(expired) => Status::done(format!("{expired} commands expired")),
            Err(error) => Status::failed(&error),
        }
    }
}
