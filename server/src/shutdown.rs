//! Ending in order: the first signal asks every task to finish, the second one ends the process at once.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks may take to finish what they are doing. Source: features.md SRV-01.
const DRAIN: Duration = Duration::from_secs(30);

/// The wish to end, and the tasks that are waited for. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tracker: TaskTracker,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All tasks finished.
    Drained,
    /// Some tasks did not finish within 30 seconds.
    TimedOut {
        /// How many.
        unfinished: usize,
    },
    /// A second signal came before all tasks had finished.
    AtOnce {
        /// How many had not.
        unfinished: usize,
    },
}

impl Shutdown {
    /// Nobody has asked yet, nothing runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled once the server is to end. A task that sees it finishes what it is doing and returns.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Where tasks are spawned that are to be waited for.
    pub fn tracker(&self) -> TaskTracker {
        self.tracker.clone()
    }

    /// Asks every task to finish.
    pub fn request(&self) {
        self.token.cancel();
    }

    /// Waits for a signal, or for [`Self::request`], and then until all tasks have finished, 30 seconds have passed or
    /// another signal comes. The caller ends the process.
    pub async fn until_signalled(&self, mut signals: Signals) -> End {
        tokio::select! {
            signal = signals.next() => tracing::info!(signal, "stopping; a second signal ends at once"),
            () = self.token.cancelled() => tracing::info!("stopping"),
        }
        self.request();
        let end = self.drain(signals.next()).await;
        match end {
            End::Drained => tracing::info!("stopped"),
            End::TimedOut { unfinished } => {
                tracing::warn!(
                    unfinished,
                    "some tasks did not finish in time; agents and jobs continue by themselves"
                );
            }
            End::AtOnce { unfinished } => tracing::warn!(unfinished, "ending at once"),
        }
        end
    }

    async fn drain<T>(&self, at_once: impl Future<Output = T>) -> End {
        self.tracker.close();
        tokio::select! {
            biased;
            () = self.tracker.wait() => End::Drained,
            _ = at_once => End::AtOnce { unfinished: self.tracker.len() },
            () = tokio::time::sleep(DRAIN) => End::TimedOut { unfinished: self.tracker.len() },
        }
    }
}

/// SIGTERM and SIGINT, which from here on do not end the process by themselves.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to catch both. Must be called inside the runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use rustix::process;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tasks_are_asked_to_finish_and_waited_for() {
        let shutdown = Shutdown::new();
        let token = shutdown.token();
        let task = shutdown.tracker().spawn(async move {
            token.cancelled().await;
            tokio::time::sleep(Duration::from_secs(29)).await;
        });

        shutdown.request();
        let end = shutdown.drain(future::pending::<()>()).await;

        assert_eq!(end, End::Drained);
        assert!(task.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_finish_is_waited_for_thirty_seconds() {
        let shutdown = Shutdown::new();
        shutdown.tracker().spawn(future::pending::<()>());
        let begun = tokio::time::Instant::now();

        let end = shutdown.drain(future::pending::<()>()).await;

        assert_eq!(end, End::TimedOut { unfinished: 1 });
        assert_eq!(begun.elapsed(), DRAIN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_waits_for_nobody() {
        let shutdown = Shutdown::new();
        shutdown.tracker().spawn(future::pending::<()>());

        let end = shutdown.drain(future::ready(())).await;

        assert_eq!(end, End::AtOnce { unfinished: 1 });
    }

    #[tokio::test]
    async fn both_signals_are_caught_and_the_first_one_asks_for_the_end() {
        let shutdown = Shutdown::new();
        let token = shutdown.token();
        let mut signals = Signals::install().unwrap();
        for (number, name) in [(process::Signal::INT, "SIGINT"), (process::Signal::TERM, "SIGTERM")] {
            process::kill_process(process::getpid(), number).unwrap();
            assert_eq!(signals.next().await, name);
        }

        process::kill_process(process::getpid(), process::Signal::TERM).unwrap();
        let end = shutdown.until_signalled(signals).await;

        assert_eq!(end, End::Drained);
        assert!(token.is_cancelled());
    }
}
