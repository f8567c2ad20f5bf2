//! `HostService`.

use domain::fleet::{DeleteHost, HostQuery, RevokeHost, UpdateHost};
use domain::id::HostId;
use domain::page::Page;
use proto::v1;
use proto::v1::host_service_server::HostService;
use tonic::{Request, Response, Status};

use super::{Api, input, page_headers, refuse};

#[tonic::async_trait]
impl HostService for Api {
    async fn list_hosts(
        &self,
        request: Request<v1::ListHostsRequest>,
    ) -> Result<Response<v1::ListHostsResponse>, Status> {
        let (caller, query) = input::<HostQuery, _>(request)?;
        let Page {
            items,
            next_token,
            total,
        } = self.app.list_hosts(&caller, query).await.map_err(refuse(&caller))?;
        let mut response = Response::new(v1::ListHostsResponse {
            hosts: items.into_iter().map(Into::into).collect(),
            next_page_token: next_token.clone(),
            total_count: total,
        });
        page_headers(response.metadata_mut(), &next_token, total);
        Ok(response)
    }

    async fn get_host(&self, request: Request<v1::GetHostRequest>) -> Result<Response<v1::Host>, Status> {
        let (caller, id) = input::<HostId, _>(request)?;
        let host = self.app.get_host(&caller, id).await.map_err(refuse(&caller))?;
        Ok(Response::new(host.into()))
    }

    async fn update_host(&self, request: Request<v1::UpdateHostRequest>) -> Result<Response<v1::Host>, Status> {
        let (caller, update) = input::<UpdateHost, _>(request)?;
        let host = self.app.update_host(&caller, update).await.map_err(refuse(&caller))?;
        Ok(Response::new(host.into()))
    }

    async fn delete_host(
        &self,
        request: Request<v1::DeleteHostRequest>,
    ) -> Result<Response<v1::DeleteHostResponse>, Status> {
        let (caller, delete) = input::<DeleteHost, _>(request)?;
        let reminder = self.app.delete_host(&caller, delete).await.map_err(refuse(&caller))?;
        Ok(Response::new(v1::DeleteHostResponse { reminder }))
    }
    async fn revoke_host(&self, request: Request<v1::RevokeHostRequest>) -> Result<Response<v1::Host>, Status> {
        let (caller, revoke) = input::<RevokeHost, _>(request)?;
        let host = self.app.revoke_host(&caller, revoke).await.map_err(refuse(&caller))?;
        Ok(Response::new(host.into()))
    }

    async fn release_quarantine(
        &self,
        request: Request<v1::ReleaseQuarantineRequest>,
    ) -> Result<Response<v1::ReleaseQuarantineResponse>, Status> {
        let (caller, id) = input::<HostId, _>(request)?;
        let released = self.app.release_quarantine(&caller, id).await;
        let (host, reminder) = released.map_err(refuse(&caller))?;
        Ok(Response::new(v1::ReleaseQuarantineResponse {
            host: Some(host.into()),
            reminder,
        }))
    }
}
