//! Sessions of agents: opening and closing them, what they are sent, what becomes of commands.

use std::time::Duration;

use domain::host::{HostEvent, HostStatus};
use domain::id::{HostId, Id as _, JobId, OutboxIncarnation, SessionId};
use domain::job::{Job, JobEvent, JobKind, Mode, Progress, Stage};
use domain::repository::RepoStatus;
use domain::session::{
    Applied, BackupOrder, Command, CommandAck, CommandOutcome, DesiredState, Hello, Instruction, ProtocolRange,
    Suspects, Welcome, Work,
};
use domain::{ErrorCode, ReportedText, Timestamp};

use super::news::News;
use super::{App, Caller, Error, Who};
use crate::events::Change;
use crate::sessions::queue::Bounds;
use crate::sessions::{self, Handle};
use crate::store::{CommandKind, CommandState, ReadTx, SessionOpening, StoredCommand};

/// Pause between two signs of life, unless the offline limit asks for a shorter one.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How far an agent's memory of its sessions may be ahead of ours: a database that was set back lacks no more of them, and
/// a number that an agent invents cannot use up those that there are.
const FURTHEST_EPOCH: u64 = 1 << 32;
/// No desired state was changed so often. An agent that claims to hold more would have the counter run out.
const HIGHEST_VERSION: u64 = 1 << 53;
/// How far a clock counts as off that shows no time at all.
const BEYOND_THE_CALENDAR: Duration = Duration::from_hours(24 * 365 * 100);

/// The session in whose name an agent speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSession {
    /// The host, by its certificate.
    pub host: HostId,
    /// The session's id, for logs.
    pub id: SessionId,
    /// Fences: a session that is not the host's latest writes nothing.
    pub epoch: u64,
    /// Which life of the agent's outbox its sequence numbers belong to.
    pub outbox: OutboxIncarnation,
    /// Jobs that the agent had and did not list when it greeted.
    pub suspects: Suspects,
}

/// What an agent is to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// What it should hold and does not. Comes before the commands, which may need it.
    pub desired: Vec<DesiredState>,
    /// The state of the desired state that was looked at; `None` when the host gets nothing at the moment.
    pub version: Option<u64>,
    /// What it should do, in the order given.
    pub commands: Vec<Command>,
}

impl App {
    /// Reaches connected agents.
    pub fn sessions(&self) -> &Handle {
        &self.0.sessions
    }

    /// What sessions are told.
    pub fn session_options(&self) -> sessions::Options {
        let limit = self.0.settings.offline_after;
        sessions::Options {
            heartbeat: HEARTBEAT.min(limit / 3),
            silent_after: limit,
            limits: self.agent_limits(),
        }
    }

    /// What one agent may use up.
    pub fn agent_limits(&self) -> sessions::Limits {
        let limits = &self.0.settings.limits;
        sessions::Limits {
            events: limits.events,
            listings: limits.listings,
            log: limits.log,
            log_window: limits.log_window,
            outbound: Bounds {
                messages: limits.queue_messages,
                bytes: limits.queue_bytes,
            },
        }
    }

    /// The refusal of an agent that speaks no version of the protocol that this server does.
    pub fn refuse_protocol(&self, theirs: ProtocolRange) -> Error {
        let ours = sessions::PROTOCOL;
        let code = ErrorCode::ProtocolTooOld;
        let remedy = if theirs.newest < ours.oldest {
            "Update the agent"
        } else {
            "Update the server"
        };
        Error::refuse_with(
            code,
            format!(
                "the agent speaks protocol {} to {}, this server {} to {}. {remedy}; until then the agent's backups run on \
                 as it knows them, but are not seen here. See {}/help/errors#{code}",
                theirs.oldest, theirs.newest, ours.oldest, ours.newest, self.0.settings.base_url
            ),
        )
    }

    /// Opens a session: the host counts as online, and what earlier sessions of it say is void from here on. So are its
    /// certificates that were issued before the one with this serial number, which it shows.
    ///
    /// Errors: `certificate_revoked`, also when the host was deleted meanwhile; `host_quarantined`; `duplicate_identity`.
    pub async fn open_session(
        &self,
        caller: &Caller,
        certificate: &str,
        hello: &Hello,
        protocol: u32,
    ) -> Result<(AgentSession, Welcome), Error> {
        let Who::Agent(host) = caller.who else {
            return Err(Error::refuse(ErrorCode::Unauthorized));
        };
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let Some(known) = tx.host_session(host).await? else {
            return Err(Error::refuse(ErrorCode::CertificateRevoked));
        };
        let tx = self.admit(tx, caller, (host, &known), hello, now).await?;
        let opening = SessionOpening {
            status: known.status.next(HostEvent::Hello),
            at: now,
            boot_id: hello.boot_id.clone(),
            protocol_version: protocol,
            clock_skew: hello.wall_time.map_or(BEYOND_THE_CALENDAR, |theirs| skew(theirs, now)),
            inventory: hello.inventory.clone(),
            applied: hello.applied.clone(),
            last_epoch: hello.last_epoch.min(known.epoch + FURTHEST_EPOCH),
        };
        let epoch = tx.open_session(host, &opening).await?;
        self.note_certificate_in_use(&tx, caller, host, certificate, now)
            .await?;
        // What an earlier session was given and did not accept. A server that crashed could not put it back.
        tx.requeue_commands(host).await?;
        // It has seen versions that are not known here: this database was set back. What it holds by them is replaced.
        let version = hello.applied.highest_version();
        if version > known.desired_version && version <= HIGHEST_VERSION {
            tx.raise_desired_version_above(host, version).await?;
        }
        self.note_held(&tx, host, &hello.applied).await?;
        let acknowledged_seq = tx.agent_cursor(host, hello.outbox).await?;
        let mut news = News::default();
        let suspects = self.take_inventory(&tx, host, hello, now, &mut news).await?;
        self.give_up(&tx, suspects.due(acknowledged_seq), now, &mut news)
            .await?;
        // What was shown as unreachable is not any more.
        for job in tx.live_jobs(host).await? {
            news.job(&job);
        }
        news.host(host);
        let is_untried = tx
            .host_repository(host)
            .await?
            .is_some_and(|binding| binding.status == RepoStatus::Pending);
        self.commit(tx, news, now).await?;
        if is_untried {
            let system = Caller {
                who: Who::System,
                origin: caller.origin.clone(),
            };
            self.look_at_repository(&system, host).await?;
        }
        let session = AgentSession {
            host,
            id: SessionId::generate(self.0.ids.as_ref()),
            epoch,
            outbox: hello.outbox,
            suspects,
        };
        let welcome = Welcome {
            protocol,
            session: session.id,
            epoch,
            acknowledged_seq,
            heartbeat: self.session_options().heartbeat,
            server_time: now,
            log_window_bytes: self.0.settings.limits.log_window,
            reconnect_spread: self.0.sessions.spread(),
        };
        Ok((session, welcome))
    }

    /// What a session was given and did not accept waits to be sent again: the session has ended, or it is not known whether
    /// it was sent. That the host is there no more is not said by that.
    pub async fn take_back_commands(&self, session: &AgentSession) -> Result<(), Error> {
        let now = self.0.clock.now();
        let sent = |command: &StoredCommand| was_sent_in(command, session.epoch);
        // Most sessions end with nothing open, and all of them may end at once.
        if !self
            .0
            .store
            .read()
            .await?
            .due_commands(session.host, now)
            .await?
            .iter()
            .any(sent)
        {
            return Ok(());
        }
        let tx = self.0.store.begin().await?;
        if is_latest(&tx, session).await? {
            tx.requeue_commands(session.host).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Notes that an agent said something in its session.
    pub fn heard(&self, session: &AgentSession) {
        self.0.sessions.heard(session.host, session.epoch, self.0.clock.now());
    }

    /// Finds what an agent that holds `held` is to be sent, and notes that its commands were sent. `looked_at` is the
    /// version up to which the session has compared what the agent holds.
    ///
    /// `None` when the session is not the host's latest, or there is no such host any more.
    pub async fn deliver(
        &self,
        session: &AgentSession,
        held: &Applied,
        looked_at: Option<u64>,
    ) -> Result<Option<Delivery>, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.read().await?;
        let Some(host) = tx.host_session(session.host).await? else {
            return Ok(None);
        };
        if host.epoch != session.epoch {
            return Ok(None);
        }
        if !gets_orders(host.status) {
            return Ok(Some(Delivery::default()));
        }
        let mut delivery = Delivery {
            version: Some(host.desired_version),
            ..Delivery::default()
        };
        if looked_at != delivery.version {
            let Some(desired) = self.desired(&tx, session.host).await? else {
                return Ok(None);
            };
            delivery.desired = self.lacking(&tx, &desired, held).await?;
            delivery.version = Some(desired.version());
        }
        let waits = tx
            .due_commands(session.host, now)
            .await?
            .iter()
            .any(|command| !was_sent_in(command, session.epoch));
        drop(tx);
        if waits {
            let Some(commands) = self.claim_commands(session, now).await? else {
                return Ok(None);
            };
            delivery.commands = commands;
        }
        Ok(Some(delivery))
    }

    /// Notes what became of a command. A command of another host, or one that is not known, is nobody's.
    pub async fn settle_command(&self, session: &AgentSession, ack: CommandAck) -> Result<(), Error> {
        let CommandAck { command: id, outcome } = ack;
        let now = self.0.clock.now();
        // Before it waits for its turn to write: what is not this host's must not hold up others.
        let known = self.0.store.read().await?.command(id).await?;
        let Some(command) = known.filter(|command| command.host_id == session.host) else {
            tracing::warn!(host.id = %session.host, command.id = %id, "an answer to a command that is not this host's was dropped");
            return Ok(());
        };
        let tx = self.0.store.begin().await?;
        if !is_latest(&tx, session).await? {
            return Ok(());
        }
        let Some(mut job) = tx.job(command.job_id).await?.map(|view| view.job) else {
            return Ok(());
        };
        let event = match outcome {
            CommandOutcome::Accepted | CommandOutcome::Duplicate => {
                tx.command_accepted(id, now).await?;
                JobEvent::Reached(Stage::Accepted { at: now })
            }
            CommandOutcome::Refused { reason } => {
                let message = refusal(&reason);
                tx.command_refused(id, reason, now).await?;
                JobEvent::Refused { at: now, message }
            }
            CommandOutcome::Expired => {
                tx.command_expired(id, now).await?;
                JobEvent::Expired { at: now }
            }
        };
        let mut news = News::default();
        match command.kind {
            CommandKind::Run => {
                self.move_job(&tx, &mut job, event, now, &mut news).await?;
            }
            // The job ends by its own word. If it has, this was the last one about it.
            CommandKind::Cancel if job.state.is_terminal() => {
                tx.finish_commands(job.id, now).await?;
            }
            CommandKind::Cancel => {}
        }
        self.commit(tx, news, now).await
    }

    /// Shows the latest numbers of a job of this host. Those of any other job are dropped.
    pub async fn show_progress(&self, session: &AgentSession, job: JobId, progress: Progress) -> Result<(), Error> {
        if !self.0.sessions.runs_on(job, session.host) {
            let found = self.0.store.read().await?.job(job).await?.map(|view| view.job);
            if !found.is_some_and(|job| job.host_id == session.host && !job.state.is_terminal()) {
                tracing::warn!(host.id = %session.host, job.id = %job, "numbers of a job that does not run on this host were dropped");
                return Ok(());
            }
        }
        self.0.sessions.show(session.host, job, progress);
        self.0.events.publish(Change::Job(job));
        Ok(())
    }

    /// Turns the commands that wait into messages and notes that they were sent. `None` as for [`Self::deliver`].
    async fn claim_commands(&self, session: &AgentSession, now: Timestamp) -> Result<Option<Vec<Command>>, Error> {
        let tx = self.0.store.begin().await?;
        if !is_latest(&tx, session).await? {
            return Ok(None);
        }
        let (mut commands, mut news) = (Vec::new(), News::default());
        for command in tx.due_commands(session.host, now).await? {
            if was_sent_in(&command, session.epoch) {
                continue;
            }
            let Some(mut job) = tx.job(command.job_id).await?.map(|view| view.job) else {
                continue;
            };
            let Some(instruction) = instruction(&tx, &job, command.kind).await? else {
                continue;
            };
            tx.command_sent(command.id, session.epoch, now).await?;
            if command.kind == CommandKind::Run {
                self.move_job(&tx, &mut job, JobEvent::Sent { at: now }, now, &mut news)
                    .await?;
            }
            let ttl = command.expires_at.since(now);
            commands.push(Command {
                id: command.id,
                epoch: session.epoch,
                ttl,
                instruction,
            });
        }
        self.commit(tx, news, now).await?;
        Ok(Some(commands))
    }
}

/// Whether a session is its host's latest one.
pub(super) async fn is_latest(tx: &ReadTx, session: &AgentSession) -> Result<bool, Error> {
    let host = tx.host_session(session.host).await?;
    Ok(host.is_some_and(|host| host.epoch == session.epoch))
}

/// Whether a host gets commands and secrets.
const fn gets_orders(status: HostStatus) -> bool {
    match status {
        HostStatus::Online => true,
        HostStatus::Pending | HostStatus::Offline | HostStatus::Quarantined | HostStatus::Revoked => false,
    }
}

fn was_sent_in(command: &StoredCommand, session_epoch: u64) -> bool {
    matches!(command.state, CommandState::Sent { epoch, .. } if epoch == session_epoch)
}

/// What a command asks for; `None` for a backup whose row says no paths, which none of ours does.
async fn instruction(tx: &ReadTx, job: &Job, kind: CommandKind) -> Result<Option<Instruction>, Error> {
    let work = match (kind, job.kind) {
        (CommandKind::Cancel, _) => return Ok(Some(Instruction::Cancel { job: job.id })),
        (CommandKind::Run, JobKind::Init) if job.mode == Mode::Anew => Work::Reinit,
        (CommandKind::Run, JobKind::Init) => Work::Init,
        (CommandKind::Run, JobKind::Probe) => Work::Probe,
        (CommandKind::Run, JobKind::Snapshots) => Work::Snapshots,
        (CommandKind::Run, JobKind::Unlock) => Work::Unlock {
            all: job.mode == Mode::All,
        },
        (CommandKind::Run, JobKind::Stats) => Work::Stats,
        (CommandKind::Run, JobKind::Backup) => {
            let Some(paths) = job.paths.clone() else {
                return Ok(None);
            };
            let group = match job.source_group_id {
                Some(group) => tx.source_group(group).await?,
                None => None,
            };
            Work::Backup(BackupOrder {
                paths,
                excludes: Vec::new(),
                exclude_caches: false,
                one_file_system: false,
                tag: group.map(|group| group.name.to_string()),
                max_runtime: None,
            })
        }
    };
    Ok(Some(Instruction::Run {
        job: job.id,
        repository: job.repository_id,
        work,
    }))
}

/// Why an agent does not do a job, in words for the operator.
fn refusal(reason: &ReportedText<200>) -> ReportedText<2000> {
    match reason.as_str() {
        "queue_full" => "too many jobs wait on the host already; let some finish first".into(),
        "outbox_full" => {
            "too many reports wait on the host to be sent here; when it has been connected for a while, there is room again"
                .into()
        }
        "invalid_command" => "the agent did not understand the job; an update of the agent may help".into(),
        "not_stored" => "the agent could not write the job to its disk; look whether that is full or damaged".into(),
        "agent_stopping" => "the agent was about to stop; run it again when the host is back".into(),
        other => other.into(),
    }
}

fn skew(theirs: Timestamp, ours: Timestamp) -> Duration {
    theirs.since(ours).max(ours.since(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_in_either_direction() {
        let time = |second| Timestamp::from_seconds(second, 0).unwrap();

        for (theirs, ours, off) in [(0, 5, 5), (5, 0, 5), (3, 3, 0)] {
            assert_eq!(skew(time(theirs), time(ours)), Duration::from_secs(off));
        }
    }

    #[test]
    fn a_word_of_refusal_becomes_a_sentence_and_an_unknown_one_stays() {
        assert!(refusal(&"queue_full".into()).as_str().contains("too many jobs"));
        assert_eq!(refusal(&"on_strike".into()).as_str(), "on_strike");
    }
}
