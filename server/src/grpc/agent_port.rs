//! What answers on the agent port: the services of agents, and health.

use proto::agent::v1::agent_service_server::AgentServiceServer;
use proto::agent::v1::enrollment_service_server::EnrollmentServiceServer;
use tonic::service::Routes;

use super::authorize::Gate;
use super::guarded;
use crate::app::App;

/// Largest message of somebody who is no agent yet.
const ENROLLMENT_LIMIT: usize = 64 * 1024;

/// All that the agent port serves. Operators' services do not exist there.
pub fn agent_services(app: &App, gate: &Gate) -> Routes {
    let guarded = guarded(app, gate);
    let message = app.settings().limits.message;
    let mut routes = Routes::builder();
    routes
        .add_service(AgentServiceServer::new(guarded.clone()).max_decoding_message_size(message))
        .add_service(EnrollmentServiceServer::new(guarded).max_decoding_message_size(ENROLLMENT_LIMIT))
        .add_service(tonic_health::server::health_reporter().1);
    routes.routes()
}
