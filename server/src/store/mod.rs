//! The store: every row of the server, on SQLite or PostgreSQL.
//!
//! One concrete [`Store`]; tests use the real thing on a temporary file. [`Store::begin`] gives a [`Tx`] that writes,
//! [`Store::read`] a [`ReadTx`] that reads. Each resource has a file here with an `impl ReadTx` block for what is read and
//! an `impl Tx` block for what is written; a [`Tx`] can do both. The rows themselves are private (`entity/`): what comes
//! out is parsed, what goes in is valid.
//!
//! A lookup returns `Option`. A write checks that it met its row: [`Error::Missing`] when there is none. An update of what
//! others may update too carries the `version` that it read, and [`Error::Stale`] says that it came too late. A row that
//! does not parse is [`Error::Inconsistent`], which names table, column and row.
//!
//! **Invariant:** nothing but the database is awaited while a [`Tx`] is open. On SQLite every other writer waits for it.
//!
//! **Invariant:** nobody is woken from within a transaction. Commit first, then nudge; a nudge may be lost.
//!
//! **Invariant:** projections (a host's last backup, its counts, its health) are never incremented. Whatever changes their
//! source recomputes them from it in the same transaction.
//!
//! **Invariant:** no decision is taken here. What a state may become is `domain`'s business; the store keeps the result.
//!
//! To add a resource: a migration, a private entity with its `TryFrom`, a file here, cases in `conformance/`.

mod agent_cursors;
mod attention;
mod audit;
mod certificates;
mod commands;
mod database_url;
mod enrollment_tokens;
mod entity;
mod error;
mod fleet;
mod host_repositories;
mod host_sessions;
mod hosts;
mod idempotency_keys;
mod identity_keys;
mod job_logs;
mod jobs;
mod lock;
mod login_sessions;
mod open;
mod page;
mod projections;
mod repositories;
mod repository_credentials;
mod repository_stats;
mod retention;
mod row;
mod settings;
mod snapshots;
mod source_groups;
mod tx;
mod users;

#[cfg(test)]
mod conformance;

use std::path::PathBuf;
use std::sync::Arc;

use sea_orm::{DatabaseConnection, DbBackend};

pub use audit::{AuditLine, NewAuditEntry};
pub use certificates::{HostCertificate, StoredCa};
pub use commands::{CommandKind, CommandState, InvalidCommandKind, StoredCommand};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use enrollment_tokens::{StoredToken, TokenRepository};
pub use error::Error;
pub use host_repositories::{FoundRepository, HostRepository};
pub use host_sessions::{HostSession, Replacement, SessionOpening};
pub use hosts::{HostCursor, NewHost};
pub use idempotency_keys::{Claim, Claimed};
pub use job_logs::LogPosition;
pub use login_sessions::LoginSession;
pub use open::Options;
pub use page::{Page, PageRequest, TimeCursor};
pub use repositories::Repository;
pub use repository_credentials::{CredentialKey, StoredCredentials};
pub use retention::AuditCut;
pub use snapshots::SnapshotCursor;
pub use source_groups::SourceGroup;
pub use tx::{ReadTx, Tx};
pub use users::User;

/// The database. Clones are cheap and share one pool.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    /// The SQLite file; `None` for PostgreSQL.
    file: Option<PathBuf>,
    #[expect(dead_code, reason = "held for as long as the store lives")]
    lock: Option<lock::DataLock>,
}

impl Store {
    /// How many transactions may write side by side with profit. Source: agent-protocol.md §9.
    pub fn writers(&self) -> usize {
        if self.0.writer.get_database_backend() == DbBackend::Postgres {
            4
        } else {
            1
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), Error> {
        self.0.reader.ping().await.map_err(Error::at("ping"))
    }

    /// Bytes that the database's own disk has left for it; `None` for PostgreSQL, and where the system does not say.
    pub fn free_space(&self) -> Option<u64> {
        let directory = self.0.file.as_deref()?.parent()?;
        let disk = rustix::fs::statvfs(directory).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Closes all connections; on SQLite the write-ahead log goes into the file. Every clone of the store is closed too.
    pub async fn close(&self) -> Result<(), Error> {
        self.0.reader.close_by_ref().await.map_err(Error::at("close"))?;
        self.0.writer.close_by_ref().await.map_err(Error::at("close"))
    }
}
