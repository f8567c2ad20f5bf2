//! Secrets at rest: the master key and what it seals.
//!
//! Every secret column of the database holds a [`Sealed`] value, AES-256-GCM-SIV under the one master key, which lives
//! in a file outside the database. The table, column, row and key version go into each ciphertext as associated data.
//!
//! **Invariant:** a sealed value opens only at the [`Address`] it was sealed for, so that somebody who can write to the
//! database cannot move the password of one repository to another.
//!
//! **Invariant:** a value that does not open is an error for a person to see, never "no value".

mod key_file;
mod keyring;

use std::path::PathBuf;

pub use keyring::{Address, Keyring, Sealed};

/// Why the master key could not be had, or a sealed value not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key file exists but cannot be read.
    #[error("could not read the master key {path}; without it no stored secret can be used")]
    ReadKey {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No key file existed and none could be made.
    #[error("could not create the master key {path}; its directory must exist and be writable by the server")]
    CreateKey {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read or write the key file.
    #[error(
        "the master key {path} is open to group or others (mode {mode:04o}), so every stored secret may be known to them; \
         run `chmod 600 {path}` and start again"
    )]
    KeyTooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not exactly 32 bytes long.
    #[error(
        "the master key {path} is not 32 bytes long; it was damaged or is another file. Put back the key of this server \
         from its backup, or name its file with RM_SECRET_KEY_FILE: a new one cannot open the stored secrets"
    )]
    KeySize {
        /// The file.
        path: PathBuf,
    },
    /// The stored probe does not open: database and key do not belong together.
    #[error(
        "the master key is not the one that the secrets in this database were stored with; backups would run without \
         passwords. Put back the key file that belongs to this database, or name it with RM_SECRET_KEY_FILE"
    )]
    ForeignKey,
    /// A stored value does not open at its place.
    #[error(
        "the secret in {table}.{column} of row {row} does not open; it was changed, moved from another row, or stored with \
         another key. Enter it again"
    )]
    NotOpened {
        /// The table it was read from.
        table: &'static str,
        /// Its column.
        column: &'static str,
        /// Its row.
        row: String,
    },
}
