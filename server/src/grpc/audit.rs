//! `AuditService`.

use domain::audit_query::AuditQuery;
use proto::v1;
use proto::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use super::{Api, input, page_headers, refuse};

#[tonic::async_trait]
impl AuditService for Api {
    async fn list_audit_entries(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let (caller, query) = input::<AuditQuery, _>(request)?;
        let page = self
            .app
            .list_audit_entries(&caller, query)
            .await
            .map_err(refuse(&caller))?;
        let message = v1::ListAuditEntriesResponse {
            entries: page
                .items
                .into_iter()
                .map(|line| (line.entry, line.hash).into())
                .collect(),
            next_page_token: page.next_token,
            total_count: page.total,
        };
        let (token, total) = (message.next_page_token.clone(), message.total_count);
        let mut response = Response::new(message);
        page_headers(response.metadata_mut(), &token, total);
        Ok(response)
    }
}
