//! Where the driver is put together.

use std::sync::Arc;

use domain::Clock;

use super::expired_sessions::ExpiredSessions;
use super::{Driver, Nudge};
use crate::app::App;

/// All background work of the server.
pub fn all(app: &App, clock: Arc<dyn Clock>) -> Driver {
    let mut driver = Driver::new(app.registry(), clock);
    driver.add(ExpiredSessions::new(app.clone()), Nudge::new());
    driver
}
