//! The master key's place.

use std::path::{Path, PathBuf};

use super::keys;
use super::reader::{Reader, path};

/// Settings of secrets at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The file of the master key.
    pub key_file: PathBuf,
}

impl Secrets {
    pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Self {
        let key_file = reader.optional(&keys::SECRET_KEY_FILE, path);
        Self {
            key_file: key_file.unwrap_or_else(|| data_dir.join("secret.key")),
        }
    }
}
