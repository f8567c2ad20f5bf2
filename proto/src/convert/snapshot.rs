//! Snapshots.

use domain::snapshot::Snapshot;
use domain::snapshot_query::{SnapshotQuery, SnapshotView};

use super::{Invalid, optional, page, required, to_timestamp};
use crate::v1;

impl TryFrom<v1::ListSnapshotsRequest> for SnapshotQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListSnapshotsRequest) -> Result<Self, Invalid> {
        let v1::ListSnapshotsRequest {
            host_id,
            source_group_id,
            page_size,
            page_token,
        } = message;
        Ok(Self {
            host: required("host_id", &host_id)?,
            group: optional("source_group_id", &source_group_id)?,
            page: page(page_size, page_token)?,
        })
    }
}

impl From<SnapshotView> for v1::Snapshot {
    fn from(view: SnapshotView) -> Self {
        let SnapshotView {
            snapshot,
            group,
            refreshed_at,
        } = view;
        let Snapshot {
            id,
            time,
            restic_host,
            paths,
            tags,
            size,
            file_count,
            program_version,
        } = snapshot;
        Self {
            id: id.to_string(),
            short_id: id.short(),
            time: Some(to_timestamp(time)),
            restic_host: restic_host.to_string(),
            paths: paths.iter().map(ToString::to_string).collect(),
            tags: tags.iter().map(ToString::to_string).collect(),
            source_group_id: group.map(|id| id.to_string()),
            size_bytes: size.map(domain::ByteSize::as_bytes),
            file_count,
            program_version: program_version.map(|version| version.to_string()).unwrap_or_default(),
            refreshed_at: Some(to_timestamp(refreshed_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{ByteSize, Timestamp};

    use super::*;

    #[test]
    fn a_list_of_snapshots_is_of_a_host() {
        let good = || v1::ListSnapshotsRequest {
            host_id: ID.into(),
            ..v1::ListSnapshotsRequest::default()
        };

        assert_eq!(SnapshotQuery::try_from(good()).unwrap().group, None);
        for (message, field) in [
            (
                v1::ListSnapshotsRequest {
                    host_id: String::new(),
                    ..good()
                },
                "host_id",
            ),
            (
                v1::ListSnapshotsRequest {
                    source_group_id: "x".into(),
                    ..good()
                },
                "source_group_id",
            ),
            (
                v1::ListSnapshotsRequest {
                    page_size: -1,
                    ..good()
                },
                "page_size",
            ),
        ] {
            assert_eq!(SnapshotQuery::try_from(message).unwrap_err().problems()[0].field, field);
        }
    }

    #[test]
    fn what_old_versions_do_not_know_stays_absent() {
        let snapshot = Snapshot {
            id: "0f".repeat(32).parse().unwrap(),
            time: Timestamp::UNIX_EPOCH,
            restic_host: "web-01".into(),
            paths: vec!["/etc".into()],
            tags: vec!["default".into()],
            size: Some(ByteSize::from_kib(1)),
            file_count: None,
            program_version: None,
        };
        let group = Some(ID.parse().unwrap());

        let shown = v1::Snapshot::from(SnapshotView {
            snapshot,
            group,
            refreshed_at: Timestamp::UNIX_EPOCH,
        });

        assert_eq!(
            (shown.short_id.as_str(), shown.size_bytes, shown.file_count),
            ("0f0f0f0f", Some(1024), None)
        );
        assert_eq!(
            (shown.program_version.as_str(), shown.source_group_id.as_deref()),
            ("", Some(ID))
        );
    }

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
}
