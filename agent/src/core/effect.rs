//! [`Effect`]: everything that the core asks the shell to do.

use std::time::Duration;

use domain::Timestamp;
use domain::id::{CommandId, JobId};
use domain::job::Progress;
use domain::session::{Applied, Command, DesiredState, LiveJob};

use super::fact::Fact;
use super::order::Order;
use super::renewal::Credential;

/// Something to do, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Connect after this wait. With the identity key no session is opened: a certificate is asked for, and comes back as
    /// [`super::Event::Offered`].
    Connect {
        /// How long to wait first.
        after: Duration,
        /// What to show.
        with: Credential,
    },
    /// Drop the connection; the shell answers with [`super::Event::LinkLost`].
    Disconnect,
    /// Send this; when the connection takes no more, it is slower than the protocol allows and is dropped.
    Send(Message),
    /// Send events of the outbox from behind `after` up to `through`, as many as one message takes, and answer with
    /// [`super::Event::EventsSent`].
    SendEvents {
        /// The last event that needs no sending.
        after: u64,
        /// The last event that may be sent.
        through: u64,
    },
    /// Send the next piece of a job's log, and answer with [`super::Event::LogSent`] or [`super::Event::LogHeldBack`].
    SendLog {
        /// Which job.
        job: JobId,
        /// The first line wanted.
        from_line: u64,
        /// The most that the piece may have when compressed.
        max_bytes: u64,
    },
    /// Append a fact to the outbox, on disk, and answer with [`super::Event::Recorded`]. Nothing is done without it: when
    /// it cannot be written, the agent stops and begins again from what is on disk.
    Record {
        /// What happened.
        fact: Fact,
        /// When.
        at: Timestamp,
        /// A command that is done with it, marked so in the same write.
        closes: Option<CommandId>,
    },
    /// Mark a command as done.
    CloseCommand(CommandId),
    /// Delete events from the outbox.
    ForgetEvents {
        /// The last of them.
        through: u64,
    },
    /// Number what the server does not have anew, under a new incarnation: what is left in the outbox, and behind `known`,
    /// the last event that the server has, what is kept of those that were committed once.
    RestartOutbox {
        /// The last event that the server has.
        known: u64,
    },
    /// Store a part of the desired state, and answer with [`super::Event::DesiredStored`].
    StoreDesired(DesiredState),
    /// Write a command into the inbox, on disk, and answer with [`super::Event::CommandStored`].
    StoreCommand(Command),
    /// Run a job.
    StartJob {
        /// What to do.
        order: Order,
        /// When its turn came.
        started_at: Timestamp,
    },
    /// Go on with a job of an earlier life of the agent.
    ResumeJob {
        /// What it does.
        order: Order,
        /// When its turn came.
        started_at: Timestamp,
    },
    /// End a running job.
    CancelJob(JobId),
    /// Remove what a job left on disk: its end and its log are committed.
    ForgetJob(JobId),
    /// Ask the server for the next certificate, for a key that is on disk before; answer with
    /// [`super::Event::NotAsked`] when there is none.
    AskCertificate,
    /// Store the next certificate beside the one in use, on disk, and answer with [`super::Event::OfferStored`].
    StoreOffer {
        /// As the server gave it.
        certificate_pem: String,
    },
    /// Put the next certificate in the place of the one in use, on disk, and answer with [`super::Event::Promoted`].
    PromoteCandidate,
    /// Remove the next certificate, or the key that one was asked for.
    DiscardCandidate,
    /// Tell whoever looks after the host that its certificate was not renewed.
    WarnOfRenewal {
        /// What happened.
        why: String,
        /// When the certificate in use ends.
        ends: Timestamp,
        /// Whether it has little left of its life.
        is_urgent: bool,
    },
    /// Forget key, certificate and credentials: the host was deleted.
    ForgetIdentity,
    /// End the agent.
    Exit(ExitReason),
}

/// What the core says to the server by itself; events and logs have effects of their own.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The greeting. The shell adds what the machine is.
    Hello {
        /// The number that the next new event will bear.
        next_seq: u64,
        /// What is held of the desired state.
        applied: Applied,
        /// The highest epoch that this process was welcomed with; 0 before the first welcome.
        last_epoch: u64,
        /// The jobs that wait or are at work.
        live: Vec<LiveJob>,
    },
    /// A sign of life.
    Heartbeat,
    /// What became of a command.
    CommandAck {
        /// Which.
        command: CommandId,
        /// What became of it.
        outcome: Acceptance,
    },
    /// Latest numbers of a job. Dropped when the connection takes no more.
    Progress {
        /// Which job.
        job: JobId,
        /// The numbers.
        progress: Progress,
    },
    /// The agent leaves.
    Goodbye,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It is on disk and will be done.
    Accepted,
    /// It had been accepted before.
    Duplicate,
    /// Its time was over.
    Expired,
    /// It will not be done.
    Refused(Refusal),
}

/// Why a command is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too many jobs wait already.
    QueueFull,
    /// Too much waits to be reported already.
    OutboxFull,
    /// The command cannot be understood, or holds a value that is refused.
    Unusable,
    /// The agent's disk does not take it.
    NotStored,
    /// The agent is about to stop.
    Stopping,
}

/// Why the agent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// Somebody asked for it.
    Stopped,
    /// The server deleted the host.
    Revoked,
}

impl Refusal {
    /// The stable word for it on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::OutboxFull => "outbox_full",
            Self::Unusable => "invalid_command",
            Self::NotStored => "not_stored",
            Self::Stopping => "agent_stopping",
        }
    }
}
