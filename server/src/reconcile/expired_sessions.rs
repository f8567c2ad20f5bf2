//! Removes login sessions that are over.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::App;

/// Keeps the table of login sessions to those in force. An ended session is refused with or without it.
pub struct ExpiredSessions {
    app: App,
}

impl ExpiredSessions {
    /// Cleans the sessions of this app.
    pub const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for ExpiredSessions {
    fn name(&self) -> &'static str {
        "expired_sessions"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(15)
    }

    async fn activate(&mut self) -> Status {
        match self.app.remove_expired_sessions().await {
            Ok(removed) => Status::done(format!("{removed} sessions removed")),
            Err(error) => Status::failed(&error),
        }
    }
}
