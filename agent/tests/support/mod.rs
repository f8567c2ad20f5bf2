//! A server on a real port with a real certificate, a host in a temporary directory, and a restic that does as told.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate of its own and uses its part"
)]

pub mod authority;
pub mod fake_restic;
pub mod host;
pub mod server;

use std::time::Duration;

/// Beyond this a condition counts as never true.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until there is something to be seen.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            // sleep: files and processes tell nobody that they changed
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let Ok(found) = tokio::time::timeout(PATIENCE, waiting).await else {
        panic!("never happened: {what}")
    };
    found
}
