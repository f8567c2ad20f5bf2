//! `EnrollmentService`, on both ports.

use domain::certificate::RenewExpired;
use domain::enrollment::Enroll;
use proto::agent::v1;
use proto::agent::v1::enrollment_service_server::EnrollmentService;
use tonic::{Request, Response, Status};

use super::{Api, caller, input, refuse};
use crate::version;

#[tonic::async_trait]
impl EnrollmentService for Api {
    async fn get_endpoint(&self, request: Request<v1::GetEndpointRequest>) -> Result<Response<v1::Endpoint>, Status> {
        let caller = caller(&request)?;
        let endpoint = self.app.agent_endpoint().map_err(refuse(&caller))?;
        Ok(Response::new(v1::Endpoint::new(
            endpoint,
            version::VERSION,
            version::PROTOCOL_MIN,
            version::PROTOCOL_MAX,
        )))
    }

    async fn enroll(&self, request: Request<v1::EnrollRequest>) -> Result<Response<v1::EnrollResponse>, Status> {
        let (caller, enroll) = input::<Enroll, _>(request)?;
        let enrolled = self.app.enroll(&caller, enroll).await.map_err(refuse(&caller))?;
        Ok(Response::new(enrolled.into()))
    }

    async fn renew_expired(
        &self,
        request: Request<v1::RenewExpiredRequest>,
    ) -> Result<Response<v1::EnrollResponse>, Status> {
        let (caller, wish) = input::<RenewExpired, _>(request)?;
        let enrolled = self.app.renew_expired(&caller, wish).await.map_err(refuse(&caller))?;
        Ok(Response::new(enrolled.into()))
    }
}
