//! [`Session`]: where the conversation with the server stands.

use std::time::Duration;

use domain::session::{Goodbye, Welcome};

/// The server answers the greeting within this, or the connection is useless.
const WELCOME_WITHIN: Duration = Duration::from_secs(30);
/// A pause that a server may ask for.
const HEARTBEAT_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));
/// Three signs of life may go missing.
const SILENT_BEATS: u32 = 3;

#[derive(Debug)]
pub(super) enum Session {
    /// There is no connection.
    Offline,
    /// The greeting is out.
    Greeted { until: Duration },
    /// The server has answered.
    Open(Open),
    /// The connection is being dropped.
    Closing {
        open_for: Option<Duration>,
        farewell: Option<Goodbye>,
    },
}

#[derive(Debug)]
pub(super) struct Open {
    since: Duration,
    heartbeat: Duration,
    next_heartbeat: Duration,
    last_heard: Duration,
    /// Compressed bytes of log that may still be put on the way.
    pub(super) log_window: u64,
}

impl Session {
    pub(super) fn greeted(uptime: Duration) -> Self {
        Self::Greeted {
            until: uptime + WELCOME_WITHIN,
        }
    }

    pub(super) fn opened(welcome: &Welcome, uptime: Duration) -> Self {
        let (shortest, longest) = HEARTBEAT_RANGE;
        let heartbeat = welcome.heartbeat.clamp(shortest, longest);
        Self::Open(Open {
            since: uptime,
            heartbeat,
            next_heartbeat: uptime + heartbeat,
            last_heard: uptime,
            log_window: welcome.log_window_bytes.into(),
        })
    }

    pub(super) fn closing(&self, uptime: Duration, farewell: Option<Goodbye>) -> Self {
        Self::Closing {
            open_for: self.open_for(uptime),
            farewell,
        }
    }

    pub(super) fn heard(&mut self, uptime: Duration) {
        if let Self::Open(open) = self {
            open.last_heard = uptime;
        }
    }

    pub(super) fn open(&mut self) -> Option<&mut Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Offline | Self::Greeted { .. } | Self::Closing { .. } => None,
        }
    }

    pub(super) fn open_for(&self, uptime: Duration) -> Option<Duration> {
        match self {
            Self::Open(open) => Some(uptime.saturating_sub(open.since)),
            Self::Closing { open_for, .. } => *open_for,
            Self::Offline | Self::Greeted { .. } => None,
        }
    }

    /// Whether the server has been silent for too long.
    pub(super) fn is_dead(&self, uptime: Duration) -> bool {
        match self {
            Self::Greeted { until } => uptime >= *until,
            Self::Open(open) => uptime >= open.dead_at(),
            Self::Offline | Self::Closing { .. } => false,
        }
    }

    pub(super) fn next_wakeup(&self) -> Option<Duration> {
        match self {
            Self::Greeted { until } => Some(*until),
            Self::Open(open) => Some(open.next_heartbeat.min(open.dead_at())),
            Self::Offline | Self::Closing { .. } => None,
        }
    }
}

impl Open {
    /// Whether a sign of life is due; the next one is counted from now.
    pub(super) fn take_heartbeat(&mut self, uptime: Duration) -> bool {
        let due = uptime >= self.next_heartbeat;
        if due {
            self.next_heartbeat = uptime + self.heartbeat;
        }
        due
    }

    fn dead_at(&self) -> Duration {
        self.last_heard + self.heartbeat * SILENT_BEATS
    }
}
