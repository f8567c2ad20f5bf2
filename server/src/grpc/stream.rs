//! Streams to people: they end with the login session that opened them, and when the server stops.

use std::pin::Pin;
use std::time::Duration;

use domain::{ErrorCode, Role, Secret};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::{metadata, status};
use crate::app::{App, Caller, Error};

/// How often the session is looked at again: signing out, disabling a user or a lower role works within this time.
const PERIOD: Duration = Duration::from_secs(10);

/// What a streaming method answers.
pub(super) type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Gives out `events` for as long as the caller is signed in with at least the role `least` and the server runs. A failure,
/// or the reason why there is no more, is the last thing that is given out.
pub(super) fn while_signed_in<T: Send + 'static>(
    app: &App,
    caller: &Caller,
    metadata: &MetadataMap,
    least: Role,
    events: impl Stream<Item = Result<T, Error>> + Send + 'static,
) -> Events<T> {
    let mut period = interval_at(Instant::now() + PERIOD, PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let session = Session {
        app: app.clone(),
        caller: caller.clone(),
        token: metadata::read(metadata).session,
        least,
        period,
    };
    let guarded = Guarded {
        events: Box::pin(events),
        session,
        server_stops: app.streams_end(),
        is_over: false,
    };
    Box::pin(stream::unfold(guarded, |mut guarded| async move {
        let next = guarded.next().await?;
        Some((next, guarded))
    }))
}

struct Guarded<T> {
    events: Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>,
    session: Session,
    server_stops: CancellationToken,
    is_over: bool,
}

impl<T> Guarded<T> {
    async fn next(&mut self) -> Option<Result<T, Status>> {
        if self.is_over {
            return None;
        }
        let request = self.session.caller.origin.request;
        let next = tokio::select! {
            // First, or a stream that always has something to tell would outlive its session.
            biased;
            // A plain end would read as if there were nothing more to come.
            () = self.server_stops.cancelled() => Some(Err(status::plain(ErrorCode::Unavailable, request))),
            ended = self.session.ended() => Some(Err(ended)),
            event = self.events.next() => event.map(|event| event.map_err(|error| status::status(&error, request))),
        };
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The login session behind a stream.
struct Session {
    app: App,
    caller: Caller,
    token: Option<Secret<String>>,
    least: Role,
    period: Interval,
}

impl Session {
    /// Waits until the session does not allow the stream any more. Dropping the future loses nothing.
    async fn ended(&mut self) -> Status {
        loop {
            self.period.tick().await;
            if let Err(ended) = self.check().await {
                return ended;
            }
        }
    }

    async fn check(&self) -> Result<(), Status> {
        let request = self.caller.origin.request;
        let Some(token) = &self.token else {
            return Err(status::plain(ErrorCode::Unauthorized, request));
        };
        let user = self
            .app
            .authenticate_user(token)
            .await
            .map_err(|error| status::status(&error, request))?;
        match user {
            Some(user) if user.role >= self.least => Ok(()),
            Some(_) => Err(status::plain(ErrorCode::Forbidden, request)),
            None => Err(status::plain(ErrorCode::Unauthorized, request)),
        }
    }
}
