//! [`Stats`]: what `restic stats` counted.

use domain::ByteSize;
use serde_json::Value;

/// The numbers of one mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Bytes, as the mode counts them.
    pub total: ByteSize,
    /// The same before compression; only of raw data, and since 0.16.
    pub uncompressed: Option<ByteSize>,
    /// Snapshots that were looked at; `None` when restic did not say.
    pub snapshots: Option<u64>,
}

impl Stats {
    /// Reads what restic printed; `None` when it holds no size.
    pub(crate) fn parse(output: &str) -> Option<Self> {
        let stats: Value = serde_json::from_str(output).ok()?;
        let count = |name: &str| stats.get(name).and_then(Value::as_u64);
        Some(Self {
            total: ByteSize::from_bytes(count("total_size")?),
            uncompressed: count("total_uncompressed_size").map(ByteSize::from_bytes),
            snapshots: count("snapshots_count"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_version_does_not_count_is_absent() {
        let old = Stats::parse(r#"{"total_size":3214292,"total_blob_count":69}"#).unwrap();

        assert_eq!(
            (old.total.as_bytes(), old.uncompressed, old.snapshots),
            (3_214_292, None, None)
        );
        assert_eq!(Stats::parse("{}"), None);
    }
}
