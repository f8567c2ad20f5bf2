//! Takes up what is on disk.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use domain::id::JobId;
use domain::session::{Applied, Command, DesiredKind, Instruction};
use tokio::time::Instant;
use tracing::error;

use super::{Error, Setup, Supervisor};
use crate::clock::Clocks;
use crate::core::{Certificates, Core, Start};
use crate::durable;
use crate::identity::{self, HostKey, Identity};
use crate::link::Link;
use crate::runner::{Options, Runner};
use crate::secrets::Secrets;
use crate::state::State;
use crate::sysinfo::{Machine, restic_search};
use crate::telemetry;

impl Supervisor {
    /// Reads identity, state and spool, and makes what is missing of the directories.
    pub fn start(setup: Setup) -> Result<Self, Error> {
        let Setup {
            places,
            config,
            clock,
            ids,
            ..
        } = &setup;
        let identity = Identity::load(places)
            .map_err(Error::Identity)?
            .ok_or(Error::NotEnrolled)?;
        durable::create_directory(places.state_dir()).map_err(Error::Directory)?;
        let state = State::open(&places.database(), ids.as_ref()).map_err(Error::State)?;
        let secrets = Secrets::new(places);
        let (runner, reports) = Runner::open(Options {
            places: places.clone(),
            wrapper: setup.program.clone(),
            search: restic_search(config),
            grace: setup.grace,
            clock: Arc::clone(clock),
        })
        .map_err(Error::Directory)?;
        let pin = identity
            .facts
            .pin()
            .ok_or_else(|| Error::Identity(identity::Error::Pin))?;
        let certificates = Certificates {
            host: identity.facts.host_id,
            current: identity.credential.lifetime,
            candidate: identity::next::held(places)
                .map_err(Error::Identity)?
                .map(|held| held.lifetime),
        };
        // Backups do not need it, and when the next certificate is due it may be too late to look for a copy.
        if let Err(error) = HostKey::load(places) {
            error!(
                error = %telemetry::chain(&error),
                "the host cannot ask for its next certificate; all goes on until the present one ends"
            );
        }
        let core = Core::new(found(certificates, &state, &secrets, &runner)?);
        let endpoint = config.agent_url.clone().unwrap_or(identity.facts.agent_endpoint);
        Ok(Self {
            core,
            link: Link::Closed,
            state,
            secrets,
            runner,
            reports,
            logs: HashMap::new(),
            machine: Arc::new(Mutex::new(Machine::look(config))),
            clocks: Clocks::start(Arc::clone(clock)),
            host: identity.facts.host_id,
            pin,
            started_at: clock.now(),
            agent_endpoint: endpoint,
            pending: VecDeque::new(),
            outbox_was_full: false,
            exit: None,
            last_trouble: None,
            status: None,
            status_due: Instant::now(),
            setup,
        })
    }
}

/// What an earlier life of the agent left.
fn found(certificates: Certificates, state: &State, secrets: &Secrets, runner: &Runner) -> Result<Start, Error> {
    let outbox = state.contents().map_err(Error::State)?;
    let commands = state.open_commands().map_err(Error::State)?;
    let leftovers = runner.spool().leftovers().map_err(Error::Directory)?;
    let live: HashSet<JobId> = commands.iter().filter_map(job_to_run).collect();
    let mut start = Start {
        certificates,
        applied: applied(state, secrets)?,
        commands,
        begun: Vec::new(),
        logs: Vec::new(),
        outbox,
    };
    for leftover in leftovers {
        let has_end = start.outbox.ends.values().any(|job| *job == leftover.job);
        if live.contains(&leftover.job) {
            start.begun.push((leftover.job, leftover.started_at));
        } else if leftover.log_lines == 0 && !has_end {
            // Its end is committed, and there is no log to send.
            runner.forget(leftover.job).map_err(Error::Directory)?;
        }
        if leftover.log_lines > 0 {
            start.logs.push((leftover.job, leftover.log_lines));
        }
    }
    Ok(start)
}

fn applied(state: &State, secrets: &Secrets) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    match secrets.stamp() {
        Ok(stamp) => applied.set(DesiredKind::Credentials, stamp),
        Err(error) => {
            error!(error = %telemetry::chain(&error), "agent_secrets_unreadable: no job can run; run `restic-manager-agent doctor`");
        }
    }
    if let Some((stamp, _)) = state.settings().map_err(Error::State)? {
        applied.set(DesiredKind::Settings, stamp);
    }
    let bundle = state.trust_bundle_stamp().map_err(Error::State)?;
    applied.set(DesiredKind::TrustBundle, bundle);
    Ok(applied)
}

fn job_to_run(command: &Command) -> Option<JobId> {
    match &command.instruction {
        Instruction::Run { job, .. } => Some(*job),
        Instruction::Cancel { .. } => None,
    }
}

/// The agent's own program, for restic's wrapper. On Linux by a name that stays right when the file is replaced.
pub fn own_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return "/proc/self/exe".into();
    }
    std::env::current_exe().unwrap_or_else(|_| "restic-manager-agent".into())
}
