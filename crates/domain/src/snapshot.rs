//! [`Snapshot`]: what a repository says about one of its snapshots.

use crate::id::SourceGroupId;
use crate::name::SourceGroupName;
use crate::{ByteSize, ReportedText, SnapshotId, Timestamp};

/// A snapshot as restic lists it. Whoever may write to the repository decides what stands here.
///
/// Source: `restic snapshots --json`; features.md SNP-02.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// restic's id.
    pub id: SnapshotId,
    /// By the clock of the host that made it.
    pub time: Timestamp,
    /// The host name that it bears.
    pub restic_host: ReportedText<253>,
    /// What was backed up, in restic's order.
    pub paths: Vec<ReportedText<4096>>,
    /// Its tags, in restic's order.
    pub tags: Vec<ReportedText<256>>,
    /// Bytes when restored, from the summary; `None` before restic 0.17.
    pub size: Option<ByteSize>,
    /// Files in it, from the summary; `None` before restic 0.17.
    pub file_count: Option<u64>,
    /// The program that made it, such as `restic 0.18.0`; `None` before restic 0.16.
    pub program_version: Option<ReportedText<100>>,
}

impl Snapshot {
    /// The group, of those of the host, whose name is among the tags. The first that matches, in the order given.
    pub fn source_group<'a>(
        &self,
        groups: impl IntoIterator<Item = (SourceGroupId, &'a SourceGroupName)>,
    ) -> Option<SourceGroupId> {
        groups
            .into_iter()
            .find(|(_, name)| self.tags.iter().any(|tag| tag.as_str() == name.as_str()))
            .map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_snapshot_belongs_to_the_group_that_its_tag_names() {
        let groups = [group(1, "default"), group(2, "db")];
        let find = |tags: &[&str]| snapshot(tags).source_group(groups.iter().map(|(id, name)| (*id, name)));

        assert_eq!(find(&["nightly", "db"]), Some(groups[1].0));
        assert_eq!(find(&["db", "default"]), Some(groups[0].0));
        assert_eq!(find(&["database"]), None);
        assert_eq!(find(&[]), None);
    }

    fn group(number: u128, name: &str) -> (SourceGroupId, SourceGroupName) {
        (SourceGroupId::from_uuid(Uuid::from_u128(number)), name.parse().unwrap())
    }

    fn snapshot(tags: &[&str]) -> Snapshot {
        Snapshot {
            id: "ab".repeat(32).parse().unwrap(),
            time: Timestamp::UNIX_EPOCH,
            restic_host: "web-01".into(),
            paths: vec!["/etc".into()],
            tags: tags.iter().map(|tag| (*tag).into()).collect(),
            size: None,
            file_count: None,
            program_version: None,
        }
    }
}
