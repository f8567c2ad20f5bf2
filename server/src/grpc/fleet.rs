//! `FleetService`.

use proto::v1;
use proto::v1::fleet_service_server::FleetService;
use tonic::{Request, Response, Status};

use super::{Api, caller, refuse};

#[tonic::async_trait]
impl FleetService for Api {
    async fn get_fleet_summary(
        &self,
        request: Request<v1::GetFleetSummaryRequest>,
    ) -> Result<Response<v1::FleetSummary>, Status> {
        let caller = caller(&request)?;
        let summary = self.app.fleet_summary(&caller).await.map_err(refuse(&caller))?;
        Ok(Response::new(summary.into()))
    }

    async fn list_attention(
        &self,
        request: Request<v1::ListAttentionRequest>,
    ) -> Result<Response<v1::ListAttentionResponse>, Status> {
        let caller = caller(&request)?;
        let list = self.app.attention(&caller).await.map_err(refuse(&caller))?;
        Ok(Response::new(list.into()))
    }
}
