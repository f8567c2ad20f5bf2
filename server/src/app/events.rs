//! What changes, for whoever watches.

use domain::fleet::HostView;
use domain::id::HostId;
use domain::job::JobView;
use tokio_util::sync::CancellationToken;

use super::{App, Caller, Error};
use crate::events::{Batch, Change, EventId, Subscription};
use crate::store::ReadTx;

/// One event as a watcher sees it.
#[derive(Debug)]
pub struct LiveEvent {
    /// Its place in the stream.
    pub id: EventId,
    /// What is seen.
    pub seen: Seen,
}

/// What a watcher sees: things as they are by now, not as they were when they changed.
#[derive(Debug)]
pub enum Seen {
    /// A host.
    Host(Box<HostView>),
    /// A host that is no more.
    HostDeleted(HostId),
    /// A job.
    Job(Box<JobView>),
    /// Events were missed: everything has to be read again.
    Resync,
}

/// A stream of events.
pub struct EventWatch {
    app: App,
    subscription: Subscription,
}

impl App {
    /// Begins to watch: behind the event `after`, or from now on when it is `None`.
    pub fn watch_events(&self, _: &Caller, after: Option<&str>) -> EventWatch {
        EventWatch {
            app: self.clone(),
            subscription: self.0.events.subscribe(after),
        }
    }

    /// Ends the streams to people: the server stops, and they would keep it.
    pub fn end_streams(&self) {
        self.0.streams_end.cancel();
    }

    /// Cancelled when the streams to people shall end.
    pub fn streams_end(&self) -> CancellationToken {
        self.0.streams_end.clone()
    }
}

impl EventWatch {
    /// Waits for the next events. May be empty: what has changed is gone by now. A future that is dropped may lose events.
    pub async fn next(&mut self) -> Result<Vec<LiveEvent>, Error> {
        let changes = match self.subscription.next().await {
            Batch::Changes(changes) => changes,
            Batch::Resync(id) => return Ok(vec![LiveEvent { id, seen: Seen::Resync }]),
        };
        let tx = self.app.0.store.read().await?;
        let mut events = Vec::with_capacity(changes.len());
        for (id, change) in changes {
            events.extend(self.app.look(&tx, change).await?.map(|seen| LiveEvent { id, seen }));
        }
        Ok(events)
    }
}

impl App {
    async fn look(&self, tx: &ReadTx, change: Change) -> Result<Option<Seen>, Error> {
        Ok(match change {
            Change::Host(id) => tx.host(id).await?.map(|host| Seen::Host(Box::new(host))),
            Change::HostDeleted(id) => Some(Seen::HostDeleted(id)),
            Change::Job(id) => tx
                .job(id)
                .await?
                .map(|job| Seen::Job(Box::new(self.with_latest_numbers(job)))),
        })
    }
}
