//! [`Tx`] and [`ReadTx`]: the two handles through which all rows are read and written.

use std::ops::Deref;

use sea_orm::{
    AccessMode, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
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
