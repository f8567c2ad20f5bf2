//! [`RepositoryStats`]: how large a repository is and what lies in it.

use super::RepositoryLock;
use crate::id::RepositoryId;
use crate::{ByteSize, Timestamp};

/// What jobs have found out about a repository. A field that no job has reported is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RepositoryStats {
    /// Bytes that it takes at its location.
    pub raw_size: Option<ByteSize>,
    /// The same before compression; `None` from a restic before 0.16.
    pub uncompressed_size: Option<ByteSize>,
    /// Bytes that all its snapshots would take when restored, each on its own.
    pub restore_size: Option<ByteSize>,
    /// Snapshots in it, of all hosts.
    pub snapshot_count: Option<u64>,
    /// The locks in it, at most the first twenty.
    pub locks: Option<Vec<RepositoryLock>>,
}

/// The numbers of a repository as they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryStatsView {
    /// Whose.
    pub repository: RepositoryId,
    /// The numbers.
    pub stats: RepositoryStats,
    /// When the server got the sizes; `None` before the first.
    pub sizes_at: Option<Timestamp>,
    /// When the server got the locks; `None` before the first.
    pub locks_at: Option<Timestamp>,
}

impl RepositoryStats {
    /// Whether it says how large the repository is.
    pub const fn has_sizes(&self) -> bool {
        self.raw_size.is_some() || self.restore_size.is_some()
    }

    /// Takes over what `newer` knows; what it does not know stays.
    ///
    /// Source: features.md REP-07.
    #[must_use]
    pub fn updated_by(self, newer: Self) -> Self {
        let Self {
            raw_size,
            uncompressed_size,
            restore_size,
            snapshot_count,
            locks,
        } = newer;
        Self {
            // A size before compression belongs to the size after it.
            uncompressed_size: if raw_size.is_some() {
                uncompressed_size
            } else {
                self.uncompressed_size
            },
            raw_size: raw_size.or(self.raw_size),
            restore_size: restore_size.or(self.restore_size),
            snapshot_count: snapshot_count.or(self.snapshot_count),
            locks: locks.or(self.locks),
        }
    }

    /// How many times smaller compression makes the data. `None` when unknown or nothing is stored.
    pub fn compression_ratio(&self) -> Option<f64> {
        ratio(self.uncompressed_size?, self.raw_size?)
    }

    /// How many times smaller it is that equal data is stored once. `None` when unknown or nothing is stored.
    pub fn deduplication_ratio(&self) -> Option<f64> {
        ratio(self.restore_size?, self.uncompressed_size.or(self.raw_size)?)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than a double holds")]
fn ratio(larger: ByteSize, smaller: ByteSize) -> Option<f64> {
    let (larger, smaller) = (larger.as_bytes(), smaller.as_bytes());
    (smaller > 0).then(|| larger as f64 / smaller as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_reported_takes_the_place_of_what_is_known() {
        let known = RepositoryStats {
            raw_size: Some(bytes(100)),
            uncompressed_size: Some(bytes(200)),
            restore_size: Some(bytes(800)),
            snapshot_count: Some(4),
            locks: Some(Vec::new()),
        };
        let of_an_old_restic = RepositoryStats {
            raw_size: Some(bytes(150)),
            snapshot_count: Some(5),
            ..RepositoryStats::default()
        };

        let after = known.clone().updated_by(of_an_old_restic);

        assert_eq!(known.clone().updated_by(RepositoryStats::default()), known);
        let expected = RepositoryStats {
            raw_size: Some(bytes(150)),
            uncompressed_size: None,
            snapshot_count: Some(5),
            ..known
        };
        assert_eq!(after, expected);
    }

    #[test]
    fn ratios_need_both_sizes_and_something_stored() {
        let stats = |raw, uncompressed: Option<u64>, restored: u64| RepositoryStats {
            raw_size: Some(bytes(raw)),
            uncompressed_size: uncompressed.map(bytes),
            restore_size: Some(bytes(restored)),
            ..RepositoryStats::default()
        };
        for (stats, compression, deduplication) in [
            (stats(100, Some(200), 800), Some(2.0), Some(4.0)),
            (stats(100, None, 800), None, Some(8.0)),
            (stats(0, Some(0), 0), None, None),
            (RepositoryStats::default(), None, None),
        ] {
            assert_eq!(stats.compression_ratio(), compression, "{stats:?}");
            assert_eq!(stats.deduplication_ratio(), deduplication, "{stats:?}");
        }
    }

    fn bytes(bytes: u64) -> ByteSize {
        ByteSize::from_bytes(bytes)
    }
}
