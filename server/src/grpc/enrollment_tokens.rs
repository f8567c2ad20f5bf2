//! `EnrollmentTokenService`.

use domain::enrollment::{TokenQuery, WantedToken};
use domain::id::EnrollmentTokenId;
use domain::page::Page;
use proto::v1;
use proto::v1::enrollment_token_service_server::EnrollmentTokenService;
use tonic::{Request, Response, Status};

use super::{Api, input, page_headers, refuse};

#[tonic::async_trait]
impl EnrollmentTokenService for Api {
    async fn create_enrollment_token(
        &self,
        request: Request<v1::CreateEnrollmentTokenRequest>,
    ) -> Result<Response<v1::CreatedEnrollmentToken>, Status> {
        let (caller, wanted) = input::<WantedToken, _>(request)?;
        let created = self
            .app
            .make_enrollment_token(&caller, wanted)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(created.into()))
    }

    async fn list_enrollment_tokens(
        &self,
        request: Request<v1::ListEnrollmentTokensRequest>,
    ) -> Result<Response<v1::ListEnrollmentTokensResponse>, Status> {
        let (caller, query) = input::<TokenQuery, _>(request)?;
        let page = self
            .app
            .list_enrollment_tokens(&caller, query)
            .await
            .map_err(refuse(&caller))?;
        let Page {
            items,
            next_token,
            total,
        } = page;
        let mut response = Response::new(v1::ListEnrollmentTokensResponse {
            tokens: items.into_iter().map(Into::into).collect(),
            next_page_token: next_token.clone(),
            total_count: total,
        });
        page_headers(response.metadata_mut(), &next_token, total);
        Ok(response)
    }

    async fn revoke_enrollment_token(
        &self,
        request: Request<v1::RevokeEnrollmentTokenRequest>,
    ) -> Result<Response<v1::RevokeEnrollmentTokenResponse>, Status> {
        let (caller, id) = input::<EnrollmentTokenId, _>(request)?;
        self.app
            .revoke_enrollment_token(&caller, id)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(v1::RevokeEnrollmentTokenResponse {}))
    }
}
