//! Whether the server can do its work.

use std::time::Duration;

use super::App;
use crate::store;

/// A turn to write comes within this, or something holds up all that is reported and asked for.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// With less than this the next write may be the one that fails.
const LEAST_SPACE: u64 = 1024 * 1024;
const DISK_FULL: &str = "the disk of the database is full; free space there, and the server goes on by itself";

/// One check of readiness.
#[derive(Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, without internals; `None` when it passes.
    pub error: Option<&'static str>,
}

impl App {
    /// Runs the checks that decide whether the server can do its work.
    pub async fn readiness(&self) -> Vec<Check> {
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
