//! What can go wrong between us and the database.

use std::path::PathBuf;

use sea_orm::{DbErr, RuntimeErr, SqlErr, SqlxError};

/// Another program held the lock for longer than the busy timeout.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_FULL: u32 = 13;
const SQLITE_IOERR_SHMSIZE: u32 = 0x130a;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The SQLite file, or the lock file beside it, cannot be made or opened.
    #[error("could not open {path}; its directory must exist and be writable by the server")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the SQLite file.
    #[error(
        "another server uses this database (it holds {lock}); two at once would lose each other's writes. Stop the other \
         one, or give this one a data directory of its own"
    )]
    InUse {
        /// The lock file.
        lock: PathBuf,
    },
    /// The database does not answer, refuses the login or is not one.
    #[error(
        "could not connect to the database ({database}); check that it runs and that the URL and its login are right"
    )]
    Connect {
        /// Where it is, without the login.
        database: String,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// What answers as PostgreSQL shows a certificate that is not to be trusted.
    #[error(
        "{database} shows a certificate that cannot be trusted; name the file of its CA with `sslrootcert` in RM_DATABASE_URL, \
         and the host as the certificate does"
    )]
    Untrusted {
        /// Where it is, without the login.
        database: String,
        /// What is wrong with the certificate.
        #[source]
        source: DbErr,
    },
    /// PostgreSQL is older than what is supported.
    #[error("this PostgreSQL is version {found}; version 14 or later is needed")]
    DatabaseTooOld {
        /// Its major version.
        found: i64,
    },
    /// The schema was made by a newer release.
    #[error(
        "the database was last used by a newer server (it has the migration {migration}), which this one could damage. \
         Install that release again, or restore the backup that was made before the upgrade"
    )]
    SchemaTooNew {
        /// The first migration that this server does not know.
        migration: String,
    },
    /// A migration failed. It left nothing behind.
    #[error("could not bring the database to the schema of this server; it is as it was before")]
    Migrate {
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// No connection became free in time, or others held what was needed. Nothing was written; trying again is fine.
    #[error(
        "the database is busy: others held what was needed for too long. Agents wait and lose nothing; if it lasts, look for \
         another program that holds a lock on the database, such as a backup of it"
    )]
    Busy,
    /// The connection broke, or nobody answers. Whether what was under way is written is not known.
    #[error("the database does not answer. Agents wait and lose nothing; see that it runs and can be reached")]
    Away {
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// There is no space for what was to be written. Nothing was.
    #[error(
        "the disk of the database is full. Agents wait and lose nothing; free space there, and the server goes on by itself"
    )]
    Full {
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// A row with this key exists.
    #[error("{table} has a row with this key already")]
    Taken {
        /// The table.
        table: &'static str,
        /// What the driver said; names the key.
        #[source]
        source: DbErr,
    },
    /// A row that this one refers to does not exist (any more), or a row is still referred to.
    #[error("a row of {table} refers to one that does not exist")]
    Dangling {
        /// The table that was written.
        table: &'static str,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// The row was changed or removed since it was read; nothing was written.
    #[error("row {row} of {table} was changed in the meantime")]
    Stale {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
    },
    /// The row to write does not exist; nothing was written.
    #[error("{table} has no row {row}")]
    Missing {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
    },
    /// A stored value that this server cannot have written: damage, or a hand in the database.
    #[error("{table}.{column} of row {row} holds a value that makes no sense")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong with it.
        #[source]
        source: Source,
    },
    /// A value that the column cannot hold, such as a count beyond 2^63.
    #[error("{table}.{column} cannot hold the value")]
    Unstorable {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: Source,
    },
    /// Any other failure of the database.
    #[error("the database failed at {table}")]
    Database {
        /// The table that was read or written.
        table: &'static str,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
}

impl Error {
    /// Says what a failure of the driver means for the table that was read or written. For `map_err`.
    pub(super) fn at(table: &'static str) -> impl Fn(DbErr) -> Self {
        move |source| match source.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Taken { table, source },
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::Dangling { table, source },
            Some(_) | None => match trouble(&source) {
                Some(Trouble::Busy) => Self::Busy,
                Some(Trouble::Away) => Self::Away { source },
                Some(Trouble::Full) => Self::Full { source },
                None => Self::Database { table, source },
            },
        }
    }
}

/// What keeps a database from answering for a while, whatever it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Busy,
    Away,
    Full,
}

/// `None` for a failure that is about what was asked.
fn trouble(error: &DbErr) -> Option<Trouble> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
    else {
        return matches!(error, DbErr::ConnectionAcquire(_)).then_some(Trouble::Busy);
    };
    if let SqlxError::Database(said) = &**error {
        return said.code().and_then(|code| trouble_of_code(&code));
    }
    matches!(**error, SqlxError::Io(_) | SqlxError::WorkerCrashed).then_some(Trouble::Away)
}

fn trouble_of_code(code: &str) -> Option<Trouble> {
    // PostgreSQL's codes have five characters, SQLite's are numbers whose lowest byte is the kind.
    if code.len() < 5 {
        return match code.parse::<u32>().ok()? {
            // No room for the index of the write-ahead log.
            SQLITE_IOERR_SHMSIZE => Some(Trouble::Full),
            code => match code & 0xff {
                SQLITE_BUSY | SQLITE_LOCKED => Some(Trouble::Busy),
                SQLITE_FULL => Some(Trouble::Full),
                _ => None,
            },
        };
    }
    match code {
        // Serialization failure, deadlock, lock not available, too many connections.
        "40001" | "40P01" | "55P03" | "53300" => Some(Trouble::Busy),
        // It is shut down, has crashed, or starts.
        "57P01" | "57P02" | "57P03" => Some(Trouble::Away),
        "53100" => Some(Trouble::Full),
        _ if code.starts_with("08") => Some(Trouble::Away),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (code, expected) in [
            ("5", Some(Trouble::Busy)),
            // SQLITE_BUSY_SNAPSHOT
            ("517", Some(Trouble::Busy)),
            ("6", Some(Trouble::Busy)),
            ("13", Some(Trouble::Full)),
            ("4874", Some(Trouble::Full)),
            // SQLITE_CORRUPT, and a constraint.
            ("11", None),
            ("2067", None),
            ("40P01", Some(Trouble::Busy)),
            ("57P01", Some(Trouble::Away)),
            ("57P03", Some(Trouble::Away)),
            ("08006", Some(Trouble::Away)),
            ("53100", Some(Trouble::Full)),
            ("23505", None),
            ("42P01", None),
        ] {
            assert_eq!(trouble_of_code(code), expected, "{code}");
        }
    }
}
