//! What the store promises, checked on both databases.
//!
//! Each case gets an empty, migrated store. SQLite is always there; PostgreSQL is where `RM_TEST_POSTGRES_URL` points: a
//! superuser's URL, for each case makes a database of its own.

mod agent_cursors;
mod attention;
mod audit;
mod certificates;
mod commands;
mod databases;
mod enrollment_tokens;
mod filled;
mod fixtures;
mod hosts;
mod idempotency_keys;
mod identity_keys;
mod inconsistent;
mod job_logs;
mod jobs;
mod login_sessions;
mod opening;
mod projections;
mod repositories;
mod repository_stats;
mod retention;
mod schema;
mod settings;
mod snapshots;
mod source_groups;
mod tls;
mod transactions;
mod users;

/// Defines cases that run on both databases.
macro_rules! cases {
    ($($(#[$attribute:meta])* async fn $name:ident($store:ident: Store) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports, reason = "not every case needs all that its file imports")]
            use super::*;

            async fn case($store: $crate::store::Store) $body

            #[tokio::test]
            async fn sqlite() {
                $crate::store::conformance::databases::on_sqlite(case).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::store::conformance::databases::on_postgres(case).await;
            }
        }
    )+};
}
use cases;
