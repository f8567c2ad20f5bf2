//! What waits to be sent on one stream: a queue with one writer and one reader, bounded in messages and bytes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::Notify;

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Messages.
    pub messages: usize,
    /// Bytes. One message that is larger fits while nothing else waits.
    pub bytes: usize,
}

/// Why something was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The reader did not make room in time.
    #[error("the other side did not read in time")]
    TooSlow,
    /// The reader is gone.
    #[error("the other side is gone")]
    Gone,
}

/// The writer. Dropping it forgets what waits, for then nobody can tell how much of it arrived; see [`Self::finish`].
#[derive(Debug)]
pub struct Sender<T>(Arc<Shared<T>>);

/// The reader: a stream that ends when the writer has finished and all was read.
#[derive(Debug)]
pub struct Receiver<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    bounds: Bounds,
    room: Notify,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<(T, usize)>,
    bytes: usize,
    is_finished: bool,
    is_gone: bool,
    reader: Option<Waker>,
}

/// Makes an empty queue.
pub fn queue<T>(bounds: Bounds) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            waiting: VecDeque::new(),
            bytes: 0,
            is_finished: false,
            is_gone: false,
            reader: None,
        }),
        bounds,
        room: Notify::new(),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Queues a message of `size` bytes, and waits for room at most `patience`.
    ///
    /// Dropping the future queues nothing.
    pub async fn send(&mut self, message: T, size: usize, patience: Duration) -> Result<(), Unsent> {
        let room = tokio::time::timeout(patience, self.room(size)).await;
        room.map_err(|_| Unsent::TooSlow)??;
        let mut state = self.0.lock();
        state.waiting.push_back((message, size));
        state.bytes += size;
        state.wake();
        Ok(())
    }

    /// Ends the stream behind what waits.
    pub fn finish(self) {
        self.0.lock().is_finished = true;
    }

    async fn room(&self, size: usize) -> Result<(), Unsent> {
        loop {
            {
                let state = self.0.lock();
                if state.is_gone {
                    return Err(Unsent::Gone);
                }
                let fits = state.bytes.saturating_add(size) <= self.0.bounds.bytes || state.waiting.is_empty();
                if fits && state.waiting.len() < self.0.bounds.messages {
                    return Ok(());
                }
            }
            // There is one writer, so a permit that was stored in the meantime is ours.
            self.0.room.notified().await;
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if !state.is_finished {
            state.is_finished = true;
            state.forget();
        }
        state.wake();
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.lock();
        if let Some((message, size)) = state.waiting.pop_front() {
            state.bytes -= size;
            self.0.room.notify_one();
            return Poll::Ready(Some(message));
        }
        if state.is_finished {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_gone = true;
        state.forget();
        self.0.room.notify_one();
    }
}

impl<T> Shared<T> {
    /// The state is whole after every statement that changes it, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn forget(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn what_was_queued_comes_out_in_order_and_then_the_end() {
        let (mut sender, receiver) = queue(bounds(4, 100));

        for number in 1..=3 {
            sender.send(number, 10, PATIENCE).await.unwrap();
        }
        sender.finish();

        assert_eq!(receiver.collect::<Vec<_>>().await, [1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_messages_or_bytes_wait_until_the_reader_makes_room() {
        for (bounds, size) in [(bounds(2, 1000), 1), (bounds(9, 20), 10)] {
            let (mut sender, mut receiver) = queue(bounds);
            sender.send(1, size, PATIENCE).await.unwrap();
            sender.send(2, size, PATIENCE).await.unwrap();

            assert_eq!(sender.send(3, size, PATIENCE).await, Err(Unsent::TooSlow), "{bounds:?}");
            assert_eq!(receiver.next().await, Some(1));
            assert_eq!(sender.send(4, size, PATIENCE).await, Ok(()), "{bounds:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_waits_is_woken_by_the_reader() {
        let (mut sender, mut receiver) = queue(bounds(1, 100));
        sender.send(1, 1, PATIENCE).await.unwrap();

        let (sent, read) = tokio::join!(sender.send(2, 1, PATIENCE), async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            receiver.next().await
        });

        assert_eq!((sent, read), (Ok(()), Some(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_waits_is_woken_by_the_writer() {
        let (mut sender, mut receiver) = queue(bounds(1, 100));

        let (read, ()) = tokio::join!(receiver.next(), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            sender.send(7, 1, PATIENCE).await.unwrap();
        });

        assert_eq!(read, Some(7));
    }

    #[tokio::test]
    async fn one_message_larger_than_the_bound_fits_alone() {
        let (mut sender, _receiver) = queue(bounds(9, 20));

        assert_eq!(sender.send(1, 1_000_000, PATIENCE).await, Ok(()));
        assert_eq!(sender.send(2, 1, Duration::ZERO).await, Err(Unsent::TooSlow));
    }

    #[tokio::test]
    async fn a_writer_that_was_dropped_leaves_nothing_behind() {
        let (mut sender, mut receiver) = queue(bounds(9, 100));
        let held = Arc::new(());
        sender.send(Arc::clone(&held), 1, PATIENCE).await.unwrap();

        drop(sender);

        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(receiver.next().await, None);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_is_noticed() {
        let (mut sender, receiver) = queue(bounds(1, 100));
        sender.send(1, 1, PATIENCE).await.unwrap();

        drop(receiver);

        assert_eq!(sender.send(2, 1, PATIENCE).await, Err(Unsent::Gone));
    }

    fn bounds(messages: usize, bytes: usize) -> Bounds {
        Bounds { messages, bytes }
    }
}
