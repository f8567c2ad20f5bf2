//! Opening the database: connections, schema, and what is refused.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use migrations::Migrator;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{ConnectOptions as _, Connection as _};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxError, SqlxPostgresConnector,
    SqlxSqliteConnector, Statement, TransactionTrait as _,
};
use sea_orm_migration::MigratorTrait;

use super::lock::DataLock;
use super::{DatabaseUrl, Error, Inner, Store};

/// How long a caller waits for a connection before it hears that the database is busy. Below the deadline of a request.
const ACQUIRE: Duration = Duration::from_secs(10);
/// How long SQLite waits for a lock that another program holds, such as a backup of the file.
const BUSY: Duration = Duration::from_secs(5);
/// Readers of the SQLite file; each is a thread.
const READERS: u32 = 8;
/// SQLite cuts the write-ahead log back to this size once its content is in the database.
const WAL_LIMIT_BYTES: u32 = 64 * 1024 * 1024;
/// The advisory lock under which one of several servers migrates a PostgreSQL database: "rm-schem" in ASCII.
const MIGRATION_LOCK: i64 = 0x726d_2d73_6368_656d;
const OLDEST_POSTGRES: i64 = 14;

/// What may be chosen about the database beyond where it is.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections to PostgreSQL, at least 2. Not used for SQLite: one writer and a few readers.
    pub max_connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_connections: 16 }
    }
}

impl Store {
    /// Opens the database and brings its schema up to date, with what is computed from its rows.
    ///
    /// Errors: [`Error::InUse`] when another process has the SQLite file, [`Error::SchemaTooNew`] when a newer release
    /// has migrated the database, [`Error::DatabaseTooOld`] below PostgreSQL 14.
    pub async fn open(url: &DatabaseUrl, options: Options) -> Result<Self, Error> {
        let store = Self::connect(url, options).await?;
        store.migrate::<Migrator>().await?;
        store.complete_projections().await?;
        Ok(store)
    }

    /// Opens the database as it is.
    pub(super) async fn connect(url: &DatabaseUrl, options: Options) -> Result<Self, Error> {
        let inner = match url {
            DatabaseUrl::Sqlite(path) => {
                let lock = DataLock::take(path)?;
                let writer = sqlite_writer(path).await.map_err(at(url))?;
                let reader = sqlite_readers(path).await.map_err(at(url))?;
                Inner {
                    writer,
                    reader,
                    file: Some(path.clone()),
                    lock: Some(lock),
                }
            }
            DatabaseUrl::Postgres(text) => {
                let pool = postgres(text.expose(), options.max_connections.max(2))
                    .await
                    .map_err(at(url))?;
                refuse_old_postgres(&pool).await?;
                Inner {
                    writer: pool.clone(),
                    reader: pool,
                    file: None,
                    lock: None,
                }
            }
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Runs the migrations that are missing, one server at a time.
    pub(super) async fn migrate<M: MigratorTrait>(&self) -> Result<(), Error> {
        let writer = &self.0.writer;
        let guard = if writer.get_database_backend() == DbBackend::Postgres {
            let guard = writer.begin().await.map_err(migrate)?;
            let lock = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT pg_advisory_xact_lock($1)",
                [MIGRATION_LOCK.into()],
            );
            guard.execute_raw(lock).await.map_err(migrate)?;
            Some(guard)
        } else {
            None
        };
        refuse_newer_schema::<M>(writer).await?;
        M::up(writer, None).await.map_err(migrate)?;
        // Ending the transaction releases the advisory lock.
        drop(guard);
        Ok(())
    }
}

/// The one connection that writes. SQLite has one writer anyway; a pool of one lets callers queue for it in order, in
/// our process, instead of meeting the busy timeout.
async fn sqlite_writer(path: &Path) -> Result<DatabaseConnection, SqlxError> {
    let options = sqlite(path)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would sync the log only at checkpoints: a power failure could then take back commits that an agent was
        // told about, and the agent has deleted its copy. FULL syncs at every commit.
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", WAL_LIMIT_BYTES.to_string());
    let pool = sqlite_pool().max_connections(1).connect_with(options).await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn sqlite_readers(path: &Path) -> Result<DatabaseConnection, SqlxError> {
    let pool = sqlite_pool()
        .max_connections(READERS)
        .connect_with(sqlite(path).read_only(true))
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

fn sqlite(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}

fn sqlite_pool() -> SqlitePoolOptions {
    // A connection is an open file: it does not go stale, and ends with the process.
    SqlitePoolOptions::new()
        .acquire_timeout(ACQUIRE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // A full disk undoes a transaction behind the driver's back. The driver then takes the next one for a part of it, whose
        // commit would commit nothing. So a connection that is still in a transaction when it comes back is thrown away.
        .after_release(|connection, _| {
            Box::pin(async move {
                if connection.is_in_transaction() {
                    // The undoing may be under way.
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
}

async fn postgres(url: &str, max_connections: u32) -> Result<DatabaseConnection, SqlxError> {
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE)
        .connect_with(
            options
                .application_name("restic-manager-server")
                .disable_statement_logging(),
        )
        .await?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

async fn refuse_old_postgres(pool: &DatabaseConnection) -> Result<(), Error> {
    let ask = Statement::from_string(
        DbBackend::Postgres,
        "SELECT current_setting('server_version_num')::bigint / 10000",
    );
    let version = pool
        .query_one_raw(ask)
        .await
        .and_then(|row| row.map(|row| row.try_get_by_index(0)).transpose());
    match version.map_err(Error::at("server_version"))? {
        Some(found) if found < OLDEST_POSTGRES => Err(Error::DatabaseTooOld { found }),
        Some(_) | None => Ok(()),
    }
}

async fn refuse_newer_schema<M: MigratorTrait>(writer: &DatabaseConnection) -> Result<(), Error> {
    let known: Vec<String> = M::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    let applied = M::get_migration_models(writer).await.map_err(migrate)?;
    match applied
        .into_iter()
        .map(|model| model.version)
        .find(|name| !known.contains(name))
    {
        Some(migration) => Err(Error::SchemaTooNew { migration }),
        None => Ok(()),
    }
}

fn at(url: &DatabaseUrl) -> impl Fn(SqlxError) -> Error {
    let database = url.to_string();
    move |source| {
        // The driver hides the kind of a TLS error inside an error of the socket.
        let is_untrusted = source.to_string().contains("invalid peer certificate");
        let (database, source) = (database.clone(), DbErr::Conn(RuntimeErr::SqlxError(Arc::new(source))));
        if is_untrusted {
            Error::Untrusted { database, source }
        } else {
            Error::Connect { database, source }
        }
    }
}

fn migrate(source: DbErr) -> Error {
    Error::Migrate { source }
}
