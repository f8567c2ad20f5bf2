//! `SnapshotService`.

use domain::snapshot_query::SnapshotQuery;
use proto::v1;
use proto::v1::snapshot_service_server::SnapshotService;
use tonic::{Request, Response, Status};

use super::{Api, input, page_headers, refuse};

#[tonic::async_trait]
impl SnapshotService for Api {
    async fn list_snapshots(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Result<Response<v1::ListSnapshotsResponse>, Status> {
        let (caller, query) = input::<SnapshotQuery, _>(request)?;
        let page = self.app.list_snapshots(&caller, query).await.map_err(refuse(&caller))?;
        let message = v1::ListSnapshotsResponse {
            snapshots: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_token,
            total_count: page.total,
        };
        let (token, total) = (message.next_page_token.clone(), message.total_count);
        let mut response = Response::new(message);
        page_headers(response.metadata_mut(), &token, total);
        Ok(response)
    }
}
