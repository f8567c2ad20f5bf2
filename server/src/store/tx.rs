//! [`Tx`] and [`ReadTx`]: the two handles through which all rows are read and written.

use std::ops::Deref;

use sea_orm::{
    AccessMode, ConnectionTrait as _, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait as _,
};

use super::{Error, Store};

/// An open read transaction: everything read through it is of one moment.
#[derive(Debug)]
pub struct ReadTx {
    pub(super) on: DatabaseTransaction,
}

/// An open write transaction. It reads like a [`ReadTx`], and sees its own writes. Dropped without
/// [`commit`](Self::commit) it leaves nothing behind.
#[derive(Debug)]
#[must_use = "a transaction that is not committed does nothing"]
pub struct Tx(ReadTx);

impl Store {
    /// Begins to write. On SQLite it waits for its turn: there is one writer at a time.
    ///
    /// Await nothing but the database until the commit: everybody who writes is waiting. Errors: [`Error::Busy`] when
    /// the turn does not come within ten seconds.
    pub async fn begin(&self) -> Result<Tx, Error> {
        // A deferred SQLite transaction would take the write lock with its first write and fail when somebody else wrote
        // since its first read.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let on = self
            .0
            .writer
            .begin_with_options(options)
            .await
            .map_err(Error::at("begin"))?;
        Ok(Tx(ReadTx { on }))
    }

    /// Begins to read.
    pub async fn read(&self) -> Result<ReadTx, Error> {
        let mut options = TransactionOptions::default();
        if self.0.reader.get_database_backend() == DbBackend::Postgres {
            options.isolation_level = Some(IsolationLevel::RepeatableRead);
            options.access_mode = Some(AccessMode::ReadOnly);
        }
        let on = self
            .0
            .reader
            .begin_with_options(options)
            .await
            .map_err(Error::at("begin"))?;
        Ok(ReadTx { on })
    }
}

impl Tx {
    /// Waits until no other open transaction has named the same thing, and keeps others from passing here until this one
    /// ends. Before a decision that rests on what is not there (no user yet, no init under way): on PostgreSQL writers run
    /// side by side, and no row can be guarded that does not exist. SQLite has one writer anyway.
    pub async fn exclusively(&self, what: &str) -> Result<(), Error> {
        if self.on.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let lock = Statement::from_sql_and_values(DbBackend::Postgres, sql, [what.into()]);
        self.on.execute_raw(lock).await.map_err(Error::at("advisory lock"))?;
        Ok(())
    }

    /// Makes all writes permanent, or none. When it returns they survive a loss of power.
    pub async fn commit(self) -> Result<(), Error> {
        self.0.on.commit().await.map_err(Error::at("commit"))
    }
}

impl Deref for Tx {
    type Target = ReadTx;

    fn deref(&self) -> &ReadTx {
        &self.0
    }
}
