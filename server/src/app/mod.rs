//! The only door to what the server does.
//!
//! [`App`] is a cheap clone of ports: store, clock, ids, keys, sessions. A method takes [`Caller`] first and then valid
//! input; it loads, decides with `domain`, writes the audit entry in the same transaction, commits, and nudges last.
//! The role was checked at the door of the services; rules about the *object* live here.
//!
//! **Invariant:** no method waits for an agent. It writes what is wanted and answers from what the database knows.
//!
//! **Invariant:** everything that changes something writes exactly one audit entry, in its own transaction.

mod audit;
mod auth;
mod authority;
mod bootstrap;
mod caller;
mod certificates;
mod denied;
mod desired;
mod enrollment;
mod enrollment_tokens;
mod error;
mod events;
mod first_jobs;
mod fleet;
mod group_commit;
mod host_credentials;
mod hosts;
mod identity;
mod ingest;
mod install_commands;
mod inventory;
mod job_log;
mod job_moves;
mod jobs;
mod key;
mod log_room;
mod news;
mod once;
mod paging;
mod published;
mod readiness;
mod record;
mod reenrollment;
mod reinit;
mod renewal;
mod replaced;
mod repositories;
mod repository_secrets;
mod repository_stats;
mod retention;
mod session;
mod settings;
mod snapshots;
mod stale_jobs;
mod upkeep;
mod users;
mod whole_log;

use std::sync::Arc;

use domain::{Clock, IdSource};
use tokio_util::sync::CancellationToken;

pub use self::auth::SignedIn;
use self::authority::AuthorityCell;
pub use self::authority::Renewed;
pub use self::bootstrap::SetupToken;
pub use self::caller::{Caller, Origin, SignedInUser, Who};
use self::denied::DeniedCalls;
pub use self::error::{Error, Field, Refusal, whole_seconds};
pub use self::events::{EventWatch, LiveEvent, Seen};
pub use self::group_commit::IngestFigures;
use self::group_commit::Lanes;
pub use self::job_log::{JobNews, LogPart, WatchedJob};
pub use self::log_room::LogRoom;
pub use self::once::Once;
use self::published::Hashes;
pub use self::published::{Content, InstallFile, Platform, Published};
pub use self::readiness::Check;
use self::readiness::Recent;
pub use self::retention::Removed;
pub use self::session::{AgentSession, Delivery};
pub use self::settings::Settings;
pub use self::whole_log::{LogPiece, WholeLog};
use crate::events::Bus;
use crate::meters::Meters;
use crate::passwords::Hasher;
use crate::secrets::Keyring;
use crate::sessions::Handle;
use crate::store::Store;
use crate::tasks::{Registry, TaskStatus};
use crate::throttle::Throttle;

/// Everything the server can do. Clones are cheap and share all state.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What an [`App`] is made of.
pub struct Ports {
    /// The database.
    pub store: Store,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Opens and seals secrets.
    pub keyring: Keyring,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Reaches connected agents.
    pub sessions: Handle,
    /// Tells watchers what has changed.
    pub events: Bus,
    /// What the operator configured.
    pub settings: Settings,
    /// What the background tasks last did.
    pub tasks: Registry,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    keyring: Keyring,
    hasher: Hasher,
    sessions: Handle,
    events: Bus,
    settings: Settings,
    tasks: Registry,
    throttle: Throttle,
    setup_token: SetupToken,
    denied: DeniedCalls,
    authority: AuthorityCell,
    meters: Meters,
    log_room: LogRoom,
    lanes: Lanes,
    published: Hashes,
    readiness: Recent<Vec<Check>>,
    /// Cancelled when streams to people shall end.
    streams_end: CancellationToken,
}

impl App {
    /// Puts the parts together.
    pub fn new(ports: Ports) -> Self {
        let Ports {
            store,
            clock,
            ids,
            keyring,
            hasher,
            sessions,
            events,
            settings,
            tasks,
        } = ports;
        let meters = Meters::new(&settings.limits);
        let log_room = LogRoom::new(settings.limits.log_ingest, meters.log_ingest.clone());
        let lanes = Lanes::new(store.writers(), meters.ingest.clone());
        Self(Arc::new(Inner {
            store,
            clock,
            ids,
            keyring,
            hasher,
            sessions,
            events,
            settings,
            tasks,
            throttle: Throttle::default(),
            setup_token: SetupToken::default(),
            denied: DeniedCalls::default(),
            authority: AuthorityCell::default(),
            meters,
            log_room,
            lanes,
            published: Hashes::default(),
            readiness: Recent::default(),
            streams_end: CancellationToken::new(),
        }))
    }

    /// What the operator configured.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// How far each limit is used.
    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// Where log on its way into the database finds room.
    pub fn log_room(&self) -> &LogRoom {
        &self.0.log_room
    }

    /// Where the background tasks report.
    pub fn registry(&self) -> Registry {
        self.0.tasks.clone()
    }

    /// What the background tasks last did, by name.
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.0.tasks.all()
    }
}
