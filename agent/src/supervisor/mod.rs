//! The one event loop: everything that happens becomes an event for the core, and what the core wants is done here.
//!
//! **Invariant:** nothing is awaited while an effect is performed but the disk. Jobs, connections and waits run beside and
//! come back as events, so a heartbeat is never late because something else takes time.
//!
//! **Invariant:** a fact that cannot be written ends the agent. Begun anew it finds on disk what it needs, which is better
//! than a memory that nobody else has.

mod dial;
mod farewell;
mod lasting;
mod perform;
mod renewal;
mod start;

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::enrollment::Pin;
use domain::id::{HostId, JobId};
use domain::{Clock, IdSource, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::clock::Clocks;
use crate::config::{Config, Places};
use crate::core::{Core, Event, ExitReason, Received, Report};
use crate::durable;
use crate::exit::Exit;
use crate::identity;
use crate::link::{Link, LinkEvent};
use crate::random::random_fraction;
use crate::runner::{LogReader, Runner};
use crate::secrets::Secrets;
use crate::space;
use crate::state::{self, State};
use crate::status::{JobLine, RenewalTrouble, Status};
use crate::sysinfo::Machine;
use crate::wire::{Incoming, incoming};

pub use lasting::run_on;
pub use start::own_program;

/// The file for the command line is written at most this often.
const STATUS_EVERY: Duration = Duration::from_secs(1);
/// Old commands are forgotten this often.
const TIDY_EVERY: Duration = Duration::from_hours(24);
/// How long cancelled jobs have to end when the host was deleted.
const JOBS_END_WITHIN: Duration = Duration::from_secs(5);

/// How the agent is set up.
#[derive(Clone)]
pub struct Setup {
    /// Its files.
    pub places: Places,
    /// Its settings.
    pub config: Config,
    /// Its own program, which restic's wrapper is, too.
    pub program: PathBuf,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// The pause between asking restic to stop, telling it to terminate and killing it.
    pub grace: Duration,
}

/// Why the agent cannot run (on).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no identity.
    #[error("this machine is not enrolled; run `restic-manager-agent enroll` first")]
    NotEnrolled,
    /// The identity cannot be read.
    #[error("could not read the host's identity")]
    Identity(#[source] identity::Error),
    /// A directory or file cannot be made, read or written.
    #[error("could not use the agent's directory")]
    Directory(#[source] durable::Error),
    /// The durable state cannot be read or written.
    #[error("could not use the agent's state")]
    State(#[source] state::Error),
}

impl Error {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotEnrolled => Exit::Configuration,
            Self::State(state::Error::Access { .. }) => Exit::TryLater,
            Self::Identity(_) | Self::Directory(_) | Self::State(_) => Exit::Error,
        }
    }

    /// Whether the disk is full, which is no reason to end for good.
    pub fn is_used_up(&self) -> bool {
        space::is_used_up(self)
    }
}

/// The shell around the core.
pub struct Supervisor {
    core: Core,
    link: Link,
    state: State,
    secrets: Secrets,
    runner: Runner,
    reports: mpsc::Receiver<(JobId, Report)>,
    logs: HashMap<JobId, LogReader>,
    machine: Arc<Mutex<Machine>>,
    clocks: Clocks,
    setup: Setup,
    host: HostId,
    /// The server's root, as the host was enrolled with it.
    pin: Pin,
    started_at: Timestamp,
    agent_endpoint: String,
    pending: VecDeque<Event>,
    outbox_was_full: bool,
    exit: Option<ExitReason>,
    last_trouble: Option<String>,
    status: Option<Status>,
    status_due: Instant,
}

impl Supervisor {
    /// Runs until somebody stops it, the server deletes the host, or something cannot be written.
    pub async fn run(mut self, stop: CancellationToken) -> Result<Exit, Error> {
        let Err(error) = self.watch(stop).await else {
            return self.leave().await;
        };
        // Nobody of this life may follow a restic that the next one finds.
        self.runner.halt().await;
        if error.is_used_up() {
            let trouble = Some(lasting::full(self.setup.places.state_dir()));
            self.publish(Status {
                online: false,
                trouble,
                ..self.status()
            });
        }
        Err(error)
    }

    async fn watch(&mut self, stop: CancellationToken) -> Result<(), Error> {
        info!(host.id = %self.host, version = env!("CARGO_PKG_VERSION"), "the agent runs");
        self.dispatch(Event::Started {
            random: random_fraction(),
        })?;
        let mut tidy = tokio::time::interval(TIDY_EVERY);
        tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop_requested = false;
        while self.exit.is_none() {
            let wakeup = self.core.next_wakeup().map(|uptime| self.clocks.instant(uptime));
            let status_due = (Some(self.status()) != self.status).then_some(self.status_due);
            tokio::select! {
                event = self.link.next() => self.on_link(event)?,
                Some((job, report)) = self.reports.recv() => self.dispatch(Event::Job { job, report })?,
                () = sleep_until(wakeup) => self.dispatch(Event::Wakeup)?,
                () = sleep_until(status_due) => self.write_status(),
                _ = tidy.tick() => self.tidy()?,
                () = stop.cancelled(), if !stop_requested => {
                    stop_requested = true;
                    info!("the agent stops; running jobs go on");
                    self.dispatch(Event::StopRequested)?;
                }
            }
        }
        Ok(())
    }

    /// Forgets what nobody will ask about any more.
    fn tidy(&mut self) -> Result<(), Error> {
        let now = self.clocks.now().wall;
        self.state.forget_old_commands(now).map_err(Error::State)?;
        self.state.forget_old_events(now).map_err(Error::State)
    }

    async fn leave(mut self) -> Result<Exit, Error> {
        self.link.leave().await;
        durable::remove(&self.setup.places.status()).map_err(Error::Directory)?;
        match self.exit {
            Some(ExitReason::Revoked) => {
                warn!("the server has deleted this host; its key and credentials are removed, and the agent ends");
                drop(self.reports);
                self.runner.abandon(JOBS_END_WITHIN).await;
                Ok(Exit::Refused)
            }
            Some(ExitReason::Stopped) | None => Ok(Exit::Ok),
        }
    }

    fn on_link(&mut self, event: LinkEvent) -> Result<(), Error> {
        match event {
            LinkEvent::Up => self.dispatch(Event::LinkUp),
            LinkEvent::Certificate(certificate_pem) => {
                info!("the server has given a certificate in place of the one that it does not take any more");
                self.dispatch(Event::Offered { certificate_pem })
            }
            LinkEvent::Message(message) => {
                let state = &self.state;
                let unread = Cell::new(None);
                let known = |command| {
                    state.knows(command).unwrap_or_else(|error| {
                        unread.set(Some(error));
                        true
                    })
                };
                let message = incoming(*message, known);
                // An inbox that cannot be read must not pass for one that never saw the command: it would be done twice.
                if let Some(error) = unread.take() {
                    return Err(Error::State(error));
                }
                match message {
                    Incoming::Received(received) => {
                        self.note(&received);
                        self.dispatch(Event::Received(*received))
                    }
                    Incoming::Unusable(why) => {
                        warn!(why, "the server said something that this version cannot use");
                        Ok(())
                    }
                }
            }
            LinkEvent::Lost { loss, why } => {
                // Once for each cause: a server that is away for a day is one line.
                if self.last_trouble.as_ref() == Some(&why) {
                    debug!(why, "still no session");
                } else {
                    warn!(why, "no session with the server; running jobs are not affected");
                    self.last_trouble = Some(why);
                }
                self.dispatch(Event::LinkLost {
                    loss,
                    random: random_fraction(),
                })
            }
        }
    }

    /// Logs what changes something.
    fn note(&mut self, received: &Received) {
        match received {
            Received::Welcome(welcome) => {
                info!(session.id = %welcome.session, session.epoch = welcome.epoch, "session open");
                self.last_trouble = None;
            }
            Received::Command { command, known } => {
                info!(command.id = %command.id, known, instruction = instruction(&command.instruction), "command");
            }
            Received::UnusableCommand { id, why } => warn!(command.id = %id, why, "command refused"),
            Received::UnusableDesired { kind, why, .. } => warn!(part = %kind, why, "desired state refused"),
            Received::Goodbye(goodbye) => match farewell::meaning(goodbye.reason) {
                None => info!(reason = %goodbye.reason, "the server ends the session"),
                Some(meaning) => {
                    warn!(reason = %goodbye.reason, "{meaning}");
                    self.last_trouble = Some(format!("{meaning} ({})", goodbye.reason));
                }
            },
            Received::Heartbeat
            | Received::Ack { .. }
            | Received::LogCredit { .. }
            | Received::Desired(_)
            | Received::CertificateOffer { .. }
            | Received::RenewRefused { .. } => {}
        }
    }

    /// Lets the core decide and does what it wants, until nothing follows.
    fn dispatch(&mut self, event: Event) -> Result<(), Error> {
        self.pending.push_back(event);
        while let Some(event) = self.pending.pop_front() {
            for effect in self.core.on_event(event, self.clocks.now()) {
                self.perform(effect)?;
            }
        }
        Ok(())
    }

    fn write_status(&mut self) {
        self.publish(self.status());
    }

    fn publish(&mut self, status: Status) {
        self.status_due = Instant::now() + STATUS_EVERY;
        if let Err(error) = status.write(&self.setup.places.status()) {
            debug!(error = %crate::telemetry::chain(&error), "the status cannot be written");
        }
        self.status = Some(status);
    }

    fn status(&self) -> Status {
        let overview = self.core.overview();
        let machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        Status {
            pid: std::process::id(),
            boot_id: machine.boot_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            host_id: self.host,
            agent_endpoint: self.agent_endpoint.clone(),
            online: overview.online,
            trouble: self.last_trouble.clone().filter(|_| !overview.online),
            restic_version: machine.restic.as_ref().map(|restic| restic.version.clone()),
            running: overview
                .running
                .iter()
                .map(|order| JobLine {
                    job_id: order.job,
                    kind: order.kind(),
                    repository_id: order.repository,
                })
                .collect(),
            waiting: overview.waiting,
            certificate_ends: overview.certificate_ends,
            renewal_trouble: overview.renewal_trouble.map(|trouble| RenewalTrouble {
                since: trouble.since,
                why: trouble.why,
            }),
            unacknowledged_events: overview.unacknowledged,
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn instruction(instruction: &domain::session::Instruction) -> &'static str {
    use domain::session::{Instruction, Work};

    match instruction {
        Instruction::Cancel { .. } => "cancel",
        Instruction::Run { work, .. } => match work {
            Work::Backup(_) => "backup",
            Work::Init => "init",
            Work::Probe => "probe",
            Work::Snapshots => "snapshots",
            Work::Reinit => "reinit",
            Work::Unlock { .. } => "unlock",
            Work::Stats => "stats",
        },
    }
}
