//! [`Hello`] and [`Welcome`]: how a session opens.

use std::time::Duration;

use super::{Applied, LiveJob};
use crate::host::Inventory;
use crate::id::{OutboxIncarnation, SessionId};
use crate::{ReportedText, Timestamp};

/// The versions of the protocol that one side speaks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtocolRange {
    /// The oldest.
    pub oldest: u32,
    /// The newest.
    pub newest: u32,
}

/// Who the agent is and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// What it speaks.
    pub protocol: ProtocolRange,
    /// What the machine is.
    pub inventory: Inventory,
    /// Changes with every start of the machine; never empty.
    pub boot_id: ReportedText<64>,
    /// Which life of its outbox the sequence numbers belong to.
    pub outbox: OutboxIncarnation,
    /// The number that the next new event will bear, from 1.
    pub next_seq: u64,
    /// What it holds of its desired state.
    pub applied: Applied,
    /// The machine's clock; `None` when it is not a time.
    pub wall_time: Option<Timestamp>,
    /// The highest epoch that this process of the agent was welcomed with; 0: none yet.
    pub last_epoch: u64,
    /// The jobs that it has. What becomes of them is told by events from `next_seq` on.
    pub live: Vec<LiveJob>,
}

/// The server's answer to [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The protocol of the session.
    pub protocol: u32,
    /// The session's id, for logs.
    pub session: SessionId,
    /// Grows with every session of the host.
    pub epoch: u64,
    /// Events up to and including this number are committed.
    pub acknowledged_seq: u64,
    /// Pause between two signs of life.
    pub heartbeat: Duration,
    /// The server's clock.
    pub server_time: Timestamp,
    /// Bytes of compressed log that may be on the way without credit.
    pub log_window_bytes: u32,
    /// The first wait after a healthy session is drawn from zero to this.
    pub reconnect_spread: Duration,
}

impl Hello {
    /// The most jobs that an agent has at once: those that wait, and per repository one that works and one that reads.
    pub const MAX_LIVE: usize = 64;
}

impl ProtocolRange {
    /// The newest version that both speak; `None` when there is none.
    pub fn agreed(self, other: Self) -> Option<u32> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest.max(other.oldest)).then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_agreed_on() {
        for (ours, theirs, agreed) in [
            ((1, 1), (1, 1), Some(1)),
            ((2, 3), (1, 2), Some(2)),
            ((2, 3), (3, 9), Some(3)),
            ((2, 3), (1, 1), None),
            ((1, 1), (2, 2), None),
            ((1, 1), (0, 0), None),
            ((1, 3), (3, 2), None),
        ] {
            let range = |(oldest, newest)| ProtocolRange { oldest, newest };

            assert_eq!(range(ours).agreed(range(theirs)), agreed, "{ours:?} {theirs:?}");
        }
    }
}
