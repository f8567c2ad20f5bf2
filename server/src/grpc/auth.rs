//! `AuthService`.

use domain::sign_in::{Bootstrap, ChangePassword, Login};
use proto::v1;
use proto::v1::auth_service_server::AuthService;
use tonic::{Request, Response, Status};

use super::{Api, caller, cookies, input, refuse};
use crate::app::SignedIn;

#[tonic::async_trait]
impl AuthService for Api {
    async fn get_bootstrap_status(
        &self,
        request: Request<v1::GetBootstrapStatusRequest>,
    ) -> Result<Response<v1::BootstrapStatus>, Status> {
        let caller = caller(&request)?;
        let required = self.app.bootstrap_required().await.map_err(refuse(&caller))?;
        Ok(Response::new(v1::BootstrapStatus { required }))
    }

    async fn bootstrap(&self, request: Request<v1::BootstrapRequest>) -> Result<Response<v1::SignedIn>, Status> {
        let (caller, bootstrap) = input::<Bootstrap, _>(request)?;
        let signed_in = self.app.bootstrap(&caller, bootstrap).await.map_err(refuse(&caller))?;
        Ok(self.with_cookie(&signed_in))
    }

    async fn login(&self, request: Request<v1::LoginRequest>) -> Result<Response<v1::SignedIn>, Status> {
        let (caller, login) = input::<Login, _>(request)?;
        let signed_in = self.app.login(&caller, login).await.map_err(refuse(&caller))?;
        Ok(self.with_cookie(&signed_in))
    }

    async fn logout(&self, request: Request<v1::LogoutRequest>) -> Result<Response<v1::LogoutResponse>, Status> {
        let caller = caller(&request)?;
        self.app.logout(&caller).await.map_err(refuse(&caller))?;
        let mut response = Response::new(v1::LogoutResponse {});
        cookies::clear(response.metadata_mut(), self.app.settings().cookie_is_secure());
        Ok(response)
    }

    async fn get_session(&self, request: Request<v1::GetSessionRequest>) -> Result<Response<v1::LoginSession>, Status> {
        let caller = caller(&request)?;
        let user = self.app.signed_in_user(&caller).map_err(refuse(&caller))?;
        Ok(Response::new(v1::LoginSession {
            user_id: user.id.to_string(),
            username: user.name.clone(),
            role: v1::Role::from(user.role).into(),
            expires_at: Some(proto::convert::to_timestamp(user.expires_at)),
        }))
    }

    async fn change_password(
        &self,
        request: Request<v1::ChangePasswordRequest>,
    ) -> Result<Response<v1::ChangePasswordResponse>, Status> {
        let (caller, change) = input::<ChangePassword, _>(request)?;
        self.app
            .change_password(&caller, change)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(v1::ChangePasswordResponse {}))
    }
}

impl Api {
    fn with_cookie(&self, signed_in: &SignedIn) -> Response<v1::SignedIn> {
        let settings = self.app.settings();
        let mut response = Response::new(v1::SignedIn {
            user_id: signed_in.user.to_string(),
            role: v1::Role::from(signed_in.role).into(),
        });
        let secure = settings.cookie_is_secure();
        cookies::set(response.metadata_mut(), &signed_in.token, settings.session_ttl, secure);
        response
    }
}
