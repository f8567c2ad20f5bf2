//! Server-sent events: gives the transcoder's bare `data:` frames names, ids and signs of life.
//!
//! A message of the contract that is streamed holds `event_id` and one `oneof`; the frame's `id` is the former, its
//! `event` the name of what is set, its `data` the value. A failure in mid-stream becomes an `error` event with the same
//! body that an answer would have had.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::id::RequestId;
use futures_util::Stream;
use rest_over_grpc::handling::Status;
use rest_over_grpc::transcoding::FrameStream;
use serde_json::Value;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::problem::{self, Problem};

/// Pause between two signs of life. Proxies cut streams that are silent for longer than about a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The media type of these streams.
pub(super) const MEDIA_TYPE: &str = "text/event-stream";

/// A stream of named events, as the bytes of a body.
pub(super) struct Events {
    frames: FrameStream,
    heartbeat: Interval,
    request: RequestId,
    base_url: String,
    done: bool,
}

impl Events {
    /// Wraps the transcoder's frames. The first sign of life goes out at once, so that the client sees the stream stand.
    pub(super) fn new(frames: FrameStream, request: RequestId, base_url: String) -> Self {
        let mut heartbeat = interval_at(Instant::now(), HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            frames,
            heartbeat,
            request,
            base_url,
            done: false,
        }
    }

    /// The stream's last words; the client opens it again and resumes where it may.
    fn failure(&self, status: &Status) -> Bytes {
        let problem = Problem::new(&problem::refusal_of_stream(status), self.request, &self.base_url);
        let body = serde_json::to_string(&problem).unwrap_or_default();
        Bytes::from(format!("event: error\ndata: {body}\n\n"))
    }
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        match this.frames.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.heartbeat.reset();
                return Poll::Ready(Some(Ok(named(&frame))));
            }
            Poll::Ready(Some(Err(status))) => {
                this.done = true;
                return Poll::Ready(Some(Ok(this.failure(&status))));
            }
            Poll::Ready(None) => {
                this.done = true;
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        this.heartbeat
            .poll_tick(cx)
            .map(|_| Some(Ok(Bytes::from_static(b": still here\n\n"))))
    }
}

/// Rewrites one `data: <json>` frame.
fn named(frame: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(frame);
    let Some(Value::Object(mut message)) = text
        .trim()
        .strip_prefix("data: ")
        .and_then(|json| serde_json::from_str(json).ok())
    else {
        return Bytes::copy_from_slice(frame);
    };
    let id = message.remove("event_id");
    let mut event = String::new();
    if let Some(Value::String(id)) = id.filter(|id| id != "") {
        event = format!("id: {id}\n");
    }
    if let Some((name, value)) = message.into_iter().next() {
        event.extend(["event: ", &name, "\ndata: ", &value.to_string(), "\n\n"]);
    }
    Bytes::from(event)
}

#[cfg(test)]
mod tests {
    use rest_over_grpc::handling::Code;
    use tokio_stream::StreamExt as _;
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn frames_get_their_name_and_id() {
        let frame = "data: {\"event_id\":\"7\",\"log\":{\"lines\":[]}}\n\n";

        let text = read(vec![Ok(frame.into())]).await;

        assert_eq!(text, "id: 7\nevent: log\ndata: {\"lines\":[]}\n\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_in_mid_stream_becomes_an_error_event_and_ends_it() {
        let frame = "data: {\"event_id\":\"\",\"resync\":{}}\n\n";
        let failure = || Err(Status::new(Code::Unavailable, "database gone"));

        let text = read(vec![Ok(frame.into()), failure(), failure()]).await;

        assert!(
            text.starts_with("event: resync\ndata: {}\n\nevent: error\ndata: {\"code\":\"unavailable\""),
            "{text}"
        );
        assert_eq!(text.matches("event: error").count(), 1, "{text}");
        assert!(!text.contains("database"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_shows_signs_of_life() {
        let mut events = events(Box::pin(tokio_stream::pending()));
        let started = Instant::now();

        for _ in 0..3 {
            assert_eq!(events.next().await, Some(Ok(Bytes::from_static(b": still here\n\n"))));
        }

        assert_eq!(started.elapsed(), 2 * HEARTBEAT);
    }

    async fn read(frames: Vec<Result<Vec<u8>, Status>>) -> String {
        let bytes: Vec<Bytes> = events(Box::pin(tokio_stream::iter(frames)))
            .map(|frame| frame.unwrap())
            .collect()
            .await;
        String::from_utf8(bytes.concat()).unwrap()
    }

    fn events(frames: FrameStream) -> Events {
        Events::new(frames, RequestId::from_uuid(Uuid::nil()), String::new())
    }
}
