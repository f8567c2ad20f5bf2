//! The machine's clocks and the ids made from them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use domain::{Clock, IdSource, Timestamp};
use uuid::{Builder, Uuid};

use crate::core::Now;
use crate::random::random_bytes;

/// The wall clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the agent's one reader of the wall clock")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        let micros = match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(0),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(0, |micros| -micros),
        };
        Timestamp::from_micros(micros).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Ids of version 7 over the clock's milliseconds and random bits.
pub struct SystemIds(Arc<dyn Clock>);

impl SystemIds {
    /// Takes the milliseconds from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl IdSource for SystemIds {
    fn next_uuid(&self) -> Uuid {
        let millis = u64::try_from(self.0.now().as_micros() / 1_000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &random_bytes()).into_uuid()
    }
}

/// Both clocks as the core wants them. The monotonic one is tokio's, which tests can pause.
pub struct Clocks {
    wall: Arc<dyn Clock>,
    started: tokio::time::Instant,
}

impl Clocks {
    /// Starts counting.
    pub fn start(wall: Arc<dyn Clock>) -> Self {
        Self {
            wall,
            started: tokio::time::Instant::now(),
        }
    }

    /// Reads both.
    pub fn now(&self) -> Now {
        Now {
            wall: self.wall.now(),
            uptime: self.started.elapsed(),
        }
    }

    /// The moment of an uptime.
    pub fn instant(&self, uptime: Duration) -> tokio::time::Instant {
        self.started + uptime
    }
}
