//! [`Subscription`]: one watcher's place in the stream of events.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::ring::Found;
use super::{Bus, Change, EventId};

/// One watcher's place in the stream of events.
#[derive(Debug)]
pub struct Subscription {
    bus: Bus,
    published: watch::Receiver<u64>,
    /// The number of the event to read next; `None` when it is not known any more.
    next: Option<u64>,
}

/// What a watcher is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Batch {
    /// Changes in their order, each thing at most once; never empty.
    Changes(Vec<(EventId, Change)>),
    /// Changes were missed: read everything again, then go on. The id is that of the last event before.
    Resync(EventId),
}

impl Subscription {
    pub(super) const fn new(bus: Bus, published: watch::Receiver<u64>, next: Option<u64>) -> Self {
        Self { bus, published, next }
    }

    /// Waits for the next changes. Dropping the future loses none.
    pub async fn next(&mut self) -> Batch {
        loop {
            self.published.mark_unchanged();
            let wait_until = match self.read() {
                Ok(batch) => return batch,
                Err(wait_until) => wait_until,
            };
            // The bus lives as long as `self.bus`, so its sender does too.
            match wait_until {
                None => drop(self.published.changed().await),
                Some(due) => tokio::select! {
                    _ = self.published.changed() => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    fn read(&mut self) -> Result<Batch, Option<Instant>> {
        let mut ring = self.bus.ring();
        let found = match self.next {
            Some(next) => ring.read(next, Instant::now()),
            None => Found::Overtaken,
        };
        match found {
            Found::Nothing(until) => Err(until),
            Found::Overtaken => {
                let end = ring.end();
                self.next = Some(end);
                Ok(Batch::Resync(self.bus.id(end - 1)))
            }
            Found::Events(events, after) => {
                self.next = Some(after);
                Ok(Batch::Changes(
                    events
                        .into_iter()
                        .map(|(number, change)| (self.bus.id(number), change))
                        .collect(),
                ))
            }
        }
    }
}
