//! What agents, and strangers at their port, may use up.

use std::ops::RangeInclusive;
use std::thread::available_parallelism;
use std::time::Duration;

use domain::rate::Rate;

use super::duration;
use super::keys::{self, Key};
use super::reader::Reader;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Reports and pieces of log that one transaction takes. A report costs ten statements or so, and whoever else writes to
/// SQLite waits for all of them; beyond this, sharing the commit saves next to nothing.
pub const INGEST_ROWS: usize = 250;

/// The limits of the agent port. Source: agent-protocol.md §9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Events, and other messages that are no log, of one agent.
    pub events: Rate,
    /// Bytes of log of one agent, unpacked.
    pub log: Rate,
    /// Bytes of packed log that one agent may have on the way without credit.
    pub log_window: u32,
    /// Lists of snapshots of one agent in a minute.
    pub listings: u64,
    /// Bytes of one message of an agent.
    pub message: usize,
    /// HTTP/2 streams of one connection.
    pub streams: u32,
    /// HTTP/2 window of one stream, in bytes.
    pub stream_window: u32,
    /// HTTP/2 window of one connection, in bytes.
    pub connection_window: u32,
    /// Bytes that HTTP/2 keeps to be sent on one stream.
    pub send_buffer: usize,
    /// Bytes of packed log of all agents that may wait for the database.
    pub log_ingest: u64,
    /// Messages that may wait for one agent.
    pub queue_messages: usize,
    /// Bytes that may wait for one agent.
    pub queue_bytes: usize,
    /// TLS handshakes at the same time.
    pub handshakes: usize,
    /// Handshakes that may wait for their turn.
    pub handshake_queue: usize,
    /// Open connections of one address without an agent's certificate.
    pub connections: usize,
    /// New connections of one address without an agent's certificate.
    pub connection_rate: Rate,
    /// How long a connection may stand without a call.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: Rate {
                per_second: 200,
                burst: EVENTS_AT_ONCE * 200,
            },
            log: Rate {
                per_second: 2 * MIB,
                burst: 8 * MIB,
            },
            log_window: 256 * 1024,
            listings: 10,
            message: 256 * 1024,
            streams: 8,
            stream_window: 64 * 1024,
            connection_window: 128 * 1024,
            send_buffer: 64 * 1024,
            log_ingest: 128 * MIB,
            queue_messages: 64,
            queue_bytes: 256 * 1024,
            handshakes: 64 * cores(),
            handshake_queue: 4096,
            connections: 100,
            connection_rate: Rate {
                per_second: 20,
                burst: 200,
            },
            idle: Duration::from_mins(1),
        }
    }
}

/// What may come at once, in seconds of the rate: an agent that was away for long has much to tell.
const EVENTS_AT_ONCE: u64 = 5;

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut count = |key: &Key, range: RangeInclusive<u64>| reader.required(key, within(range, number));
        let events = count(&keys::AGENT_EVENT_RATE, 1..=1_000_000);
        let listings = count(&keys::AGENT_LISTINGS, 2..=100_000);
        let streams = count(&keys::AGENT_STREAMS, 2..=1_000);
        let queue_messages = count(&keys::AGENT_QUEUE_MESSAGES, 8..=65_536);
        let handshake_queue = count(&keys::HANDSHAKE_QUEUE, 1..=1_000_000);
        let connections = count(&keys::STRANGER_CONNECTIONS, 1..=1_000_000);
        let connection_rate = Rate {
            per_second: count(&keys::STRANGER_CONNECTION_RATE, 1..=1_000_000),
            burst: count(&keys::STRANGER_CONNECTION_BURST, 1..=1_000_000),
        };
        let handshakes = reader.optional(&keys::HANDSHAKES, within(1..=1_000_000, number));
        let mut size = |key: &Key, range: RangeInclusive<u64>| reader.required(key, within(range, bytes));
        Self {
            events: Rate {
                per_second: events,
                burst: events.saturating_mul(EVENTS_AT_ONCE),
            },
            log: Rate {
                per_second: size(&keys::AGENT_LOG_RATE, 16 * KIB..=1024 * MIB),
                burst: size(&keys::AGENT_LOG_BURST, MIB..=1024 * MIB),
            },
            // What fits into a window must fit into a message.
            log_window: short(size(&keys::AGENT_LOG_WINDOW, 64 * KIB..=16 * MIB)),
            listings,
            message: whole(size(&keys::AGENT_MESSAGE, 256 * KIB..=4 * MIB)),
            streams: short(streams),
            stream_window: short(size(&keys::AGENT_STREAM_WINDOW, 16 * KIB..=16 * MIB)),
            connection_window: short(size(&keys::AGENT_CONNECTION_WINDOW, 64 * KIB..=64 * MIB)),
            send_buffer: whole(size(&keys::AGENT_SEND_BUFFER, 16 * KIB..=16 * MIB)),
            log_ingest: size(&keys::LOG_INGEST, MIB..=65_536 * MIB),
            queue_messages: whole(queue_messages),
            queue_bytes: whole(size(&keys::AGENT_QUEUE_BYTES, 64 * KIB..=64 * MIB)),
            handshakes: handshakes.map_or_else(|| 64 * cores(), whole),
            handshake_queue: whole(handshake_queue),
            connections: whole(connections),
            connection_rate,
            idle: reader.required(
                &keys::IDLE_CONNECTION,
                duration::within(Duration::from_secs(5), Duration::from_hours(24)),
            ),
        }
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

fn whole(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn short(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn within(range: RangeInclusive<u64>, parse: impl Fn(&str) -> Option<u64>) -> impl Fn(&str) -> Option<u64> {
    move |text| parse(text).filter(|value| range.contains(value))
}

/// Reads a whole number without a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Reads a number of bytes with the unit `KiB` or `MiB`, or of plain bytes.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = [("KiB", KIB), ("MiB", MIB)]
        .into_iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .unwrap_or((text, 1));
    number(digits)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_a_unit() {
        for (text, expected) in [
            ("0", Some(0)),
            ("65536", Some(65_536)),
            ("64KiB", Some(65_536)),
            ("2MiB", Some(2_097_152)),
            ("18446744073709551615MiB", None),
            ("KiB", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1 MiB", None),
            ("1kb", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
