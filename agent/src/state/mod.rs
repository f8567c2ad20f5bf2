//! What the agent must not forget, in `state.redb`: outbox, inbox and desired state.
//!
//! Every write is one transaction that is on disk when the call returns. The file is held exclusively; a second agent on
//! the same directory fails to open it. A file that cannot be read is an error, never replaced by an empty one.

mod desired;
mod inbox;
mod kept;
mod outbox;

use std::path::{Path, PathBuf};

use domain::IdSource;
use domain::id::OutboxIncarnation;
use redb::{Database, ReadableDatabase as _, TableDefinition};
use uuid::Uuid;

use crate::durable;

pub use outbox::{Batch, Entry, Tag};

/// A document by its name: the incarnation, and the parts of the desired state.
const DOCUMENTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("documents");
/// Counters by their name.
const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
const INCARNATION: &str = "outbox incarnation";

/// An event's pages are read once; the default of 1 GiB would fill up with them.
const CACHE_BYTES: usize = 1024 * 1024;

/// The agent's durable state.
pub struct State {
    database: Database,
    path: PathBuf,
    incarnation: OutboxIncarnation,
    outbox_bytes: u64,
    kept_bytes: u64,
}

/// State that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another agent runs on the same directory.
    #[error("{} is in use; another agent runs with this state directory", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened.
    #[error(
        "could not open {}, which holds what the server has not been told; it is left as it is. Put back a whole one. Without \
         one, stop the agent, move the file away and start it: the server then counts the jobs that were under way as lost, \
         and backups go on",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::Error>,
    },
    /// A read or a write failed.
    #[error("could not {action} in {}", path.display())]
    Access {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::Error>,
    },
    /// A row is not what this version writes.
    #[error("{} holds a {what} that this version cannot read", path.display())]
    Inconsistent {
        /// What it should be.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
}

impl State {
    /// Opens the state, and makes it when there is none.
    pub fn open(path: &Path, ids: &dyn IdSource) -> Result<Self, Error> {
        if !path.exists() {
            Self::make(path, ids)?;
        }
        let mut state = Self {
            database: database(path, |builder| builder.open(path))?,
            path: path.to_owned(),
            incarnation: OutboxIncarnation::from_uuid(Uuid::nil()),
            outbox_bytes: 0,
            kept_bytes: 0,
        };
        state.incarnation = state.read_incarnation()?;
        state.outbox_bytes = state.count_outbox_bytes()?;
        state.kept_bytes = state.count_kept_bytes()?;
        Ok(state)
    }

    /// Makes an empty state under another name first: an empty file in its place is a damaged one.
    fn make(path: &Path, ids: &dyn IdSource) -> Result<(), Error> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let temporary = PathBuf::from(name);
        let failed = |error: durable::Error| Error::Open {
            path: path.to_owned(),
            source: Box::new(redb::Error::Io(error.source)),
        };
        durable::remove(&temporary).map_err(failed)?;
        let state = Self {
            database: database(path, |builder| builder.create(&temporary))?,
            path: path.to_owned(),
            incarnation: OutboxIncarnation::from_uuid(Uuid::nil()),
            outbox_bytes: 0,
            kept_bytes: 0,
        };
        state.begin(ids)?;
        drop(state);
        std::fs::rename(&temporary, path)
            .map_err(|source| durable::Error::new("write", path, source))
            .and_then(|()| durable::sync_directory(durable::parent(path)))
            .map_err(failed)
    }

    /// Which life of the outbox this is.
    pub fn incarnation(&self) -> OutboxIncarnation {
        self.incarnation
    }

    fn read_incarnation(&self) -> Result<OutboxIncarnation, Error> {
        let bytes = self.document(INCARNATION)?.unwrap_or_default();
        let uuid = Uuid::from_slice(&bytes).map_err(|_| self.inconsistent("outbox incarnation"))?;
        Ok(OutboxIncarnation::from_uuid(uuid))
    }

    fn begin(&self, ids: &dyn IdSource) -> Result<(), Error> {
        let uuid = ids.next_uuid();
        self.write("begin the outbox", |transaction| {
            transaction
                .open_table(DOCUMENTS)?
                .insert(INCARNATION, uuid.as_bytes().as_slice())?;
            transaction.open_table(COUNTERS)?;
            outbox::create(transaction)?;
            inbox::create(transaction)
        })
    }

    fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.read("read a document", |transaction| {
            let table = match transaction.open_table(DOCUMENTS) {
                // Nothing was ever written.
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                other => other?,
            };
            Ok(table.get(name)?.map(|value| value.value().to_vec()))
        })
    }

    fn set_document(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        self.write("store a document", |transaction| {
            transaction.open_table(DOCUMENTS)?.insert(name, content)?;
            Ok(())
        })
    }

    fn read<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        let begun = self.database.begin_read().map_err(redb::Error::from);
        begun
            .and_then(|transaction| work(&transaction))
            .map_err(|source| self.failed(action, source))
    }

    /// Runs `work` in one transaction, which is on disk when this returns. An error undoes all of it.
    fn write<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&redb::WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        let transact = || {
            let mut transaction = self.database.begin_write()?;
            // Else a file whose last transaction is damaged would be opened without it, and nobody would hear of that.
            transaction.set_two_phase_commit(true);
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        transact().map_err(|source| self.failed(action, source))
    }

    fn failed(&self, action: &'static str, source: redb::Error) -> Error {
        Error::Access {
            action,
            path: self.path.clone(),
            source: Box::new(source),
        }
    }

    fn inconsistent(&self, what: &'static str) -> Error {
        Error::Inconsistent {
            what,
            path: self.path.clone(),
        }
    }
}

fn database(
    path: &Path,
    open: impl FnOnce(&redb::Builder) -> Result<Database, redb::DatabaseError>,
) -> Result<Database, Error> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    // A file that something else has changed is found out, where it would be trusted otherwise. It is read whole for that.
    builder.set_check_integrity_on_open(true);
    open(&builder).map_err(|source| {
        let path = path.to_owned();
        if let redb::DatabaseError::DatabaseAlreadyOpen = source {
            return Error::InUse { path };
        }
        Error::Open {
            path,
            source: Box::new(source.into()),
        }
    })
}

#[cfg(test)]
mod tests;
