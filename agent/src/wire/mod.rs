//! Messages of the contract to the core's words and back, field by field.
//!
//! What the server says is checked here: beyond this module ids are ids and paths are paths.

mod incoming;
mod log;
mod outgoing;

pub use incoming::{Incoming, incoming};
pub use log::{LogLine, LogStream, MAX_LINE_BYTES, Packed, pack, record_bytes, stream_of};
pub use outgoing::{emptied_report, event, events, fact, hello, log_chunk, message, renew_expired, renew_request, tag};

/// The one protocol that this version speaks.
pub const PROTOCOL: u32 = 1;
/// A message upwards has at most this.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// A message downwards has at most this.
pub const MAX_INCOMING_BYTES: usize = 1024 * 1024;
