//! What a reader of a host's snapshots asks for, and what it gets.

use crate::Timestamp;
use crate::id::{HostId, SourceGroupId};
use crate::page::PageQuery;
use crate::snapshot::Snapshot;

/// Which snapshots are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotQuery {
    /// Whose.
    pub host: HostId,
    /// Only those of this source group of the host.
    pub group: Option<SourceGroupId>,
    /// Which page.
    pub page: PageQuery,
}

/// A snapshot as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotView {
    /// What the repository says.
    pub snapshot: Snapshot,
    /// The host's source group whose name is among its tags.
    pub group: Option<SourceGroupId>,
    /// When the server got the list it is in.
    pub refreshed_at: Timestamp,
}
