//! A fresh database of either kind for each case.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::Secret;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::store::{DatabaseUrl, Options, Store};

const POSTGRES_URL: &str = "RM_TEST_POSTGRES_URL";

/// Runs a case on a new SQLite file.
pub(super) async fn on_sqlite(case: impl AsyncFnOnce(Store)) {
    let (directory, url) = new_sqlite();
    let store = Store::open(&url, Options::default()).await.unwrap();

    case(store.clone()).await;

    store.close().await.unwrap();
    drop(directory);
}

/// Runs a case on a new database of the PostgreSQL that the environment names. Without one the case is skipped, except in
/// CI, where a skipped test is a failed one.
pub(super) async fn on_postgres(case: impl AsyncFnOnce(Store)) {
    let Some(url) = new_postgres().await else {
        return;
    };
    let store = Store::open(&url, Options { max_connections: 4 }).await.unwrap();

    case(store.clone()).await;

    store.close().await.unwrap();
    drop_postgres(&url).await;
}

/// The path of a new SQLite file. The directory goes with the value.
pub(super) fn new_sqlite() -> (TempDir, DatabaseUrl) {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(directory.path().join("restic-manager.db"));
    (directory, url)
}

/// A new PostgreSQL database; `None` when the case has to be skipped.
pub(super) async fn new_postgres() -> Option<DatabaseUrl> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = postgres_server()?;
    let name = format!(
        "rm_store_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::SeqCst)
    );
    // A locale that orders unlike bytes shows which columns forgot to say that they order by bytes.
    execute(
        &server,
        format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"),
    )
    .await;
    let separator = if server.contains('?') { "&" } else { "?" };
    Some(DatabaseUrl::Postgres(Secret::new(format!(
        "{server}{separator}dbname={name}"
    ))))
}

/// Removes what [`new_postgres`] made.
pub(super) async fn drop_postgres(url: &DatabaseUrl) {
    let DatabaseUrl::Postgres(url) = url else {
        panic!("not a PostgreSQL database");
    };
    let options: PgConnectOptions = url.expose().parse().unwrap();
    let name = options.get_database().unwrap().to_owned();
    execute(
        &postgres_server().unwrap(),
        format!("DROP DATABASE {name} WITH (FORCE)"),
    )
    .await;
}

#[expect(clippy::print_stderr, reason = "a skipped test has to be seen")]
pub(super) fn postgres_server() -> Option<String> {
    let url = env::var(POSTGRES_URL).ok();
    if url.is_none() {
        assert!(
            env::var_os("CI").is_none(),
            "in CI the store is tested on PostgreSQL: set {POSTGRES_URL}"
        );
        eprintln!("skipped: {POSTGRES_URL} does not name a PostgreSQL");
    }
    url
}

async fn execute(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
