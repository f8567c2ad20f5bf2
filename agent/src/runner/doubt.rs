//! [`Doubt`]: whether a lock of ours may lie in a repository.
//!
//! A restic that is killed, or goes down with its host, leaves its lock. Backups go on beside it, and whatever needs the
//! repository for itself alone fails from then on. So it is on disk before a restic that takes a lock begins, and is taken
//! away when that restic has ended by itself or the locks were looked at since.

use std::path::PathBuf;

use domain::id::RepositoryId;

use crate::config::Places;
use crate::durable;

/// The mark of one repository: a file that is there or not.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    path: PathBuf,
}

impl Doubt {
    pub(super) fn about(places: &Places, repository: RepositoryId) -> Self {
        Self {
            path: places.spool().join(format!("lock-in-{repository}")),
        }
    }

    /// Whether a lock may have stayed.
    pub(super) fn is_open(&self) -> bool {
        self.path.exists()
    }

    /// A lock is about to be taken.
    pub(super) fn raise(&self) -> Result<(), durable::Error> {
        durable::write(&self.path, b"")
    }

    /// There is none of ours.
    pub(super) fn settle(&self) -> Result<(), durable::Error> {
        durable::remove(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn doubt_about_one_repository_is_none_about_another() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(None, Some(directory.path().to_owned()));
        durable::create_directory(&places.spool()).unwrap();
        let about = |number| Doubt::about(&places, RepositoryId::from_uuid(Uuid::from_u128(number)));
        let (one, other) = (about(1), about(2));

        one.raise().unwrap();
        one.raise().unwrap();

        assert!(one.is_open() && !other.is_open());
        one.settle().unwrap();
        one.settle().unwrap();
        assert!(!one.is_open());
    }
}
