//! Removes enrollment tokens that ended long ago.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::App;

/// Keeps the list of tokens short, and secrets that ride on tokens no longer than they are of use. An ended token is
/// refused with or without it.
pub(super) struct EndedTokens {
    app: App,
}

impl EndedTokens {
    /// Cleans the tokens of this app.
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for EndedTokens {
    fn name(&self) -> &'static str {
        "ended_enrollment_tokens"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(15)
    }

    async fn activate(&mut self) -> Status {
        match self.app.remove_ended_enrollment_tokens().await {
            Ok(removed) => Status::done(format!("{removed} tokens removed")),
            Err(error) => Status::failed(&error),
        }
    }
}
