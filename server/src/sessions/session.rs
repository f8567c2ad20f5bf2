//! [`Session`]: what a message means in the session it arrives in, and when something is due. It does nothing itself.

use std::time::Duration;

use domain::certificate::RenewRequest;
use domain::id::JobId;
use domain::job::Progress;
use domain::rate::{Bucket, Rate};
use domain::session::{
    AgentEvent, AgentMessage, Applied, CommandAck, DesiredState, Goodbye, GoodbyeReason, Hello, LogChunk,
    ProtocolRange, ServerMessage, Welcome,
};

use super::Signal;
use super::queue::Bounds;
use crate::version;

/// What this server speaks.
pub const PROTOCOL: ProtocolRange = ProtocolRange {
    oldest: version::PROTOCOL_MIN,
    newest: version::PROTOCOL_MAX,
};

/// The greeting arrives within this from the opening of the stream.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Minutes' worth of lists that may come at once: a host that was away has made backups meanwhile, each with a list.
const LISTINGS_AT_ONCE: u64 = 10;
/// What a list takes of a rate that gives so many units a second as there may be lists in a minute.
const LISTING: u64 = 60;

/// What a session is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Pause between two signs of life, both ways.
    pub heartbeat: Duration,
    /// An agent that says nothing for this long is not there.
    pub silent_after: Duration,
    /// What the agent may use up.
    pub limits: Limits,
}

/// What one agent may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Events; a message that is neither events nor log counts as one.
    pub events: Rate,
    /// Lists of snapshots in a minute; [`LISTINGS_AT_ONCE`] times as many at once.
    pub listings: u64,
    /// Bytes of log, as [`LogChunk::weight`] counts them.
    pub log: Rate,
    /// Bytes of packed log that may be on the way without credit.
    pub log_window: u32,
    /// What may wait to be sent.
    pub outbound: Bounds,
}

/// A limit that an agent has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Its messages come too fast. It is read later.
    Events,
    /// Its lists of snapshots come too fast. It is read later.
    Listings,
    /// Its log comes too fast. It is read later.
    Log,
    /// It sent log without credit, which ends the session.
    LogWindow,
}

impl Options {
    /// How long an agent that is there may be silent: two signs of life. Another start of its machine gets in only after
    /// that, and an agent whose place was taken asks again after it.
    pub const fn grace(self) -> Duration {
        self.heartbeat.saturating_mul(2)
    }

    /// The words to part with. An agent that hears that it was superseded is there, and so is the other: it comes back soon,
    /// so that this is settled within minutes.
    fn parting(self, goodbye: Goodbye) -> Goodbye {
        match (goodbye.reason, goodbye.retry_after) {
            (GoodbyeReason::Superseded, None) => Goodbye {
                retry_after: Some(self.grace()),
                ..goodbye
            },
            _ => goodbye,
        }
    }
}

/// The state of one stream. Times are measured from its opening.
#[derive(Debug)]
pub struct Session {
    options: Options,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The greeting has not come.
    Waiting,
    /// The greeting is being looked at.
    Opening,
    /// Both sides talk.
    Open(Box<Open>),
    /// Nothing is read or said any more.
    Closed,
}

#[derive(Debug)]
struct Open {
    last_heard: Duration,
    next_heartbeat: Duration,
    /// Events up to here are committed.
    acknowledged: u64,
    /// What the agent holds of its desired state, or was sent in this session.
    held: Applied,
    events: Bucket,
    listings: Bucket,
    log: Bucket,
    /// Bytes of packed log that the agent may send.
    log_window: u64,
    /// Nothing more is read before this.
    reads_from: Duration,
}

/// Something to do, in the order given. What has an answer says which method takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open the session in the database; then [`Session::on_opened`].
    Open {
        /// The greeting.
        hello: Box<Hello>,
        /// The protocol that both sides speak.
        protocol: u32,
    },
    /// Refuse the session: there is no version of the protocol that both sides speak.
    RefuseProtocol {
        /// What the agent speaks.
        theirs: ProtocolRange,
    },
    /// Send this.
    Send(ServerMessage),
    /// Look in the database for what the agent lacks, and for commands; send it through [`Session::on_desired`].
    Deliver,
    /// Apply these events, which follow the last acknowledged one; then [`Session::on_ingested`].
    Apply(Vec<AgentEvent>),
    /// Keep this piece of log; then [`Session::on_log_kept`].
    KeepLog(LogChunk),
    /// Show the latest numbers of a job.
    Show {
        /// Which.
        job: JobId,
        /// The numbers.
        progress: Progress,
    },
    /// Note what became of a command.
    Settle(CommandAck),
    /// Count that the agent has reached a limit.
    Count(Exceeded),
    /// Find the host's next certificate, and send it or say why not.
    Renew(Box<RenewRequest>),
    /// End the stream, after these words if there are any.
    End(Option<Goodbye>),
}

/// What became of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    /// They are committed.
    Through(u64),
    /// The database expects another number: the agent has to begin again from what is committed.
    Gap,
    /// Another session of this host has begun; nothing was written.
    Superseded,
}

impl Session {
    /// A stream that was just opened.
    pub const fn new(options: Options) -> Self {
        Self {
            options,
            stage: Stage::Waiting,
        }
    }

    /// Whether both sides talk.
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// What the agent holds of its desired state, or was sent in this session.
    pub fn held(&self) -> Applied {
        match &self.stage {
            Stage::Open(open) => open.held.clone(),
            Stage::Waiting | Stage::Opening | Stage::Closed => Applied::default(),
        }
    }

    /// Until when nothing more is read, because the agent has said too much.
    pub const fn reads_from(&self) -> Duration {
        match &self.stage {
            Stage::Open(open) => open.reads_from,
            Stage::Waiting | Stage::Opening | Stage::Closed => Duration::ZERO,
        }
    }

    /// When [`Self::on_time`] is due.
    pub fn next_wakeup(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Waiting => Some(HELLO_WITHIN),
            Stage::Open(open) => Some(open.next_heartbeat.min(open.silent_at(self.options))),
            Stage::Opening | Stage::Closed => None,
        }
    }

    /// The agent said something.
    pub fn on_message(&mut self, message: AgentMessage, now: Duration) -> Vec<Effect> {
        let effects = match (&mut self.stage, message) {
            (Stage::Closed, _) => Some(Vec::new()),
            (Stage::Waiting, AgentMessage::Hello(hello)) => Some(self.on_hello(hello)),
            (Stage::Waiting | Stage::Opening, _) => None,
            (Stage::Open(open), AgentMessage::LogChunk(chunk)) if open.lacks_credit_for(&chunk) => {
                let mut effects = vec![Effect::Count(Exceeded::LogWindow)];
                effects.extend(self.end(GoodbyeReason::ProtocolError));
                Some(effects)
            }
            (Stage::Open(open), message) => open.on_word(message, now, self.options.heartbeat),
        };
        effects.unwrap_or_else(|| self.end(GoodbyeReason::ProtocolError))
    }

    /// A message could not be read at all.
    pub fn on_garbage(&mut self) -> Vec<Effect> {
        match self.stage {
            Stage::Closed => Vec::new(),
            Stage::Waiting | Stage::Opening | Stage::Open(_) => self.end(GoodbyeReason::ProtocolError),
        }
    }

    /// The session is open in the database. `held` is what the greeting said.
    pub fn on_opened(&mut self, welcome: Welcome, held: Applied, now: Duration) -> Vec<Effect> {
        let Stage::Opening = self.stage else { return Vec::new() };
        let limits = self.options.limits;
        self.stage = Stage::Open(Box::new(Open {
            events: Bucket::full(limits.events),
            listings: Bucket::full(Rate {
                per_second: limits.listings,
                burst: limits.listings * LISTING * LISTINGS_AT_ONCE,
            }),
            log: Bucket::full(limits.log),
            log_window: limits.log_window.into(),
            reads_from: now,
            last_heard: now,
            next_heartbeat: now + self.options.heartbeat,
            acknowledged: welcome.acknowledged_seq,
            held,
        }));
        vec![Effect::Send(ServerMessage::Welcome(welcome)), Effect::Deliver]
    }

    /// A part of the desired state was found that the agent lacks.
    pub fn on_desired(&mut self, state: DesiredState) -> Vec<Effect> {
        let Stage::Open(open) = &mut self.stage else {
            return Vec::new();
        };
        open.held.set(state.set.kind(), state.stamp.clone());
        vec![Effect::Send(ServerMessage::Desired(state))]
    }

    /// Events were applied, or were not.
    pub fn on_ingested(&mut self, ingested: Ingested) -> Vec<Effect> {
        let Stage::Open(open) = &mut self.stage else {
            return Vec::new();
        };
        match ingested {
            Ingested::Through(through_seq) => {
                open.acknowledged = through_seq;
                vec![Effect::Send(ServerMessage::Ack { through_seq })]
            }
            Ingested::Gap => self.end(GoodbyeReason::ProtocolError),
            Ingested::Superseded => self.end(GoodbyeReason::Superseded),
        }
    }

    /// A piece of log of so many packed bytes was kept, or is to be sent again: every line before `next_line` is committed.
    pub fn on_log_kept(&mut self, job: JobId, next_line: u64, bytes: u32) -> Vec<Effect> {
        let Stage::Open(open) = &mut self.stage else {
            return Vec::new();
        };
        open.log_window += u64::from(bytes);
        vec![Effect::Send(ServerMessage::LogCredit { job, next_line, bytes })]
    }

    /// Somebody wants something of the session.
    pub fn on_signal(&mut self, signal: Signal) -> Vec<Effect> {
        match (&self.stage, signal) {
            (Stage::Open(_), Signal::Nudge) => vec![Effect::Deliver],
            // Once it is open, the session looks into the database anyway.
            (Stage::Closed, _) | (Stage::Waiting | Stage::Opening, Signal::Nudge) => Vec::new(),
            (Stage::Waiting | Stage::Opening | Stage::Open(_), Signal::Cut(goodbye)) => {
                self.stage = Stage::Closed;
                vec![Effect::End(Some(self.options.parting(goodbye)))]
            }
        }
    }

    /// When the agent is to be told that we are there, though an answer takes long; `None` while it is not open.
    pub const fn next_heartbeat(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Open(open) => Some(open.next_heartbeat),
            Stage::Waiting | Stage::Opening | Stage::Closed => None,
        }
    }

    /// An answer takes long, and nothing is read meanwhile: the agent is told that we are there, and is not called silent.
    pub fn on_delay(&mut self, now: Duration) -> Option<ServerMessage> {
        let Stage::Open(open) = &mut self.stage else {
            return None;
        };
        open.reads_from = open.reads_from.max(now);
        (now >= open.next_heartbeat).then(|| {
            open.next_heartbeat = now + self.options.heartbeat;
            ServerMessage::Heartbeat
        })
    }

    /// The time of [`Self::next_wakeup`] has come.
    pub fn on_time(&mut self, now: Duration) -> Vec<Effect> {
        let options = self.options;
        match &mut self.stage {
            Stage::Waiting if now >= HELLO_WITHIN => self.end(GoodbyeReason::ProtocolError),
            Stage::Open(open) if now >= open.silent_at(options) => {
                // Whoever does not speak does not listen either.
                self.stage = Stage::Closed;
                vec![Effect::End(None)]
            }
            Stage::Open(open) if now >= open.next_heartbeat => {
                open.next_heartbeat = now + options.heartbeat;
                vec![Effect::Send(ServerMessage::Heartbeat)]
            }
            Stage::Waiting | Stage::Opening | Stage::Open(_) | Stage::Closed => Vec::new(),
        }
    }

    fn on_hello(&mut self, hello: Box<Hello>) -> Vec<Effect> {
        if let Some(protocol) = PROTOCOL.agreed(hello.protocol) {
            self.stage = Stage::Opening;
            vec![Effect::Open { hello, protocol }]
        } else {
            self.stage = Stage::Closed;
            vec![Effect::RefuseProtocol { theirs: hello.protocol }]
        }
    }

    fn end(&mut self, reason: GoodbyeReason) -> Vec<Effect> {
        self.stage = Stage::Closed;
        vec![Effect::End(Some(self.options.parting(Goodbye::because(reason))))]
    }
}

impl Open {
    /// What a message means while both sides talk; `None` for a breach of the protocol.
    fn on_word(&mut self, message: AgentMessage, now: Duration, longest_pause: Duration) -> Option<Vec<Effect>> {
        self.last_heard = now;
        let (pause, exceeded) = self.charge(&message, now);
        // What is longer is made up for after the next message. A host is not to seem away because it is not listened to.
        let pause = pause.min(longest_pause);
        self.reads_from = now + pause;
        let mut effects = self.meaning(message)?;
        if !pause.is_zero() {
            effects.push(Effect::Count(exceeded));
        }
        Some(effects)
    }

    /// Counts a message towards the limits. How long nothing more is to be read, and because of which one.
    fn charge(&mut self, message: &AgentMessage, now: Duration) -> (Duration, Exceeded) {
        match message {
            AgentMessage::LogChunk(chunk) => (self.log.take(chunk.weight(), now), Exceeded::Log),
            AgentMessage::Events(events) => {
                let lists = events.iter().filter(|event| event.fact.ends_a_list()).count() as u64;
                let for_events = (self.events.take(events.len() as u64, now), Exceeded::Events);
                let for_lists = (self.listings.take(lists * LISTING, now), Exceeded::Listings);
                if lists > 0 && for_lists.0 > for_events.0 {
                    for_lists
                } else {
                    for_events
                }
            }
            AgentMessage::Hello(_)
            | AgentMessage::Heartbeat
            | AgentMessage::Progress { .. }
            | AgentMessage::CommandAck(_)
            | AgentMessage::Renew(_)
            | AgentMessage::Goodbye(_) => (self.events.take(1, now), Exceeded::Events),
        }
    }

    fn lacks_credit_for(&self, chunk: &LogChunk) -> bool {
        chunk.lines_zstd.len() as u64 > self.log_window
    }

    fn meaning(&mut self, message: AgentMessage) -> Option<Vec<Effect>> {
        match message {
            AgentMessage::Hello(_) => None,
            AgentMessage::Heartbeat => Some(Vec::new()),
            AgentMessage::Events(events) => self.on_events(events),
            AgentMessage::LogChunk(chunk) => {
                self.log_window = self.log_window.saturating_sub(chunk.lines_zstd.len() as u64);
                Some(vec![Effect::KeepLog(chunk)])
            }
            AgentMessage::Progress { job, progress } => Some(vec![Effect::Show { job, progress }]),
            AgentMessage::CommandAck(ack) => Some(vec![Effect::Settle(ack)]),
            AgentMessage::Renew(request) => Some(vec![Effect::Renew(request)]),
            AgentMessage::Goodbye(_) => Some(vec![Effect::End(None)]),
        }
    }

    fn silent_at(&self, options: Options) -> Duration {
        // While it is not read it cannot be heard.
        self.last_heard.max(self.reads_from) + options.silent_after
    }

    /// Drops what is committed. `None` when something is missing before the first new one.
    fn on_events(&self, mut events: Vec<AgentEvent>) -> Option<Vec<Effect>> {
        events.retain(|event| event.seq > self.acknowledged);
        match events.first() {
            // The acknowledgement was lost on the way.
            None => Some(vec![Effect::Send(ServerMessage::Ack {
                through_seq: self.acknowledged,
            })]),
            Some(first) if first.seq == self.acknowledged + 1 => Some(vec![Effect::Apply(events)]),
            Some(_) => None,
        }
    }
}
