//! Whether the server can do its work.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::App;
use crate::store;

/// How long an answer is given again. Anybody may ask, and each look costs a turn to write.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// A turn to write comes within this, or something holds up all that is reported and asked for.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// With less than this the next write may be the one that fails.
const LEAST_SPACE: u64 = 1024 * 1024;
const DISK_FULL: &str = "the disk of the database is full; free space there, and the server goes on by itself";

/// One check of readiness.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, without internals; `None` when it passes.
    pub error: Option<&'static str>,
}

/// The last answer, so that however many ask, the server looks once at a time and once in [`GOOD_FOR`].
#[derive(Debug)]
pub(super) struct Recent<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Recent<T> {
    /// The last answer while it is good, else what `look` finds. Whoever asks meanwhile waits for the same.
    async fn get(&self, look: impl AsyncFnOnce() -> T) -> T {
        let mut last = self.0.lock().await;
        if let Some((at, answer)) = last.as_ref()
            && at.elapsed() < GOOD_FOR
        {
            return answer.clone();
        }
        let answer = look().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

impl App {
    /// Runs the checks that decide whether the server can do its work. The answer may be a second old.
    pub async fn readiness(&self) -> Vec<Check> {
        self.0.readiness.get(async || self.run_checks().await).await
    }

    async fn run_checks(&self) -> Vec<Check> {
        let database = self.database_trouble().await;
        let (migrations, key) = self.look_at_key().await;
        vec![
            Check {
                name: "database",
                error: database,
            },
            Check {
                name: "migrations",
                error: migrations,
            },
            Check {
                name: "key",
                error: key,
            },
            Check {
                name: "ca",
                error: self
                    .agent_port()
                    .is_err()
                    .then_some("the certificate authority is not open"),
            },
        ]
    }

    async fn database_trouble(&self) -> Option<&'static str> {
        if self.0.store.ping().await.is_err() {
            return Some("the database does not answer; see that it runs and can be reached");
        }
        match tokio::time::timeout(TURN_WITHIN, self.0.store.begin()).await {
            Ok(Ok(_)) => {
                let is_full = self.0.store.free_space().is_some_and(|space| space < LEAST_SPACE);
                is_full.then_some(DISK_FULL)
            }
            Ok(Err(store::Error::Full { .. })) => Some(DISK_FULL),
            Ok(Err(_)) | Err(_) => Some(
                "the database cannot be written: it is overloaded, or another program holds a lock on it, such as a backup",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_one_looks_once_a_second() {
        let recent = Arc::new(Recent::default());
        let looks = Arc::new(AtomicU32::new(0));
        let ask = |count: u32| {
            let mut all = JoinSet::new();
            for _ in 0..count {
                let (recent, looks) = (Arc::clone(&recent), Arc::clone(&looks));
                all.spawn(async move {
                    let look = async || {
                        // As long as a look takes that finds no turn.
                        tokio::time::sleep(TURN_WITHIN).await;
                        looks.fetch_add(1, Ordering::Relaxed) + 1
                    };
                    recent.get(look).await
                });
            }
            all.join_all()
        };
        let begun = Instant::now();

        let first = ask(100).await;
        let again = ask(100).await;
        let waited = begun.elapsed();
        tokio::time::advance(GOOD_FOR).await;
        let later = ask(100).await;

        assert!(first.iter().chain(&again).all(|look| *look == 1), "{first:?} {again:?}");
        assert_eq!(waited, TURN_WITHIN, "nobody waits for more than one look");
        assert!(later.iter().all(|look| *look == 2), "{later:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_leaves_the_look_to_the_next() {
        let recent = Recent::default();

        let given_up = tokio::time::timeout(
            Duration::from_millis(1),
            recent.get(async || std::future::pending::<u32>().await),
        );
        assert!(given_up.await.is_err());

        assert_eq!(recent.get(async || 7).await, 7);
    }
}
