//! Where data is kept.

use std::path::{Path, PathBuf};

use super::keys;
use super::reader::{Reader, parsed, path};
use crate::store::DatabaseUrl;

/// Data directory and database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The directory of everything the server keeps in files.
    pub data_dir: PathBuf,
    /// The directory of what packages bring for hosts to download; may be absent.
    pub dist_dir: PathBuf,
    /// SQLite file or PostgreSQL.
    pub url: DatabaseUrl,
}

impl Database {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let data_dir = reader.required(&keys::DATA_DIR, path);
        let dist_dir = reader.required(&keys::DIST_DIR, path);
        let url = reader.optional(&keys::DATABASE_URL, parsed);
        Self {
            url: url.unwrap_or_else(|| default_url(&data_dir)),
            data_dir,
            dist_dir,
        }
    }
}

fn default_url(data_dir: &Path) -> DatabaseUrl {
    DatabaseUrl::Sqlite(data_dir.join("restic-manager.db"))
}
