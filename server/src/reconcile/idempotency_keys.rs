//! Forgets idempotency keys whose time is over.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::App;

/// Keeps the table small. A key beyond its time counts no more, with or without it.
pub(super) struct IdempotencyKeys {
    app: App,
}

impl IdempotencyKeys {
    /// Cleans the keys of this app.
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for IdempotencyKeys {
    fn name(&self) -> &'static str {
        "idempotency_keys"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(15)
    }

    async fn activate(&mut self) -> Status {
        match self.app.forget_idempotency_keys().await {
            Ok(forgotten) => Status::done(format!("{forgotten} keys forgotten")),
            Err(error) => Status::failed(&error),
        }
    }
}
