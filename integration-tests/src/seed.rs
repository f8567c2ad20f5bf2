//! A server's database as it is after a year with many hosts, written past the server: nobody waits a year for a test.
//!
//! The rows are those that the server itself would have written (`seed.sql`), but for what it computes from others; that it
//! computes when it starts. It must not run meanwhile.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Hosts, which share 50 repositories.
    pub hosts: u32,
    /// Jobs of each host, at most 4,096, spread over a year.
    pub jobs: u32,
    /// Snapshots of each host, at most as many as jobs.
    pub snapshots: u32,
}

/// The database of a server with this data directory.
pub fn database(data: &Path) -> std::path::PathBuf {
    data.join("restic-manager.db")
}

/// Fills the database of a server that has been started once and is stopped.
pub fn fill(data: &Path, size: Size) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .expect("this system has threads")
        .block_on(write(&database(data), size));
}

async fn write(database: &Path, size: Size) {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .synchronous(SqliteSynchronous::Off)
        .disable_statement_logging();
    let connection = SqliteConnection::connect_with(&options).await;
    let mut connection = connection.expect("a server has made the database");
    let mut all = connection.begin().await.expect("nobody else has the database");
    let Size { hosts, jobs, snapshots } = size;
    let table = "CREATE TEMP TABLE size AS SELECT ? AS hosts, ? AS jobs, ? AS snapshots, \
                 CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000 AS present";
    sqlx::query(table)
        .bind(hosts)
        .bind(jobs)
        .bind(snapshots)
        .execute(&mut *all)
        .await
        .expect("a table of one row");
    sqlx::raw_sql(include_str!("seed.sql"))
        .execute(&mut *all)
        .await
        .expect("the rows fit the schema");
    all.commit().await.expect("the disk has room");
    connection.close().await.expect("it was open");
}
