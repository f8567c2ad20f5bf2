//! The snapshots of hosts, as their agents last listed them.

use domain::page::Page;
use domain::snapshot_query::{SnapshotQuery, SnapshotView};
use serde_json::json;

use super::host_credentials::known_host;
use super::{App, Caller, Error, paging};

impl App {
    /// Lists the snapshots that a host has in its repository, newest first. Errors: `host_not_found`,
    /// `invalid_page_token`.
    pub async fn list_snapshots(&self, _: &Caller, query: SnapshotQuery) -> Result<Page<SnapshotView>, Error> {
        let list = json!([
            "snapshots",
            query.host.to_string(),
            query.group.map(|group| group.to_string())
        ]);
        let request = paging::open(&query.page, &list)?;
        let tx = self.0.store.read().await?;
        known_host(&tx, query.host).await?;
        paging::close(tx.snapshots(&query, &request).await?, &list)
    }
}
