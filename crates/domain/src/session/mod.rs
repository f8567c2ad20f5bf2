//! What an agent and the server say to each other in one session, as values.
//!
//! ```text
//! agent  → Hello · Heartbeat · Events · LogChunk · Progress · CommandAck · Goodbye
//! server → Welcome · Heartbeat · Ack · LogCredit · desired state · Command · Goodbye
//! ```
//!
//! **Invariant:** no message says which host it is about. The host is who its certificate says.
//!
//! **Invariant:** one fact that makes no sense does not hold up those behind it. It arrives as [`Fact::Unusable`] and is
//! acknowledged like any other, or the agent would send it again for ever.
//!
//! Source: agent-protocol.md §3.

mod claim;
mod command;
mod desired;
mod fact;
mod hello;
mod live;
mod log;
mod message;

pub use claim::{Claim, Claims, Proof, Ruling, Verdict};
pub use command::{BackupOrder, Command, CommandAck, CommandOutcome, Instruction, Work};
pub use desired::{AgentSettings, Applied, DesiredKind, DesiredSet, DesiredState, HeldRepository, Stamp};
pub use fact::{AgentEvent, Ending, Fact, JobEnd, SnapshotPart};
pub use hello::{Hello, ProtocolRange, Welcome};
pub use live::{Finding, LiveJob, LiveStep, Suspects};
pub use log::LogChunk;
pub use message::{AgentMessage, Goodbye, GoodbyeReason, ServerMessage};
