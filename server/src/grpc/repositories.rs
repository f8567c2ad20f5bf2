//! `RepositoryService`.

use domain::id::{HostId, RepositoryId};
use domain::page::PageQuery;
use domain::repository::{
    BindRepository, ConfirmReplaced, NewRepository, SetCredentials, SetHostCredentials, UpdateRepository,
};
use proto::v1;
use proto::v1::repository_service_server::RepositoryService;
use tonic::{Request, Response, Status};

use super::{Api, input, page_headers, refuse};

#[tonic::async_trait]
impl RepositoryService for Api {
    async fn list_repositories(
        &self,
        request: Request<v1::ListRepositoriesRequest>,
    ) -> Result<Response<v1::ListRepositoriesResponse>, Status> {
        let (caller, query) = input::<PageQuery, _>(request)?;
        let page = self
            .app
            .list_repositories(&caller, query)
            .await
            .map_err(refuse(&caller))?;
        let message = v1::ListRepositoriesResponse {
            repositories: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_token,
            total_count: page.total,
        };
        let (token, total) = (message.next_page_token.clone(), message.total_count);
        let mut response = Response::new(message);
        page_headers(response.metadata_mut(), &token, total);
        Ok(response)
    }

    async fn get_repository(
        &self,
        request: Request<v1::GetRepositoryRequest>,
    ) -> Result<Response<v1::Repository>, Status> {
        let (caller, id) = input::<RepositoryId, _>(request)?;
        let view = self.app.get_repository(&caller, id).await.map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn create_repository(
        &self,
        request: Request<v1::CreateRepositoryRequest>,
    ) -> Result<Response<v1::Repository>, Status> {
        let (caller, new) = input::<NewRepository, _>(request)?;
        let view = self
            .app
            .create_repository(&caller, new)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn update_repository(
        &self,
        request: Request<v1::UpdateRepositoryRequest>,
    ) -> Result<Response<v1::Repository>, Status> {
        let (caller, update) = input::<UpdateRepository, _>(request)?;
        let view = self
            .app
            .update_repository(&caller, update)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn delete_repository(
        &self,
        request: Request<v1::DeleteRepositoryRequest>,
    ) -> Result<Response<v1::DeleteRepositoryResponse>, Status> {
        let (caller, id) = input::<RepositoryId, _>(request)?;
        self.app.delete_repository(&caller, id).await.map_err(refuse(&caller))?;
        Ok(Response::new(v1::DeleteRepositoryResponse {}))
    }

    async fn set_credentials(
        &self,
        request: Request<v1::SetCredentialsRequest>,
    ) -> Result<Response<v1::Repository>, Status> {
        let (caller, set) = input::<SetCredentials, _>(request)?;
        let view = self.app.set_credentials(&caller, set).await.map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn set_admin_credentials(
        &self,
        request: Request<v1::SetAdminCredentialsRequest>,
    ) -> Result<Response<v1::Repository>, Status> {
        let (caller, set) = input::<SetCredentials, _>(request)?;
        let view = self
            .app
            .set_admin_credentials(&caller, set)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn delete_admin_credentials(
        &self,
        request: Request<v1::DeleteAdminCredentialsRequest>,
    ) -> Result<Response<v1::Repository>, Status> {
        let (caller, id) = input::<RepositoryId, _>(request)?;
        let view = self
            .app
            .delete_admin_credentials(&caller, id)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn confirm_replaced(
        &self,
        request: Request<v1::ConfirmReplacedRequest>,
    ) -> Result<Response<v1::Repository>, Status> {
        let (caller, confirm) = input::<ConfirmReplaced, _>(request)?;
        let view = self
            .app
            .confirm_replaced(&caller, confirm)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn get_repository_stats(
        &self,
        request: Request<v1::GetRepositoryStatsRequest>,
    ) -> Result<Response<v1::RepositoryStats>, Status> {
        let (caller, id) = input::<RepositoryId, _>(request)?;
        let view = self
            .app
            .get_repository_stats(&caller, id)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn get_host_credentials(
        &self,
        request: Request<v1::GetHostCredentialsRequest>,
    ) -> Result<Response<v1::HostCredentials>, Status> {
        let (caller, host) = input::<HostId, _>(request)?;
        let view = self
            .app
            .get_host_credentials(&caller, host)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn set_host_credentials(
        &self,
        request: Request<v1::SetHostCredentialsRequest>,
    ) -> Result<Response<v1::HostCredentials>, Status> {
        let (caller, set) = input::<SetHostCredentials, _>(request)?;
        let view = self
            .app
            .set_host_credentials(&caller, set)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn bind_repository(&self, request: Request<v1::BindRepositoryRequest>) -> Result<Response<v1::Host>, Status> {
        let (caller, bind) = input::<BindRepository, _>(request)?;
        let view = self.app.bind_repository(&caller, bind).await.map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }
}
