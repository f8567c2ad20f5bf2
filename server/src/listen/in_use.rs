//! Whether something is under way on a connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;

/// Counts the calls of one connection that are under way, each until its answer has ended.
#[derive(Debug, Clone)]
pub(super) struct Calls(Arc<watch::Sender<usize>>);

/// One call that is under way.
#[derive(Debug)]
pub(super) struct Call(Calls);

/// The answer of a call. The call ends with it.
pub(super) struct Answer {
    body: Body,
    _call: Call,
}

impl Calls {
    pub(super) fn none() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Counts one that begins.
    pub(super) fn begin(&self) -> Call {
        self.0.send_modify(|count| *count += 1);
        Call(self.clone())
    }

    /// Ends when the connection has stood without a call: for `first` before the first one, or for `later` after one.
    pub(super) async fn cease(&self, first: Duration, later: Duration) {
        let mut count = self.0.subscribe();
        let mut patience = first;
        loop {
            // The sender lives as long as `self`, so that waiting for it cannot fail.
            if *count.borrow_and_update() > 0 {
                let _ = count.wait_for(|count| *count == 0).await;
                patience = later;
            }
            // However short a call was, it is a change.
            if !matches!(tokio::time::timeout(patience, count.changed()).await, Ok(Ok(()))) {
                return;
            }
            patience = later;
        }
    }
}

impl Call {
    /// The call goes on for as long as its answer is read.
    pub(super) fn answered(self, response: http::Response<Body>) -> http::Response<Body> {
        response.map(|body| Body::new(Answer { body, _call: self }))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const FIRST: Duration = Duration::from_secs(10);
    const LATER: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_call_ends_at_the_first_deadline() {
        let started = Instant::now();

        Calls::none().cease(FIRST, LATER).await;

        assert_eq!(started.elapsed(), FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_stands_while_an_answer_is_read_and_a_while_after_it() {
        let (calls, started) = (Calls::none(), Instant::now());
        let response = calls.begin().answered(http::Response::new(Body::empty()));
        let reading = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_hours(1)).await;
            drop(response);
        });

        calls.cease(FIRST, LATER).await;

        reading.await.unwrap();
        assert_eq!(started.elapsed(), Duration::from_hours(1) + LATER);
    }

    #[tokio::test(start_paused = true)]
    async fn every_call_gives_a_connection_its_time_anew() {
        let (calls, started) = (Calls::none(), Instant::now());
        let caller = calls.clone();
        tokio::spawn(async move {
            for _ in 0..3 {
                drop(caller.begin());
                tokio::time::sleep(Duration::from_secs(50)).await;
            }
        });

        calls.cease(FIRST, LATER).await;

        assert_eq!(started.elapsed(), Duration::from_secs(100) + LATER);
    }
}
