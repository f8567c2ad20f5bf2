//! Where the driver is put together.

use std::sync::Arc;

use domain::Clock;

use super::certificates::Certificates;
use super::ended_tokens::EndedTokens;
use super::expired_commands::ExpiredCommands;
use super::expired_sessions::ExpiredSessions;
use super::first_jobs::FirstJobs;
use super::idempotency_keys::IdempotencyKeys;
use super::redelivery::Redelivery;
use super::retention::Retention;
use super::stale_hosts::StaleHosts;
use super::stale_jobs::StaleJobs;
use super::{Driver, Nudge};
use crate::app::App;

/// All background work of the server.
pub fn all(app: &App, clock: Arc<dyn Clock>) -> Driver {
    let started_at = clock.now();
    let registry = app.registry();
    let nudges = registry.nudges().clone();
    let mut driver = Driver::new(registry, clock);
    driver.add(Certificates::new(app.clone()), Nudge::new());
    driver.add(EndedTokens::new(app.clone()), Nudge::new());
    driver.add(ExpiredCommands::new(app.clone()), Nudge::new());
    driver.add(ExpiredSessions::new(app.clone()), Nudge::new());
    driver.add(FirstJobs::new(app.clone()), nudges.first_jobs);
    driver.add(IdempotencyKeys::new(app.clone()), Nudge::new());
    driver.add(Redelivery::new(app.clone()), Nudge::new());
    driver.add(Retention::new(app.clone()), nudges.retention);
    driver.add(StaleHosts::new(app.clone(), started_at), Nudge::new());
    driver.add(StaleJobs::new(app.clone(), started_at), Nudge::new());
    driver
}
