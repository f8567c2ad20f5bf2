//! The two envelopes: [`AgentMessage`] and [`ServerMessage`].

use std::fmt;
use std::time::Duration;

use super::{AgentEvent, Command, CommandAck, DesiredState, Hello, LogChunk, Welcome};
use crate::certificate::{CertificateOffer, RenewRefused, RenewRequest};
use crate::id::JobId;
use crate::job::Progress;

/// What an agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentMessage {
    /// The first message.
    Hello(Box<Hello>),
    /// A sign of life.
    Heartbeat,
    /// Facts that must not be lost: at least one, at most [`Self::MAX_EVENTS`], numbered in order and without gaps.
    Events(Vec<AgentEvent>),
    /// A piece of a job's log.
    LogChunk(LogChunk),
    /// Latest numbers of a job.
    Progress {
        /// The job.
        job: JobId,
        /// The numbers.
        progress: Progress,
    },
    /// What became of a command.
    CommandAck(CommandAck),
    /// The host asks for its next certificate.
    Renew(Box<RenewRequest>),
    /// The agent leaves.
    Goodbye(Goodbye),
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage {
    /// The answer to the greeting.
    Welcome(Welcome),
    /// A sign of life.
    Heartbeat,
    /// Events are committed.
    Ack {
        /// Up to and including this one.
        through_seq: u64,
    },
    /// Log of a job is committed.
    LogCredit {
        /// The job.
        job: JobId,
        /// Every line before this one is committed.
        next_line: u64,
        /// Bytes of compressed log that may be sent in their place.
        bytes: u32,
    },
    /// A part of what the agent should hold.
    Desired(DesiredState),
    /// Something to do.
    Command(Command),
    /// The next certificate that was asked for.
    CertificateOffer(CertificateOffer),
    /// The next certificate that was asked for is not given.
    RenewRefused(RenewRefused),
    /// The server ends the session.
    Goodbye(Goodbye),
}

/// The end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goodbye {
    /// Why.
    pub reason: GoodbyeReason,
    /// When to come back; `None`: by the usual backoff.
    pub retry_after: Option<Duration>,
}

/// Why a side leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GoodbyeReason {
    /// The program stops or restarts.
    Shutdown,
    /// A newer session of the same agent has taken over.
    Superseded,
    /// The host was deleted.
    Revoked,
    /// The other side did not read for too long.
    SlowConsumer,
    /// A message broke the protocol.
    ProtocolError,
    /// The certificate is void: the host was revoked, or another machine was put in its place.
    CertificateRevoked,
    /// Two machines have used the host's identity; none of them is talked to until an admin has decided.
    Quarantined,
}

impl AgentMessage {
    /// The most events in one message.
    pub const MAX_EVENTS: usize = 500;
}

impl Goodbye {
    /// Leaves for this reason; the agent comes back by its usual backoff, if at all.
    pub const fn because(reason: GoodbyeReason) -> Self {
        Self {
            reason,
            retry_after: None,
        }
    }
}

impl GoodbyeReason {
    /// The word for it in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
            Self::SlowConsumer => "slow_consumer",
            Self::ProtocolError => "protocol_error",
            Self::CertificateRevoked => "certificate_revoked",
            Self::Quarantined => "quarantined",
        }
    }
}

impl fmt::Display for GoodbyeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
