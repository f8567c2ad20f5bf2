//! A database of its own on the PostgreSQL that the environment names.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait as _, Database};

const POSTGRES_URL: &str = "RM_TEST_POSTGRES_URL";

/// The URL of a new, empty database; `None` when the case has to be skipped, which in CI is a failure. It goes with the
/// PostgreSQL that the test run has started.
#[expect(clippy::print_stderr, reason = "a skipped test has to be seen")]
pub async fn new_database() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = env::var(POSTGRES_URL) else {
        assert!(env::var_os("CI").is_none(), "set {POSTGRES_URL}");
        eprintln!("skipped: {POSTGRES_URL} does not name a PostgreSQL");
        return None;
    };
    let name = format!("rm_api_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    let admin = Database::connect(&server).await.unwrap();
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    admin.close().await.unwrap();
    let separator = if server.contains('?') { "&" } else { "?" };
    Some(format!("{server}{separator}dbname={name}"))
}
