//! Which host has which session, what was heard of whom, and who watches which job.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{HostId, JobId};
use domain::job::Progress;
use domain::session::{Claim, Claims, Goodbye, GoodbyeReason, Ruling};
use domain::{ReportedText, Timestamp};
use tokio::sync::{Notify, watch};

use super::signal::{self, Bell, Ear};
use super::{JobWatch, Pulse, Signal};

/// The most jobs of one host whose progress is kept. An agent runs one per repository, and listings beside.
const LIVE_JOBS_PER_HOST: usize = 32;

/// Reaches connected agents. Clones are cheap and share all state; nothing here waits.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    registry: Mutex<Registry>,
    /// Rung when a session has left.
    left: Notify,
}

#[derive(Debug, Default)]
struct Registry {
    sessions: HashMap<HostId, Occupied>,
    /// Hosts that said something since the last look, and when.
    heard: HashMap<HostId, Timestamp>,
    /// The latest numbers of jobs that run on connected hosts.
    live: HashMap<JobId, (HostId, Progress)>,
    watched: HashMap<JobId, watch::Sender<Pulse>>,
    /// What happened around the identity of each host that has had a session here.
    claims: HashMap<HostId, Claims>,
    /// Set when the server stops: nobody comes in any more.
    is_closed: bool,
}

#[derive(Debug)]
struct Occupied {
    epoch: u64,
    boot_id: ReportedText<64>,
    bell: Bell,
}

/// The place of one session in the registry. It is given up when this is dropped.
#[derive(Debug)]
pub struct Seat {
    host: HostId,
    epoch: u64,
    ear: Ear,
    registry: Handle,
}

impl Handle {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            registry: Mutex::new(Registry::default()),
            left: Notify::new(),
        }))
    }

    /// Judges whether an agent may speak for a host; see [`Claims::judge`].
    pub fn judge(&self, host: HostId, claim: Claim<'_>, now: Timestamp, grace: Duration) -> Ruling {
        let mut registry = self.lock();
        let Registry { sessions, claims, .. } = &mut *registry;
        let holder = sessions.get(&host).map(|there| &there.boot_id);
        claims.entry(host).or_default().judge(claim, holder, now, grace)
    }

    /// Forgets what happened around a host's identity, and when its agent was heard: it has another one, a person has
    /// decided, or it is gone.
    pub fn forget(&self, host: HostId) {
        let mut registry = self.lock();
        registry.claims.remove(&host);
        registry.heard.remove(&host);
    }

    /// Takes the place of a host's session. The session that has it is told that it was superseded.
    ///
    /// Refuses with the words to part with: when a session with a higher epoch is there already, or the server stops.
    pub fn enter(&self, host: HostId, epoch: u64, boot_id: &ReportedText<64>) -> Result<Seat, Goodbye> {
        let mut registry = self.lock();
        if registry.is_closed {
            return Err(farewell(registry.sessions.len()));
        }
        let (bell, ear) = signal::bell();
        let newcomer = Occupied {
            epoch,
            boot_id: boot_id.clone(),
            bell,
        };
        match registry.sessions.entry(host) {
            Entry::Occupied(there) if there.get().epoch >= epoch => {
                return Err(Goodbye::because(GoodbyeReason::Superseded));
            }
            Entry::Occupied(mut there) => {
                let before = there.insert(newcomer);
                before.bell.cut(Goodbye::because(GoodbyeReason::Superseded));
            }
            Entry::Vacant(place) => {
                place.insert(newcomer);
            }
        }
        drop(registry);
        Ok(Seat {
            host,
            epoch,
            ear,
            registry: self.clone(),
        })
    }

    /// Whether a host has a session. That it has none does not mean that it is offline.
    pub fn connected(&self, host: HostId) -> bool {
        self.lock().sessions.contains_key(&host)
    }

    /// The hosts that have a session.
    pub fn connected_hosts(&self) -> Vec<HostId> {
        self.lock().sessions.keys().copied().collect()
    }

    /// Lets a host's session look into the database. Nothing happens when it has none.
    pub fn nudge(&self, host: HostId) {
        if let Some(there) = self.lock().sessions.get(&host) {
            there.bell.nudge();
        }
    }

    /// Ends a host's session; nothing happens when it has none. The stream ends within a second, read or not.
    pub fn cut(&self, host: HostId, reason: GoodbyeReason) {
        if let Some(there) = self.lock().sessions.get(&host) {
            there.bell.cut(Goodbye::because(reason));
        }
    }

    /// Notes that a host's session said something. One that was taken over, or that is gone, speaks for nobody.
    pub fn heard(&self, host: HostId, epoch: u64, at: Timestamp) {
        let mut registry = self.lock();
        let is_current = registry.sessions.get(&host).is_some_and(|there| there.epoch == epoch);
        if !is_current {
            return;
        }
        registry.heard.insert(host, at);
        registry.claims.entry(host).or_default().heard(epoch, at);
    }

    /// Notes what was taken and could not be written down.
    pub fn put_back_heard(&self, heard: Vec<(HostId, Timestamp)>) {
        let mut registry = self.lock();
        for (host, at) in heard {
            let known = registry.heard.entry(host).or_insert(at);
            *known = at.max(*known);
        }
    }

    /// The hosts that said something since the last call, and when they last did.
    pub fn take_heard(&self) -> Vec<(HostId, Timestamp)> {
        self.lock().heard.drain().collect()
    }

    /// The longest first wait after a healthy session: so long that all agents of this server come back at a bearable rate.
    pub fn spread(&self) -> Duration {
        spread(self.lock().sessions.len())
    }

    /// The latest numbers of a job; `None` while it does not run, its host is not connected, or none have come.
    pub fn progress(&self, job: JobId) -> Option<Progress> {
        self.lock().live.get(&job).map(|(_, progress)| progress.clone())
    }

    /// Whether the job is known to run on this host: its numbers came from there before.
    pub fn runs_on(&self, job: JobId, host: HostId) -> bool {
        self.lock().live.get(&job).is_some_and(|(of, _)| *of == host)
    }

    /// Keeps the latest numbers of a job of a connected host, whoever asked whether it is one.
    pub fn show(&self, host: HostId, job: JobId, progress: Progress) {
        let mut registry = self.lock();
        let of_host = registry.live.values().filter(|(of, _)| *of == host).count();
        let is_known = registry.live.contains_key(&job);
        if !registry.sessions.contains_key(&host) || (!is_known && of_host >= LIVE_JOBS_PER_HOST) {
            return;
        }
        registry.tell(job, |pulse| pulse.progress = Some(progress.clone()));
        registry.live.insert(job, (host, progress));
    }

    /// Says that more of a job's log is committed.
    pub fn log_grew(&self, job: JobId, next_line: u64) {
        self.lock()
            .tell(job, |pulse| pulse.next_line = pulse.next_line.max(next_line));
    }

    /// Says that a job's row has changed. `is_over`: it has ended, so its numbers are history.
    pub fn job_changed(&self, job: JobId, is_over: bool) {
        let mut registry = self.lock();
        if is_over {
            registry.live.remove(&job);
        }
        registry.tell(job, |pulse| {
            pulse.changes += 1;
            if is_over {
                pulse.progress = None;
            }
        });
    }

    /// Watches a job from now on.
    pub fn watch_job(&self, job: JobId) -> JobWatch {
        let mut registry = self.lock();
        let progress = registry.live.get(&job).map(|(_, progress)| progress.clone());
        let sender = registry.watched.entry(job).or_insert_with(|| {
            watch::Sender::new(Pulse {
                progress,
                ..Pulse::default()
            })
        });
        JobWatch::new(job, sender.subscribe(), self.clone())
    }

    pub(super) fn unwatch(&self, job: JobId) {
        let mut registry = self.lock();
        if registry
            .watched
            .get(&job)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            registry.watched.remove(&job);
        }
    }

    /// Lets nobody in any more. The hosts that have a session.
    pub(super) fn close(&self) -> Vec<HostId> {
        let mut registry = self.lock();
        registry.is_closed = true;
        registry.sessions.keys().copied().collect()
    }

    /// Ends a host's session because the server stops.
    pub(super) fn say_farewell(&self, host: HostId, of: usize) {
        let goodbye = farewell(of);
        if let Some(there) = self.lock().sessions.get(&host) {
            there.bell.cut(goodbye);
        }
    }

    /// Waits until no session is left.
    pub(super) async fn empty(&self) {
        loop {
            let left = self.0.left.notified();
            if self.lock().sessions.is_empty() {
                return;
            }
            left.await;
        }
    }

    fn leave(&self, host: HostId, epoch: u64) {
        let mut registry = self.lock();
        let Entry::Occupied(there) = registry.sessions.entry(host) else {
            return;
        };
        // A session that was taken over has no place to give up.
        if there.get().epoch != epoch {
            return;
        }
        there.remove();
        let silenced: Vec<JobId> = registry
            .live
            .iter()
            .filter(|(_, (of, _))| *of == host)
            .map(|(job, _)| *job)
            .collect();
        for job in silenced {
            registry.live.remove(&job);
        }
        drop(registry);
        self.0.left.notify_waiters();
    }

    /// Nothing here leaves the registry half changed, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn tell(&self, job: JobId, what: impl FnOnce(&mut Pulse)) {
        if let Some(sender) = self.watched.get(&job) {
            sender.send_modify(what);
        }
    }
}

impl Seat {
    /// Waits for the next signal. Dropping the future loses nothing.
    pub async fn signal(&mut self) -> Signal {
        self.ear.next().await
    }

    /// Waits until the session is to end. Dropping the future loses nothing.
    pub async fn cut(&mut self) -> Goodbye {
        self.ear.cut().await
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.registry.leave(self.host, self.epoch);
    }
}

/// Source: agent-protocol.md §8: `clamp(N / 400 s, 2 s, 120 s)`.
fn spread(agents: usize) -> Duration {
    let agents = u32::try_from(agents).unwrap_or(u32::MAX);
    (Duration::from_secs(1) * agents / 400).clamp(Duration::from_secs(2), Duration::from_mins(2))
}

/// The words for an agent when the server stops: each comes back at a time of its own.
fn farewell(agents: usize) -> Goodbye {
    Goodbye {
        reason: GoodbyeReason::Shutdown,
        retry_after: Some(spread(agents).mul_f64(crate::random::random_fraction())),
    }
}
