//! What the agent decides, without touching anything.
//!
//! [`Core::on_event`] takes one [`Event`] and the time and returns what is to be done, as [`Effect`]s in order;
//! [`Core::next_wakeup`] says when it wants to be asked again. The shell around it (`supervisor/`) owns socket, disk,
//! processes and clocks, and turns what they say into events. So a day without the server is a unit test without a sleep.
//!
//! **Invariant:** no socket, file, clock, random number or log line here. Randomness arrives inside the event that needs
//! it.
//!
//! **Invariant:** what must survive is an effect of its own (`Record`, `StoreCommand`, `StoreDesired`), and whatever
//! depends on it is decided when the event comes back that says it is on disk. A command is accepted only then.
//!
//! **Invariant:** every buffer is bounded: 32 waiting jobs, one batch of events on the way, one piece of log per job on
//! the way, and of those no more bytes than the server lets.
//!
//! **Invariant:** a job's end is recorded in the same write that closes its command, so a crash neither loses the end nor
//! runs the job again.
//!
//! To add an instruction: a variant of [`Instruction`] or [`Work`], its conversion in `wire/`, its stored form in
//! `state/inbox.rs`, a case in `tests.rs`. To add a fact: a variant of [`Fact`] and its encoding in `wire/`.

#[cfg(test)]
mod delivery_tests;
mod desired;
mod effect;
mod event;
mod fact;
mod order;
mod outbox;
mod queue;
mod reconnect;
mod renewal;
#[cfg(test)]
mod renewal_tests;
mod report;
mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use effect::{Acceptance, Effect, ExitReason, Message, Refusal};
pub use event::{Event, Now, Received};
pub use fact::Fact;
pub use order::Order;
pub use outbox::Contents;
pub use reconnect::Loss;
pub use renewal::{Certificates, Credential, RenewalTrouble};
pub use report::{End, Report, SnapshotList};

use desired::{Verdict, judge};
use domain::id::{CommandId, JobId};
use domain::job::{JobState, Outcome, Problems, Stage};
use domain::session::{Applied, Command, DesiredKind, Goodbye, GoodbyeReason, Instruction, Stamp, Welcome, Work};
use domain::{Actor, Timestamp};
use outbox::{Cursor, Logs};
use queue::{Found, Live, Queue};
use reconnect::Reconnect;
use renewal::Renewal;
use session::Session;

/// What the agent finds on its disk when it starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// The certificates.
    pub certificates: Certificates,
    /// What the outbox holds.
    pub outbox: Contents,
    /// What is held of the desired state.
    pub applied: Applied,
    /// Commands that were accepted and are not done, in the order they came.
    pub commands: Vec<Command>,
    /// Jobs that had begun, with the time at which their turn came.
    pub begun: Vec<(JobId, Timestamp)>,
    /// Logs that are not known to be committed, with their lines in all.
    pub logs: Vec<(JobId, u64)>,
}

/// A view of the core for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The session with the server is open.
    pub online: bool,
    /// Events that are not committed.
    pub unacknowledged: u64,
    /// Jobs that run.
    pub running: Vec<Order>,
    /// Jobs that wait.
    pub waiting: usize,
    /// When the certificate in use ends.
    pub certificate_ends: Timestamp,
    /// What keeps the next certificate from coming; `None` while nothing does.
    pub renewal_trouble: Option<RenewalTrouble>,
}

/// What an earlier life of the agent had not done.
#[derive(Debug, Default)]
struct Leftover {
    commands: Vec<Command>,
    begun: Vec<(JobId, Timestamp)>,
}

/// The deciding part of the agent.
#[derive(Debug)]
pub struct Core {
    session: Session,
    reconnect: Reconnect,
    renewal: Renewal,
    /// When the renewal wants to be looked at again, in an open session.
    renewal_due: Option<Duration>,
    /// The highest that any session had. Kept in memory only: what it guards against is a message that was on its way in
    /// an older session of this process, and the server tells by it whether another process used the identity meanwhile.
    epoch: u64,
    cursor: Cursor,
    logs: Logs,
    applied: Applied,
    queue: Queue,
    /// What is left of an earlier life, until the core is started.
    leftover: Option<Leftover>,
    outbox_full: bool,
    stopping: bool,
}

impl Core {
    /// Takes up what is on disk. [`Event::Started`] sets it going.
    pub fn new(start: Start) -> Self {
        let Start {
            certificates,
            outbox,
            applied,
            commands,
            begun,
            logs: found,
        } = start;
        let cursor = Cursor::new(outbox);
        let mut logs = Logs::default();
        for (job, lines) in found {
            logs.grown(job, lines);
            let is_live = commands.iter().any(|command| runs(command, job));
            if !is_live && !cursor.holds_end_of(job) {
                logs.end_committed(job);
            }
        }
        Self {
            session: Session::Offline,
            reconnect: Reconnect::new(),
            renewal: Renewal::new(certificates),
            renewal_due: None,
            epoch: 0,
            cursor,
            logs,
            applied,
            queue: Queue::default(),
            leftover: Some(Leftover { commands, begun }),
            outbox_full: false,
            stopping: false,
        }
    }

    /// Takes one event and returns what is to be done, in order.
    pub fn on_event(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.take(event, now, &mut effects);
        self.start_due_jobs(now, &mut effects);
        self.keep_talking(now, &mut effects);
        effects
    }

    /// When [`Event::Wakeup`] is wanted, by [`Now::uptime`]; `None` when only an event can change anything.
    pub fn next_wakeup(&self) -> Option<Duration> {
        let logs = match self.session {
            Session::Open(_) => self.logs.next_wakeup().filter(|wakeup| *wakeup != Duration::MAX),
            Session::Offline | Session::Greeted { .. } | Session::Closing { .. } => None,
        };
        let renewal = match self.session {
            Session::Open(_) => self.renewal_due,
            Session::Offline | Session::Greeted { .. } | Session::Closing { .. } => None,
        };
        [self.session.next_wakeup(), logs, renewal].into_iter().flatten().min()
    }

    /// How things stand, for people.
    pub fn overview(&self) -> Overview {
        Overview {
            online: matches!(self.session, Session::Open(_)),
            unacknowledged: self.cursor.unacknowledged(),
            running: self.queue.running().map(|live| live.order.clone()).collect(),
            waiting: self.queue.waiting(),
            certificate_ends: self.renewal.ends(),
            renewal_trouble: self.renewal.trouble().cloned(),
        }
    }

    fn take(&mut self, event: Event, now: Now, effects: &mut Vec<Effect>) {
        match event {
            Event::Started { random } => self.started(random, now, effects),
            Event::LinkUp => {
                self.session = Session::greeted(now.uptime);
                effects.push(Effect::Send(Message::Hello {
                    next_seq: self.cursor.next_seq(),
                    applied: self.applied.clone(),
                    last_epoch: self.epoch,
                    live: self.queue.live().collect(),
                }));
            }
            Event::Received(received) => {
                self.session.heard(now.uptime);
                self.received(received, now, effects);
            }
            Event::LinkLost { loss, random } => self.link_lost(loss, random, now, effects),
            Event::Recorded { seq, ends } => self.cursor.recorded(seq, ends),
            Event::EventsSent { through } => self.cursor.sent(through),
            Event::OutboxFull(full) => self.outbox_full = full,
            Event::OutboxRestarted(contents) => self.cursor = Cursor::new(contents),
            Event::DesiredStored { kind, stamp, outcome } => {
                if outcome.is_ok() {
                    self.applied.set(kind, stamp.clone());
                }
                effects.push(record(desired_applied(kind, stamp, outcome.err()), now.wall));
            }
            Event::CommandStored { command, stored } => self.command_stored(command, stored, now, effects),
            Event::Job { job, report } => self.job_reported(job, report, now, effects),
            Event::LogSent {
                job,
                through_line,
                bytes,
            } => {
                self.logs.sent(job, through_line);
                if let Some(open) = self.session.open() {
                    open.log_window = open.log_window.saturating_sub(bytes);
                }
            }
            Event::LogHeldBack { job } => self.logs.held_back(job),
            Event::LogUnreadable { job } => {
                if self.logs.give_up(job) {
                    effects.push(Effect::ForgetJob(job));
                }
            }
            Event::Offered { certificate_pem } => self.renewal.offered(certificate_pem, effects),
            Event::NotAsked { why } => {
                self.renewal.not_given(why, None, false, now, effects);
                self.reconnect_for_renewal(now, effects);
            }
            Event::OfferStored { outcome } => {
                self.renewal.offer_stored(outcome, now, effects);
                self.reconnect_for_renewal(now, effects);
            }
            Event::Promoted { outcome } => self.renewal.promoted(outcome, now, effects),
            Event::Wakeup => {}
            Event::StopRequested => {
                self.stopping = true;
                if self.session.open().is_some() {
                    effects.push(Effect::Send(Message::Goodbye));
                }
                effects.push(Effect::Exit(ExitReason::Stopped));
            }
        }
    }

    /// Jobs that had begun come first, so that nothing new starts on their repositories.
    fn started(&mut self, random: f64, now: Now, effects: &mut Vec<Effect>) {
        let Leftover { commands, begun } = self.leftover.take().unwrap_or_default();
        let mut cancels = Vec::new();
        for command in commands {
            match command.instruction {
                Instruction::Cancel { job } => cancels.push((command.id, job)),
                Instruction::Run { job, repository, work } => {
                    let order = Order { job, repository, work };
                    let started_at = begun.iter().find(|(job, _)| *job == order.job).map(|(_, at)| *at);
                    let mut live = Live::accepted(order, command.id, now.wall);
                    match started_at {
                        Some(started_at) => {
                            live.advance(Stage::Preparing { started_at });
                            effects.push(Effect::ResumeJob {
                                order: live.order.clone(),
                                started_at,
                            });
                            self.queue.resume(live);
                        }
                        None => self.queue.push(live),
                    }
                }
            }
        }
        for (command, job) in cancels {
            self.cancel(job, command, now, effects);
        }
        effects.push(Effect::Connect {
            after: Reconnect::first_wait(random),
            with: self.renewal.choose(now),
        });
    }

    fn received(&mut self, received: Received, now: Now, effects: &mut Vec<Effect>) {
        match received {
            Received::Welcome(welcome) => self.welcomed(&welcome, now, effects),
            Received::Heartbeat => {}
            Received::Ack { through } => self.acknowledged(through, effects),
            Received::LogCredit { job, next_line, bytes } => {
                if let Some(open) = self.session.open() {
                    open.log_window = open.log_window.saturating_add(bytes);
                }
                if self.logs.credited(job, next_line) {
                    effects.push(Effect::ForgetJob(job));
                }
            }
            Received::Desired(state) => {
                let kind = state.set.kind();
                let error = match judge(&self.applied, kind, &state.stamp) {
                    Verdict::Store => {
                        effects.push(Effect::StoreDesired(state));
                        return;
                    }
                    Verdict::Held => None,
                    Verdict::Older { held } => {
                        let version = state.stamp.version;
                        Some(format!(
                            "version {version} is older than version {held}, which this host holds"
                        ))
                    }
                };
                effects.push(record(desired_applied(kind, state.stamp, error), now.wall));
            }
            Received::UnusableDesired { kind, stamp, why } => {
                effects.push(record(desired_applied(kind, stamp, Some(why)), now.wall));
            }
            Received::Command { command, known } => self.commanded(command, known, effects),
            Received::UnusableCommand { id, why: _ } => {
                effects.push(acknowledge(id, Acceptance::Refused(Refusal::Unusable)));
            }
            Received::CertificateOffer { certificate_pem } => self.renewal.offered(certificate_pem, effects),
            Received::RenewRefused {
                why,
                retry_after,
                is_temporary,
            } => self.renewal.not_given(why, retry_after, !is_temporary, now, effects),
            Received::Goodbye(farewell) if farewell.reason == GoodbyeReason::Revoked => self.revoked(effects),
            Received::Goodbye(farewell) => self.disconnect(Some(farewell), now, effects),
        }
    }

    fn welcomed(&mut self, welcome: &Welcome, now: Now, effects: &mut Vec<Effect>) {
        if !matches!(self.session, Session::Greeted { .. }) {
            return;
        }
        self.epoch = self.epoch.max(welcome.epoch);
        self.reconnect.welcomed(welcome.reconnect_spread);
        if !self.cursor.fits(welcome.acknowledged_seq) {
            // One side was set back to an older copy of itself. Under a new incarnation both begin at 1 again, and what the
            // server does not have is sent once more; effects are keyed, so nothing happens twice.
            effects.push(Effect::RestartOutbox {
                known: welcome.acknowledged_seq,
            });
            self.disconnect(None, now, effects);
            return;
        }
        self.session = Session::opened(welcome, now.uptime);
        self.renewal.welcomed(now, effects);
        self.acknowledged(welcome.acknowledged_seq, effects);
    }

    fn acknowledged(&mut self, through: u64, effects: &mut Vec<Effect>) {
        let Some(ended) = self.cursor.acknowledged(through) else {
            return;
        };
        effects.push(Effect::ForgetEvents { through });
        let done = ended.into_iter().filter(|job| self.logs.end_committed(*job));
        effects.extend(done.map(Effect::ForgetJob));
    }

    fn commanded(&mut self, command: Command, known: bool, effects: &mut Vec<Effect>) {
        if command.epoch < self.epoch {
            return;
        }
        if known {
            effects.push(acknowledge(command.id, Acceptance::Duplicate));
            return;
        }
        let refusal = match &command.instruction {
            _ if self.stopping => Some(Refusal::Stopping),
            Instruction::Run { .. } if self.queue.is_full() => Some(Refusal::QueueFull),
            Instruction::Run {
                work: Work::Probe | Work::Snapshots | Work::Stats,
                ..
            } if self.outbox_full => Some(Refusal::OutboxFull),
            Instruction::Run { .. } | Instruction::Cancel { .. } => None,
        };
        effects.push(if command.ttl.is_zero() {
            acknowledge(command.id, Acceptance::Expired)
        } else if let Some(refusal) = refusal {
            acknowledge(command.id, Acceptance::Refused(refusal))
        } else {
            Effect::StoreCommand(command)
        });
    }

    fn command_stored(&mut self, command: Command, stored: bool, now: Now, effects: &mut Vec<Effect>) {
        if !stored {
            effects.push(acknowledge(command.id, Acceptance::Refused(Refusal::NotStored)));
            return;
        }
        effects.push(acknowledge(command.id, Acceptance::Accepted));
        match command.instruction {
            Instruction::Cancel { job } => self.cancel(job, command.id, now, effects),
            Instruction::Run { job, repository, work } => match self.queue.find(job) {
                Found::Nowhere => {
                    let order = Order { job, repository, work };
                    self.queue.push(Live::accepted(order, command.id, now.wall));
                }
                // A second command for a job that is here already: one job is never run twice.
                Found::Waiting | Found::Running(_) => effects.push(Effect::CloseCommand(command.id)),
            },
        }
    }

    fn cancel(&mut self, job: JobId, command: CommandId, now: Now, effects: &mut Vec<Effect>) {
        match self.queue.find(job) {
            Found::Running(live) if live.cancel.is_none() => {
                live.cancel = Some(command);
                effects.push(Effect::CancelJob(job));
            }
            Found::Running(_) | Found::Nowhere => effects.push(Effect::CloseCommand(command)),
            Found::Waiting => {
                let closes = self.queue.remove(job).map(|live| live.command);
                let end = End {
                    outcome: Outcome::Cancelled {
                        started_at: None,
                        by: Actor::System,
                    },
                    problems: Problems::default(),
                    exit_code: None,
                    restic_repository: None,
                    log_lines: 0,
                };
                effects.push(Effect::Record {
                    fact: Fact::JobFinished {
                        job,
                        end: Box::new(end),
                    },
                    at: now.wall,
                    closes,
                });
                effects.push(Effect::CloseCommand(command));
            }
        }
    }

    fn job_reported(&mut self, job: JobId, report: Report, now: Now, effects: &mut Vec<Effect>) {
        let Found::Running(live) = self.queue.find(job) else {
            return;
        };
        let started_at = live.state.started_at().unwrap_or(now.wall);
        match report {
            Report::Running => {
                if live.advance(Stage::Running { started_at }) {
                    effects.push(record(Fact::JobRunning { job }, now.wall));
                }
            }
            Report::Finalizing => {
                if live.advance(Stage::Finalizing { started_at }) {
                    effects.push(record(Fact::JobFinalizing { job }, now.wall));
                }
            }
            Report::Progress(progress) => {
                if self.session.open().is_some() {
                    effects.push(Effect::Send(Message::Progress { job, progress }));
                }
            }
            Report::LogGrown { lines } => self.logs.grown(job, lines),
            Report::Snapshots(list) => {
                let parts = fact::snapshot_parts(job, list);
                effects.extend(parts.into_iter().map(|part| record(part, now.wall)));
            }
            Report::Finished(end) => {
                let cancel = live.cancel;
                let closes = self.queue.remove(job).map(|live| live.command);
                self.logs.grown(job, end.log_lines);
                effects.push(Effect::Record {
                    fact: Fact::JobFinished {
                        job,
                        end: Box::new(end),
                    },
                    at: now.wall,
                    closes,
                });
                effects.extend(cancel.map(Effect::CloseCommand));
            }
        }
    }

    fn link_lost(&mut self, loss: Loss, random: f64, now: Now, effects: &mut Vec<Effect>) {
        let open_for = self.session.open_for(now.uptime);
        let stood = matches!(self.session, Session::Greeted { .. });
        let loss = match std::mem::replace(&mut self.session, Session::Offline) {
            Session::Closing {
                farewell: Some(farewell),
                ..
            } => Loss::Farewell(farewell),
            Session::Offline | Session::Greeted { .. } | Session::Open(_) | Session::Closing { farewell: None, .. } => {
                loss
            }
        };
        self.cursor.disconnected();
        self.logs.disconnected();
        let loss = self.renewal.lost(loss, stood, now);
        // Giving up a connection to show the next certificate is no failure.
        let after = if self.renewal.take_switch() {
            Duration::ZERO
        } else {
            self.reconnect.next_wait(&loss, open_for, random)
        };
        if !self.stopping {
            effects.push(Effect::Connect {
                after,
                with: self.renewal.choose(now),
            });
        }
    }

    /// Goes on after a question that was asked without a session.
    fn reconnect_for_renewal(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if !self.stopping && matches!(self.session, Session::Offline) {
            effects.push(Effect::Connect {
                after: self.renewal.pause_left(now),
                with: self.renewal.choose(now),
            });
        }
    }

    fn revoked(&mut self, effects: &mut Vec<Effect>) {
        self.stopping = true;
        effects.extend(self.queue.running().map(|live| Effect::CancelJob(live.order.job)));
        effects.extend([
            Effect::Disconnect,
            Effect::ForgetIdentity,
            Effect::Exit(ExitReason::Revoked),
        ]);
    }

    fn disconnect(&mut self, farewell: Option<Goodbye>, now: Now, effects: &mut Vec<Effect>) {
        self.session = self.session.closing(now.uptime, farewell);
        effects.push(Effect::Disconnect);
    }

    fn start_due_jobs(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.stopping || self.leftover.is_some() {
            return;
        }
        for order in self.queue.start_due(now.wall) {
            effects.push(record(
                Fact::JobStarted {
                    job: order.job,
                    kind: order.kind(),
                    repository: order.repository,
                },
                now.wall,
            ));
            effects.push(Effect::StartJob {
                order,
                started_at: now.wall,
            });
        }
    }

    /// Says what is due: a sign of life, the next batch, the next pieces of log.
    fn keep_talking(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.session.is_dead(now.uptime) {
            self.disconnect(None, now, effects);
        }
        if self.session.open().is_some() && !self.stopping && self.renewal.go_on(now, effects) {
            self.disconnect(None, now, effects);
        }
        self.renewal_due = self.renewal.next_wakeup(now);
        let Some(open) = self.session.open() else {
            return;
        };
        if open.take_heartbeat(now.uptime) {
            effects.push(Effect::Send(Message::Heartbeat));
        }
        let window = open.log_window;
        let piece = if window > 0 { self.logs.ask() } else { None };
        if let Some((job, from_line)) = piece {
            effects.push(Effect::SendLog {
                job,
                from_line,
                max_bytes: window,
            });
        }
        if let Some((after, through)) = self.cursor.ask(&mut self.logs, now.uptime) {
            effects.push(Effect::SendEvents { after, through });
        }
    }
}

impl Live {
    fn accepted(order: Order, command: CommandId, at: Timestamp) -> Self {
        Self {
            order,
            command,
            cancel: None,
            state: JobState::Accepted { accepted_at: at },
        }
    }
}

fn runs(command: &Command, job: JobId) -> bool {
    match &command.instruction {
        Instruction::Run { job: its, .. } => *its == job,
        Instruction::Cancel { .. } => false,
    }
}

fn record(fact: Fact, at: Timestamp) -> Effect {
    Effect::Record { fact, at, closes: None }
}

fn desired_applied(kind: DesiredKind, stamp: Stamp, error: Option<String>) -> Fact {
    Fact::DesiredApplied { kind, stamp, error }
}

fn acknowledge(command: CommandId, outcome: Acceptance) -> Effect {
    Effect::Send(Message::CommandAck { command, outcome })
}
