//! What agents and the server say to each other in a session.
//!
//! What an agent says is read in one direction, what the server says is written in the other; each side of the wire has its
//! own types, so there is no way back here.

mod down;
mod fact;
mod log;
mod up;

pub use log::{InvalidLog, UnpackedLog, unpack_log};
pub use up::agent_message;
