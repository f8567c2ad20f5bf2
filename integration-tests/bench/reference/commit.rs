//! A durable commit: one row into an SQLite database with the server's settings.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::stopwatch::Stopwatch;

/// About what the row of a job takes.
const ROW_BYTES: usize = 300;

/// A database with one table.
pub(crate) struct Database(SqliteConnection);

impl Database {
    /// Makes it.
    pub(crate) async fn create(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let connection = SqliteConnection::connect_with(&options).await;
        let mut connection = connection.expect("the temporary directory can be written");
        let made = sqlx::query("CREATE TABLE rows (id INTEGER PRIMARY KEY, facts TEXT NOT NULL)");
        made.execute(&mut connection)
            .await
            .expect("a new database takes a table");
        Self(connection)
    }

    /// Writes a row and answers how long it took until it was on disk, in milliseconds.
    pub(crate) async fn commit(&mut self) -> f64 {
        let facts = "x".repeat(ROW_BYTES);
        let watch = Stopwatch::start();
        let written = sqlx::query("INSERT INTO rows (facts) VALUES (?)").bind(facts);
        written.execute(&mut self.0).await.expect("the disk has room");
        watch.milliseconds()
    }
}
