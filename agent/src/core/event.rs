//! [`Event`]: everything that can reach the core. [`Now`]: when it did.

use std::time::Duration;

use domain::Timestamp;
use domain::certificate::Lifetime;
use domain::id::{CommandId, JobId};
use domain::session::{Command, DesiredKind, DesiredState, Goodbye, Stamp, Welcome};

use super::outbox::Contents;
use super::reconnect::Loss;
use super::report::Report;

/// A reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The machine's clock, for the record and for display. May jump.
    pub wall: Timestamp,
    /// Since the agent started, by the monotonic clock. Every deadline is one of these.
    pub uptime: Duration,
}

/// Something that happened outside the core.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The agent has started and its state is loaded.
    Started {
        /// A fraction from 0 (inclusive) to 1 (exclusive): spreads the first connections after a power cut.
        random: f64,
    },
    /// A connection to the server stands; the greeting is due.
    LinkUp,
    /// The server said something.
    Received(Received),
    /// The connection is gone or could not be made.
    LinkLost {
        /// Why.
        loss: Loss,
        /// A fraction from 0 (inclusive) to 1 (exclusive), for the jitter.
        random: f64,
    },
    /// A fact is on disk.
    Recorded {
        /// Its number in the outbox.
        seq: u64,
        /// The job whose end it is.
        ends: Option<JobId>,
    },
    /// Events were handed to the connection.
    EventsSent {
        /// The last of them.
        through: u64,
    },
    /// The outbox grew beyond its cap, or is below it again.
    OutboxFull(bool),
    /// What was left in the outbox is numbered anew.
    OutboxRestarted(Contents),
    /// The store has taken a part of the desired state, or could not.
    DesiredStored {
        /// Which part.
        kind: DesiredKind,
        /// Which version of it.
        stamp: Stamp,
        /// Why it could not be stored, for the operator.
        outcome: Result<(), String>,
    },
    /// The inbox has taken a command, or could not.
    CommandStored {
        /// The command.
        command: Command,
        /// Whether it is on disk.
        stored: bool,
    },
    /// A job says how it stands.
    Job {
        /// Which.
        job: JobId,
        /// What it says.
        report: Report,
    },
    /// A piece of a job's log was handed to the connection.
    LogSent {
        /// Which job.
        job: JobId,
        /// The last line of the piece.
        through_line: u64,
        /// Its compressed size.
        bytes: u64,
    },
    /// No piece of the job's log fits into what the server lets on the way.
    LogHeldBack {
        /// Which job.
        job: JobId,
    },
    /// A job's log cannot be read (any more); the rest of it is given up.
    LogUnreadable {
        /// Which job.
        job: JobId,
    },
    /// The server has given a certificate on the word of the identity key.
    Offered {
        /// As the server gave it.
        certificate_pem: String,
    },
    /// No certificate could be asked for: there is no key to ask with.
    NotAsked {
        /// Why.
        why: String,
    },
    /// The next certificate is on disk, or could not be stored.
    OfferStored {
        /// When it is in force, or why it could not be stored.
        outcome: Result<Lifetime, String>,
    },
    /// The next certificate is the one in use, or could not be made so.
    Promoted {
        /// Why not.
        outcome: Result<(), String>,
    },
    /// The time of [`super::Core::next_wakeup`] has come.
    Wakeup,
    /// Somebody asked the agent to stop.
    StopRequested,
}

/// What the server said.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// The session is open.
    Welcome(Welcome),
    /// A sign of life.
    Heartbeat,
    /// Events are committed.
    Ack {
        /// The last of them.
        through: u64,
    },
    /// A piece of log is committed.
    LogCredit {
        /// Whose.
        job: JobId,
        /// Every line before this one is committed.
        next_line: u64,
        /// Bytes that may be sent in their place.
        bytes: u64,
    },
    /// A part of the desired state.
    Desired(DesiredState),
    /// A part of the desired state that cannot be understood or holds values that are refused.
    UnusableDesired {
        /// Which part.
        kind: DesiredKind,
        /// Which version of it.
        stamp: Stamp,
        /// What is wrong with it.
        why: String,
    },
    /// Something to do.
    Command {
        /// What.
        command: Command,
        /// Whether the inbox holds its id.
        known: bool,
    },
    /// A command that cannot be understood or holds values that are refused.
    UnusableCommand {
        /// Its id.
        id: CommandId,
        /// What is wrong with it, for the log.
        why: String,
    },
    /// The next certificate that was asked for.
    CertificateOffer {
        /// As the server gave it.
        certificate_pem: String,
    },
    /// The next certificate that was asked for is not given.
    RenewRefused {
        /// The server's sentence and code.
        why: String,
        /// When to ask again.
        retry_after: Option<Duration>,
        /// Whether the same question may get another answer later. Otherwise another key is needed.
        is_temporary: bool,
    },
    /// The server ends the session.
    Goodbye(Goodbye),
}
