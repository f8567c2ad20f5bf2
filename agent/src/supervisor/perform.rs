//! Does what the core wants.

use std::sync::PoisonError;

use domain::Timestamp;
use domain::id::JobId;
use domain::job::{FailureCause, FailureCode};
use domain::session::{AgentSettings, Command, DesiredSet, DesiredState, HeldRepository, Instruction};
use proto::agent::v1::AgentMessage;
use tracing::{error, info, warn};

use super::renewal::warn_of_renewal;
use super::{Error, Supervisor};
use crate::core::{Effect, Event, Fact, Loss, Message, Order};
use crate::durable;
use crate::link::Link;
use crate::random::random_fraction;
use crate::runner::{LogReader, Task};
use crate::space;
use crate::state::Entry;
use crate::telemetry::chain;
use crate::tls;
use crate::wire;

/// Events of one message: below the limit of 256 KiB with room for their frames.
const BATCH_EVENTS: usize = 500;
const BATCH_BYTES: usize = 200 * 1024;
/// A piece of log, likewise.
const LOG_PIECE_BYTES: u64 = 200 * 1024;
/// Read at once for a piece; text compresses to a tenth or better.
const LOG_READ_BYTES: usize = 512 * 1024;
/// The logs of jobs that have ended may have this in all.
const LOGS_CAP_BYTES: u64 = 256 * 1024 * 1024;

impl Supervisor {
    pub(super) fn perform(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::Connect { after, with } => self.connect(after, with),
            Effect::Disconnect => self.disconnect(),
            Effect::Send(message) => self.say(&message),
            Effect::SendEvents { after, through } => self.send_events(after, through)?,
            Effect::SendLog {
                job,
                from_line,
                max_bytes,
            } => self.send_log(job, from_line, max_bytes),
            Effect::Record { fact, at, closes } => self.record(&fact, at, closes)?,
            Effect::CloseCommand(command) => self.state.close_command(command).map_err(Error::State)?,
            Effect::ForgetEvents { through } => {
                let now = self.clocks.now().wall;
                self.state.forget_events(through, now).map_err(Error::State)?;
                self.watch_outbox();
            }
            Effect::RestartOutbox { known } => {
                warn!(
                    known,
                    "the server's record and the outbox do not fit; what the server does not have is sent again, numbered anew"
                );
                let contents = self
                    .state
                    .restart_outbox(known, self.setup.ids.as_ref())
                    .map_err(Error::State)?;
                self.pending.push_back(Event::OutboxRestarted(contents));
            }
            Effect::StoreDesired(state) => self.store_desired(state),
            Effect::StoreCommand(command) => {
                let stored = self.take_on(&command)?;
                self.pending.push_back(Event::CommandStored { command, stored });
            }
            Effect::StartJob { order, started_at } | Effect::ResumeJob { order, started_at } => {
                self.start_job(order, started_at)?;
            }
            Effect::CancelJob(job) => self.runner.cancel(job),
            Effect::ForgetJob(job) => self.forget_job(job)?,
            Effect::AskCertificate => self.ask_certificate(),
            Effect::StoreOffer { certificate_pem } => self.store_offer(&certificate_pem),
            Effect::PromoteCandidate => self.promote_candidate(),
            Effect::DiscardCandidate => self.discard_candidate(),
            Effect::WarnOfRenewal { why, ends, is_urgent } => warn_of_renewal(&why, ends, is_urgent),
            Effect::ForgetIdentity => self.forget_identity()?,
            Effect::Exit(reason) => self.exit = Some(reason),
        }
        Ok(())
    }

    fn disconnect(&mut self) {
        self.link.close();
        self.pending.push_back(Event::LinkLost {
            loss: Loss::Broken,
            random: random_fraction(),
        });
    }

    /// A connection that takes no more is as good as none.
    pub(super) fn send(&mut self, message: AgentMessage) -> bool {
        match self.link.send(message) {
            Ok(()) => true,
            Err(error) => {
                warn!(%error, "the session is dropped");
                self.disconnect();
                false
            }
        }
    }

    fn say(&mut self, message: &Message) {
        let encoded = match message {
            Message::Hello {
                next_seq,
                applied,
                last_epoch,
                live,
            } => {
                let machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let now = self.clocks.now().wall;
                let incarnation = self.state.incarnation();
                let hello = wire::hello(&machine, incarnation, *next_seq, applied, *last_epoch, live, now);
                Some(hello)
            }
            Message::Heartbeat | Message::CommandAck { .. } | Message::Goodbye => wire::message(message),
            Message::Progress { .. } => {
                // The next one says more; this one is not worth a session.
                if let Some(encoded) = wire::message(message) {
                    let _ = self.link.send(encoded);
                }
                None
            }
        };
        if let Some(encoded) = encoded {
            self.send(encoded);
        }
    }

    fn send_events(&mut self, after: u64, through: u64) -> Result<(), Error> {
        let batch = self
            .state
            .batch(after, through, BATCH_EVENTS, BATCH_BYTES)
            .map_err(Error::State)?;
        let last = batch.last().map_or(through, |(seq, _)| *seq);
        if self.send(wire::events(batch)) {
            self.pending.push_back(Event::EventsSent { through: last });
        }
        Ok(())
    }

    fn send_log(&mut self, job: JobId, from_line: u64, max_bytes: u64) {
        let directory = self.runner.spool().job(job).log_directory();
        let reader = self.logs.entry(job).or_insert_with(|| LogReader::new(directory));
        let lines = match reader.read(from_line, LOG_READ_BYTES) {
            Ok(Some(lines)) => lines,
            Ok(None) => {
                self.pending.push_back(Event::LogUnreadable { job });
                return;
            }
            Err(error) => {
                warn!(job.id = %job, %error, "a job's log cannot be read; the rest of it is not sent");
                self.pending.push_back(Event::LogUnreadable { job });
                return;
            }
        };
        let room = usize::try_from(max_bytes.min(LOG_PIECE_BYTES)).unwrap_or(0);
        let Some(packed) = wire::pack(lines.first_line, &lines.records, room) else {
            self.pending.push_back(Event::LogHeldBack { job });
            return;
        };
        let through_line = packed.first_line + u64::from(packed.line_count) - 1;
        let bytes = u64::try_from(packed.zstd.len()).unwrap_or(u64::MAX);
        // What the server has ends before the line that was asked for, and what is not read from there on was dropped here.
        if self.send(wire::log_chunk(job, packed, from_line.saturating_sub(1))) {
            self.pending.push_back(Event::LogSent {
                job,
                through_line,
                bytes,
            });
        }
    }

    fn record(&mut self, fact: &Fact, at: Timestamp, closes: Option<domain::id::CommandId>) -> Result<(), Error> {
        let body = wire::event(fact, at);
        let entry = Entry {
            tag: wire::tag(fact),
            body: &body,
        };
        let seq = self.state.append(entry, closes).map_err(Error::State)?;
        note(fact);
        let ends = fact.ends();
        if let Some(job) = ends {
            self.runner.ended(job).map_err(Error::Directory)?;
            self.shorten_logs()?;
        }
        self.pending.push_back(Event::Recorded { seq, ends });
        self.watch_outbox();
        Ok(())
    }

    /// Writes a command down, unless there is no space for what it leads to: then the server hears no at once, rather than
    /// never of the end.
    fn take_on(&mut self, command: &Command) -> Result<bool, Error> {
        let place = self.setup.places.state_dir();
        if matches!(command.instruction, Instruction::Run { .. }) && space::is_short(place) {
            error!(command.id = %command.id, "a job is refused: the disk of {} is full", place.display());
            return Ok(false);
        }
        match self.state.accept(command, self.clocks.now().wall) {
            Ok(()) => Ok(true),
            // Nothing can be written from here on; the server sends it again.
            Err(error) if space::is_used_up(&error) => Err(Error::State(error)),
            Err(error) => {
                error!(command.id = %command.id, error = %chain(&error), "a command could not be stored");
                Ok(false)
            }
        }
    }

    /// Tells the core when the outbox passes its cap, and makes room first.
    fn watch_outbox(&mut self) {
        if self.state.is_outbox_full()
            && !self.outbox_was_full
            && let Err(error) = self.state.empty_superseded(wire::emptied_report)
        {
            error!(error = %chain(&error), "the outbox could not be shortened");
        }
        let is_full = self.state.is_outbox_full();
        if is_full != self.outbox_was_full {
            if is_full {
                error!(
                    "the outbox is full: too much waits to be reported; listings are refused until the server is back"
                );
            }
            self.outbox_was_full = is_full;
            self.pending.push_back(Event::OutboxFull(is_full));
        }
    }

    /// Beyond the cap the oldest logs that wait for the server go.
    fn shorten_logs(&mut self) -> Result<(), Error> {
        let running: Vec<JobId> = self.core.overview().running.iter().map(|order| order.job).collect();
        let mut ended = self.runner.spool().leftovers().map_err(Error::Directory)?;
        ended.retain(|leftover| !running.contains(&leftover.job));
        for job in self
            .runner
            .spool()
            .shorten(ended, LOGS_CAP_BYTES)
            .map_err(Error::Directory)?
        {
            warn!(job.id = %job, "a job's log is dropped: too many logs wait for the server");
            self.logs.remove(&job);
            self.pending.push_back(Event::LogUnreadable { job });
        }
        Ok(())
    }

    fn store_desired(&mut self, state: DesiredState) {
        let DesiredState { stamp, set } = state;
        let kind = set.kind();
        let outcome = match &set {
            DesiredSet::Credentials(repositories) => self
                .secrets
                .store(&stamp, repositories)
                .map_err(|error| format!("agent_secrets_unreadable: {}", chain(&error))),
            DesiredSet::Settings(settings) => self.state.set_settings(&stamp, settings).map_err(|error| chain(&error)),
            DesiredSet::TrustBundle(bundle) => self.store_bundle(&stamp, bundle),
        };
        match &outcome {
            Ok(()) => info!(part = %kind, version = stamp.version, "desired state stored"),
            Err(why) => error!(part = %kind, version = stamp.version, why, "desired state not stored"),
        }
        self.pending.push_back(Event::DesiredStored { kind, stamp, outcome });
    }

    /// The stamp follows the file: a crash in between has the bundle sent once more. A bundle without the root that was
    /// pinned at enrollment is never stored: with it the agent would trust somebody else, and never come back.
    fn store_bundle(&self, stamp: &domain::session::Stamp, bundle: &str) -> Result<(), String> {
        tls::roots(bundle).map_err(|error| chain(&error))?;
        if !tls::holds_root(bundle, self.pin) {
            return Err(format!(
                "the certificates to trust do not include the root that this host was enrolled with ({}); it keeps those \
                 it has",
                self.pin
            ));
        }
        durable::write(&self.setup.places.ca_bundle(), bundle.as_bytes()).map_err(|error| chain(&error))?;
        self.state.set_trust_bundle_stamp(stamp).map_err(|error| chain(&error))
    }

    fn start_job(&mut self, order: Order, started_at: Timestamp) -> Result<(), Error> {
        let settings = self.state.settings().map_err(Error::State)?;
        let settings = settings.map_or_else(|| self.default_settings(), |(_, settings)| settings);
        let credentials = self.credentials(&order);
        self.runner.start(Task {
            order,
            started_at,
            credentials,
            settings,
        });
        Ok(())
    }

    fn credentials(&self, order: &Order) -> Result<HeldRepository, FailureCause> {
        let unreadable = |message: String| FailureCause {
            code: FailureCode::AgentSecretsUnreadable,
            exit_code: None,
            message: message.into(),
        };
        match self.secrets.repository(order.repository) {
            Ok(Some(held)) => Ok(held),
            Ok(None) => Err(unreadable(
                "the host holds no credentials for this repository".to_owned(),
            )),
            Err(error) => Err(unreadable(chain(&error))),
        }
    }

    /// Until the server has said how the host is called in snapshots.
    fn default_settings(&self) -> AgentSettings {
        let machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        AgentSettings {
            restic_host: machine.hostname.clone(),
            limit_upload_kib_per_s: 0,
            limit_download_kib_per_s: 0,
        }
    }

    fn forget_job(&mut self, job: JobId) -> Result<(), Error> {
        self.logs.remove(&job);
        self.runner.forget(job).map_err(Error::Directory)
    }

    fn forget_identity(&mut self) -> Result<(), Error> {
        self.link = Link::Closed;
        self.secrets
            .forget()
            .unwrap_or_else(|error| error!(error = %chain(&error), "the credentials could not be removed"));
        let places = &self.setup.places;
        durable::remove_directory(&places.identity_dir())
            .and_then(|()| durable::remove(&places.ca_bundle()))
            .map_err(Error::Directory)
    }
}

/// Logs what happened to jobs.
fn note(fact: &Fact) {
    match fact {
        Fact::JobStarted { job, kind, repository } => {
            info!(job.id = %job, job.kind = %kind, repository.id = %repository, "job started");
        }
        Fact::JobFinished { job, end } => {
            info!(job.id = %job, result = %end.result_code(), "job finished");
        }
        Fact::JobRunning { .. } | Fact::JobFinalizing { .. } | Fact::Snapshots { .. } | Fact::DesiredApplied { .. } => {
        }
    }
}
