//! [`Conversation`]: one stream of one agent, from its opening to its end.
//!
//! Input comes from the agent, from the registry and from the clock; [`Session`] says what it means, and this carries it
//! out, one thing after the other. While something is being written to the database nothing more is read, which is what
//! holds back an agent that is too fast. Only the wish to end the session is heard at all times.
//!
//! A database that cannot answer for a while ends no session: the agent waits with what it was not told to be committed, and
//! hears meanwhile that the server is there.
//!
//! Nearly all conversations wait, nearly all the time, and there are as many as agents. What asks the app is therefore boxed:
//! its state is on the heap while it runs, and is no part of the task.

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use domain::certificate::RenewRefused;
use domain::id::JobId;
use domain::retry::Backoff;
use domain::session::{AgentMessage, Applied, Goodbye, GoodbyeReason, Hello, ServerMessage};
use prost::Message as _;
use proto::agent::v1;
use proto::convert::agent::{agent_message, unpack_log};
use tokio::time::Instant;
use tonic::{Code, Status, Streaming};

use super::super::connection::Connection;
use super::super::{log_chunk, status};
use crate::app::{AgentSession, App, Caller, Delivery, Error};
use crate::meters::Meter;
use crate::pki::peer::PeerIdentity;
use crate::random::random_fraction;
use crate::sessions::queue::{Sender, Unsent};
use crate::sessions::{Effect, Exceeded, Ingested, Seat, Session, Signal};

/// How long an agent may not read before it is cut. Source: features.md SES-10.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last words may wait for room: a cut ends the stream within a second, read or not.
const LAST_PATIENCE: Duration = Duration::from_millis(500);

/// The first and the longest pause between two attempts to reach a database that does not answer.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// One stream of one agent.
pub(super) struct Conversation {
    app: App,
    caller: Caller,
    /// The certificate that the agent shows.
    peer: Arc<PeerIdentity>,
    inbound: Streaming<v1::AgentMessage>,
    outbound: Sender<Result<v1::ServerMessage, Status>>,
    connection: Connection,
    session: Session,
    begun: Instant,
    opened: Option<Opened>,
}

/// What a conversation is held over.
pub(super) struct Line {
    pub(super) inbound: Streaming<v1::AgentMessage>,
    pub(super) outbound: Sender<Result<v1::ServerMessage, Status>>,
    pub(super) connection: Connection,
}

/// What there is once the session is open.
struct Opened {
    key: AgentSession,
    seat: Seat,
    /// The version up to which it was looked what the agent lacks.
    looked_at: Option<u64>,
}

/// Something that reaches a conversation.
enum Input {
    Message(AgentMessage),
    /// Something that is no message, or too large.
    Garbage(String),
    /// The agent says no more.
    Silence,
    Signal(Signal),
    Time,
}

/// How a conversation ends.
enum End {
    /// With these words, if there are any.
    Words(Option<Goodbye>),
    /// The agent does not read, or is gone. What waits for it is forgotten.
    Unread(Unsent),
    /// The session is refused, or something failed.
    Status(Box<Status>),
}

impl Conversation {
    pub(super) fn new(app: App, caller: Caller, peer: Arc<PeerIdentity>, line: Line) -> Self {
        let Line {
            inbound,
            outbound,
            connection,
        } = line;
        let session = Session::new(app.session_options());
        let begun = Instant::now();
        Self {
            app,
            caller,
            peer,
            inbound,
            outbound,
            connection,
            session,
            begun,
            opened: None,
        }
    }

    /// Talks until one side ends it.
    pub(super) async fn hold(mut self) {
        let end = self.talk().await;
        Box::pin(self.part(end)).await;
    }

    async fn talk(&mut self) -> End {
        loop {
            let input = self.next().await;
            let now = self.begun.elapsed();
            let effects = match input {
                Input::Message(message) => {
                    if let Some(opened) = &self.opened {
                        self.app.heard(&opened.key);
                    }
                    self.session.on_message(message, now)
                }
                Input::Garbage(what) => {
                    tracing::warn!(peer = ?self.caller.who, what, "an agent sent something that is no message");
                    self.session.on_garbage()
                }
                Input::Silence => return End::Words(None),
                Input::Signal(signal) => self.session.on_signal(signal),
                Input::Time => self.session.on_time(now),
            };
            let mut effects = VecDeque::from(effects);
            while let Some(effect) = effects.pop_front() {
                match self.perform(effect).await {
                    Ok(more) => {
                        for effect in more.into_iter().rev() {
                            effects.push_front(effect);
                        }
                    }
                    Err(end) => return end,
                }
            }
        }
    }

    async fn next(&mut self) -> Input {
        let due = self.session.next_wakeup();
        let wakeup = async {
            match due {
                Some(due) => tokio::time::sleep_until(self.begun + due).await,
                None => std::future::pending().await,
            }
        };
        let signal = async {
            match &mut self.opened {
                Some(opened) => opened.seat.signal().await,
                None => std::future::pending().await,
            }
        };
        let reads_from = self.begun + self.session.reads_from();
        let message = async {
            tokio::time::sleep_until(reads_from).await;
            self.inbound.message().await
        };
        tokio::select! {
            biased;
            signal = signal => Input::Signal(signal),
            () = wakeup => Input::Time,
            message = message => match message {
                Ok(Some(message)) => match agent_message(message, |packed| unpack_log(packed, log_chunk::decompress)) {
                    Ok(message) => Input::Message(message),
                    Err(invalid) => Input::Garbage(format!("{invalid}: {:?}", invalid.problems())),
                },
                Ok(None) => Input::Silence,
                // What could not be read is our own verdict; what the connection says has a cause.
                Err(broken) if broken.source().is_some() => {
                    tracing::debug!(peer = ?self.caller.who, error = %broken, "the connection of an agent broke");
                    Input::Silence
                }
                Err(unreadable) => {
                    if unreadable.code() == Code::OutOfRange {
                        self.app.meters().agent_message.reached();
                    }
                    Input::Garbage(unreadable.message().to_owned())
                }
            },
        }
    }

    /// Carries out one effect; what follows from it comes back.
    async fn perform(&mut self, effect: Effect) -> Result<Vec<Effect>, End> {
        match effect {
            Effect::Open { hello, protocol } => Box::pin(self.open(*hello, protocol)).await,
            Effect::RefuseProtocol { theirs } => Err(self.refused(&self.app.refuse_protocol(theirs))),
            Effect::Send(message) => self.send(message).await,
            Effect::End(words) => Err(End::Words(words)),
            Effect::Count(exceeded) => {
                self.meter(exceeded).reached();
                Ok(Vec::new())
            }
            Effect::Deliver
            | Effect::Apply(_)
            | Effect::KeepLog(_)
            | Effect::Show { .. }
            | Effect::Settle(_)
            | Effect::Renew(_) => self.ask(effect).await,
        }
    }

    async fn open(&mut self, hello: Hello, protocol: u32) -> Result<Vec<Effect>, End> {
        let opened = self
            .app
            .open_session(&self.caller, &self.peer.serial, &hello, protocol)
            .await;
        let (key, welcome) = opened.map_err(|error| self.refused(&error))?;
        let seat = self.app.sessions().enter(key.host, key.epoch, &hello.boot_id);
        let seat = seat.map_err(|words| End::Words(Some(words)))?;
        tracing::info!(
            host.id = %key.host, session.id = %key.id, epoch = key.epoch,
            version = %hello.inventory.agent_version, "agent connected"
        );
        let opened = self.opened.insert(Opened {
            key,
            seat,
            looked_at: None,
        });
        let confirmed = self.app.confirm_session(&self.peer, &opened.key).await;
        confirmed.map_err(|error| self.refused(&error))?;
        Ok(self.session.on_opened(welcome, hello.applied, self.begun.elapsed()))
    }

    async fn send(&mut self, message: ServerMessage) -> Result<Vec<Effect>, End> {
        let seat = self.opened.as_mut().map(|opened| &mut opened.seat);
        match hand_over(&mut self.outbound, seat, message).await? {
            None => Ok(Vec::new()),
            Some(words) => Ok(self.session.on_signal(Signal::Cut(words))),
        }
    }

    /// Asks the app, unless the session is to end first.
    async fn ask(&mut self, effect: Effect) -> Result<Vec<Effect>, End> {
        // The session gives such effects only once it is open.
        let (Some(opened), Some(mut due)) = (&mut self.opened, self.session.next_heartbeat()) else {
            return Ok(Vec::new());
        };
        let held = self.session.held();
        let answer = {
            let answer = wait_for_answer(&self.app, &self.caller, &opened.key, opened.looked_at, &held, effect);
            let mut answer = Box::pin(answer);
            loop {
                tokio::select! {
                    biased;
                    words = opened.seat.cut() => return Ok(self.session.on_signal(Signal::Cut(words))),
                    answer = &mut answer => break answer,
                    () = tokio::time::sleep_until(self.begun + due) => {
                        if let Some(message) = self.session.on_delay(self.begun.elapsed())
                            && let Some(words) = hand_over(&mut self.outbound, Some(&mut opened.seat), message).await?
                        {
                            return Ok(self.session.on_signal(Signal::Cut(words)));
                        }
                        let Some(next) = self.session.next_heartbeat() else { return Ok(Vec::new()) };
                        due = next;
                    }
                }
            }
        };
        match answer {
            Ok(Answer::Nothing) => Ok(Vec::new()),
            Ok(Answer::Say(message)) => Ok(vec![Effect::Send(message)]),
            Ok(Answer::Kept { job, next_line, bytes }) => Ok(self.session.on_log_kept(job, next_line, bytes)),
            Ok(Answer::Ingested(ingested)) => Ok(self.session.on_ingested(ingested)),
            Ok(Answer::Superseded) => Ok(self.session.on_ingested(Ingested::Superseded)),
            Ok(Answer::Delivery(delivery)) => {
                let Delivery {
                    desired,
                    version,
                    commands,
                } = delivery;
                opened.looked_at = version;
                let mut effects: Vec<Effect> = desired
                    .into_iter()
                    .flat_map(|state| self.session.on_desired(state))
                    .collect();
                effects.extend(
                    commands
                        .into_iter()
                        .map(|command| Effect::Send(ServerMessage::Command(command))),
                );
                Ok(effects)
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn meter(&self, exceeded: Exceeded) -> &Meter {
        let meters = self.app.meters();
        match exceeded {
            Exceeded::Events => &meters.agent_events,
            Exceeded::Listings => &meters.agent_listings,
            Exceeded::Log => &meters.agent_log,
            Exceeded::LogWindow => &meters.agent_log_window,
        }
    }

    /// An error of the app as the end of the stream.
    fn refused(&self, error: &Error) -> End {
        End::Status(Box::new(status::status(error, self.caller.origin.request)))
    }

    /// Says the last words and leaves the registry.
    async fn part(self, end: End) {
        let Self {
            app,
            caller,
            mut outbound,
            opened,
            connection,
            ..
        } = self;
        let (why, last, is_read) = match end {
            End::Words(Some(words)) => (
                words.reason.as_str(),
                Some(Ok(ServerMessage::Goodbye(words).into())),
                true,
            ),
            End::Words(None) => ("left", None, true),
            End::Status(status) => ("refused", Some(Err(*status)), true),
            End::Unread(Unsent::TooSlow) => {
                app.meters().agent_queue.reached();
                // With it goes what it holds of what was not read.
                connection.close();
                (GoodbyeReason::SlowConsumer.as_str(), None, false)
            }
            End::Unread(Unsent::Gone) => ("gone", None, false),
        };
        if let Some(Opened { key, .. }) = &opened {
            tracing::info!(host.id = %key.host, session.id = %key.id, epoch = key.epoch, why, "agent disconnected");
        } else {
            tracing::info!(peer = ?caller.who, why, "a stream of an agent ended before its session was open");
        }
        let is_read = match last {
            Some(last) => {
                let size = last.as_ref().map_or(0, v1::ServerMessage::encoded_len);
                outbound.send(last, size, LAST_PATIENCE).await.is_ok()
            }
            None => is_read,
        };
        if is_read {
            outbound.finish();
        } else {
            // Frees what the agent does not read.
            drop(outbound);
        }
        let Some(Opened { key, seat, .. }) = opened else { return };
        drop(seat);
        if let Err(error) = app.take_back_commands(&key).await {
            // The next session of the host, or the end of the commands' time, makes up for it.
            let error = status::chain(&error);
            tracing::warn!(host.id = %key.host, error, "commands of an ended session could not be put back");
        }
    }
}

/// What the app said.
enum Answer {
    Nothing,
    Say(ServerMessage),
    /// What became of a piece of log.
    Kept {
        job: JobId,
        next_line: u64,
        bytes: u32,
    },
    Ingested(Ingested),
    Delivery(Delivery),
    Superseded,
}

/// Asks again and again while the database cannot answer. Every question may be asked twice: what was written in spite of an
/// error is recognised.
async fn wait_for_answer(
    app: &App,
    caller: &Caller,
    key: &AgentSession,
    looked_at: Option<u64>,
    held: &Applied,
    effect: Effect,
) -> Result<Answer, Error> {
    let mut room = None;
    if let Effect::KeepLog(chunk) = &effect {
        let (job, next_line, size) = (chunk.job, chunk.first_line, chunk.lines_zstd.len());
        room = app.log_room().find(size);
        if room.is_none() {
            // The agent has it; here it would only take up memory while it waits.
            drop(effect);
            app.log_room().wait(size).await;
            let bytes = u32::try_from(size).unwrap_or(u32::MAX);
            return Ok(Answer::Kept { job, next_line, bytes });
        }
    }
    let mut pauses = Backoff::new(TRY_AGAIN.0, TRY_AGAIN.1);
    loop {
        // Commands that were marked as sent with an unknown end were not sent.
        let taken_back = if matches!(effect, Effect::Deliver) && pauses.attempts() > 0 {
            app.take_back_commands(key).await
        } else {
            Ok(())
        };
        let answered = match taken_back {
            Ok(()) => answer(app, caller, key, looked_at, held, &effect).await,
            Err(error) => Err(error),
        };
        match answered {
            Err(error) if error.passing().is_some() => {
                tracing::debug!(host.id = %key.host, error = status::chain(&error), "an agent waits for the database");
            }
            answered => {
                drop(room);
                return answered;
            }
        }
        tokio::time::sleep(pauses.next_wait(random_fraction())).await;
    }
}

async fn answer(
    app: &App,
    caller: &Caller,
    key: &AgentSession,
    looked_at: Option<u64>,
    held: &Applied,
    effect: &Effect,
) -> Result<Answer, Error> {
    match effect {
        Effect::Deliver => Ok(app
            .deliver(key, held, looked_at)
            .await?
            .map_or(Answer::Superseded, Answer::Delivery)),
        Effect::Apply(events) => app.ingest(key, events.clone()).await.map(Answer::Ingested),
        Effect::KeepLog(chunk) => {
            let (job, size) = (chunk.job, chunk.lines_zstd.len());
            let bytes = u32::try_from(size).unwrap_or(u32::MAX);
            match app.keep_log(key, chunk.clone()).await? {
                Ingested::Through(next_line) => Ok(Answer::Kept { job, next_line, bytes }),
                other @ (Ingested::Gap | Ingested::Superseded) => Ok(Answer::Ingested(other)),
            }
        }
        Effect::Show { job, progress } => app
            .show_progress(key, *job, progress.clone())
            .await
            .map(|()| Answer::Nothing),
        Effect::Settle(ack) => app.settle_command(key, ack.clone()).await.map(|()| Answer::Nothing),
        Effect::Renew(request) => match app.renew(caller, key, (**request).clone()).await {
            Ok(Some(offer)) => Ok(Answer::Say(ServerMessage::CertificateOffer(offer))),
            Ok(None) => Ok(Answer::Superseded),
            Err(Error::Refused(refusal)) => {
                let (code, message) = (refusal.code, refusal.message);
                tracing::warn!(host.id = %key.host, %code, message, "a host does not get its next certificate");
                Ok(Answer::Say(ServerMessage::RenewRefused(RenewRefused {
                    code,
                    message,
                    retry_after: refusal.retry_after,
                })))
            }
            Err(error @ (Error::Store(_) | Error::Failed { .. })) => Err(error),
        },
        Effect::Open { .. } | Effect::RefuseProtocol { .. } | Effect::Send(_) | Effect::Count(_) | Effect::End(_) => {
            Ok(Answer::Nothing)
        }
    }
}

/// Hands a message to the connection, unless the session is to end first: then its last words come back.
async fn hand_over(
    outbound: &mut Sender<Result<v1::ServerMessage, Status>>,
    seat: Option<&mut Seat>,
    message: ServerMessage,
) -> Result<Option<Goodbye>, End> {
    let message = v1::ServerMessage::from(message);
    let size = message.encoded_len();
    tokio::select! {
        biased;
        words = cut(seat) => Ok(Some(words)),
        done = outbound.send(Ok(message), size, PATIENCE) => done.map(|()| None).map_err(End::Unread),
    }
}

/// Waits until the session is to end; for ever while it is not open.
async fn cut(seat: Option<&mut Seat>) -> Goodbye {
    match seat {
        Some(seat) => seat.cut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_that_waits_takes_up_little_memory() {
        let size = size_of_answer(Conversation::hold);

        assert!(size <= 5 * 1024, "{size} bytes");
    }

    fn size_of_answer<F: Future>(_: impl FnOnce(Conversation) -> F) -> usize {
        size_of::<F>()
    }
}
