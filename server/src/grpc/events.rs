//! `EventService`.

use std::collections::VecDeque;

use domain::Role;
use futures_util::stream;
use proto::v1;
use proto::v1::event::Event;
use proto::v1::event_service_server::EventService;
use tonic::{Request, Response, Status};

use super::stream::{Events, while_signed_in};
use super::{Api, caller};
use crate::app::{Error, EventWatch, LiveEvent, Seen};

/// Names the last event that the client has seen: a header over REST, metadata over gRPC.
const LAST_EVENT_ID: &str = "last-event-id";

#[tonic::async_trait]
impl EventService for Api {
    type WatchEventsStream = Events<v1::Event>;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let caller = caller(&request)?;
        let metadata = request.metadata();
        // What is not even text was not sent by us: everything has to be read again.
        let after = metadata.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default());
        let told = Told {
            watch: self.app.watch_events(&caller, after),
            waiting: VecDeque::new(),
        };
        let events = stream::try_unfold(told, |mut told| async move {
            let event = told.next().await?;
            Ok(Some((event, told)))
        });
        Ok(Response::new(while_signed_in(
            &self.app,
            &caller,
            metadata,
            Role::Viewer,
            events,
        )))
    }
}

/// Hands out one by one what comes in batches.
struct Told {
    watch: EventWatch,
    waiting: VecDeque<LiveEvent>,
}

impl Told {
    async fn next(&mut self) -> Result<v1::Event, Error> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(message(event));
            }
            self.waiting.extend(self.watch.next().await?);
        }
    }
}

fn message(event: LiveEvent) -> v1::Event {
    let LiveEvent { id, seen } = event;
    let event = match seen {
        Seen::Host(host) => Event::Host((*host).into()),
        Seen::HostDeleted(id) => Event::HostDeleted(v1::HostDeleted { id: id.to_string() }),
        Seen::Job(job) => Event::Job((*job).into()),
        Seen::Resync => Event::Resync(v1::Resync {}),
    };
    v1::Event {
        event_id: id.to_string(),
        event: Some(event),
    }
}
