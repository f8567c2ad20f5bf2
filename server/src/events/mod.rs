//! The event bus: tells whoever watches that a host or a job has changed.
//!
//! A change is published after the commit that made it, with nothing but an id; the watcher reads the row as it is by then.
//! The bus paces itself: the first change of a thing is told at once, further ones at most once a second, the last one
//! never lost. What was told stays in a ring for a while, so that a watcher can go on where it was cut off; one that was
//! away for too long is told to read the lists again.
//!
//! **Invariant:** nothing here is awaited by a publisher, and nothing is unbounded: a slow watcher costs the ring, not
//! memory.
//!
//! **Invariant:** events are hints. What they miss (a restart, another replica's change) costs a late display, never a
//! wrong decision.

mod pace;
mod ring;
mod subscription;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use domain::id::{HostId, JobId};
use tokio::sync::watch;
use tokio::time::Instant;

use ring::Ring;

pub use subscription::{Batch, Subscription};

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// A host, or something that is shown of it.
    Host(HostId),
    /// A host that is no more.
    HostDeleted(HostId),
    /// A job.
    Job(JobId),
}

/// The position of an event, `<start of this server>-<number>`. Numbers grow from 1; those of another start mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    start: Timestamp,
    number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.as_micros(), self.number)
    }
}

/// The bus. Clones share it.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    start: Timestamp,
    ring: Mutex<Ring>,
    /// Counts publications, to wake whoever waits.
    published: watch::Sender<u64>,
}

impl Bus {
    /// A bus of a server that started at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Shared {
            start,
            ring: Mutex::new(Ring::default()),
            published: watch::Sender::new(0),
        }))
    }

    /// Tells that something has changed. Call it after the commit.
    pub fn publish(&self, change: Change) {
        self.ring().publish(change, Instant::now());
        self.0.published.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Begins to watch: behind the event `after` when that is still known, from now on when it is `None`. With an `after`
    /// that is not known (any more), or is not one at all, the first batch is [`Batch::Resync`].
    pub fn subscribe(&self, after: Option<&str>) -> Subscription {
        let published = self.0.published.subscribe();
        let next = {
            let mut ring = self.ring();
            ring.flush(Instant::now());
            match after {
                None => Some(ring.end()),
                Some(after) => self.number(after).and_then(|number| ring.behind(number)),
            }
        };
        Subscription::new(self.clone(), published, next)
    }

    fn number(&self, id: &str) -> Option<u64> {
        let (start, number) = id.split_once('-')?;
        let is_ours = start.parse() == Ok(self.0.start.as_micros());
        if is_ours { number.parse().ok() } else { None }
    }

    fn id(&self, number: u64) -> EventId {
        EventId {
            start: self.0.start,
            number,
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
