//! The services of the contract, one file each, and what they share: the door, the error table, the metadata.
//!
//! A method is five steps: who calls, convert, one call of [`App`], convert back, answer. It has no `if` of its own.
//! The same guarded object is mounted for gRPC, gRPC-web and REST.

pub mod authorize;
pub mod connection;
pub mod log_chunk;
pub mod metadata;
pub mod once;
pub mod status;

mod agent;
mod agent_port;
mod audit;
mod auth;
mod cookies;
mod enrollment;
mod enrollment_tokens;
mod events;
mod fleet;
mod hosts;
mod jobs;
mod repositories;
mod snapshots;
mod stream;
mod system;

use domain::id::RequestId;
use proto::agent::v1::__rest_over_grpc_bridge_EnrollmentService::EnrollmentServiceRestBridge;
use proto::convert::Invalid;
use proto::door::Guarded;
use proto::v1::__rest_over_grpc_bridge_AuditService::AuditServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_AuthService::AuthServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_EnrollmentTokenService::EnrollmentTokenServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_EventService::EventServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_FleetService::FleetServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_HostService::HostServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_JobService::JobServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_RepositoryService::RepositoryServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_SnapshotService::SnapshotServiceRestBridge;
use proto::v1::__rest_over_grpc_bridge_SystemService::SystemServiceRestBridge;
use proto::v1::audit_service_server::AuditServiceServer;
use proto::v1::auth_service_server::AuthServiceServer;
use proto::v1::enrollment_token_service_server::EnrollmentTokenServiceServer;
use proto::v1::event_service_server::EventServiceServer;
use proto::v1::fleet_service_server::FleetServiceServer;
use proto::v1::host_service_server::HostServiceServer;
use proto::v1::job_service_server::JobServiceServer;
use proto::v1::repository_service_server::RepositoryServiceServer;
use proto::v1::snapshot_service_server::SnapshotServiceServer;
use proto::v1::system_service_server::SystemServiceServer;
use rest_over_grpc::transcoding::Transcode;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::service::Routes;
use tonic::{Request, Status};

pub use self::agent_port::agent_services;
use self::authorize::Gate;
use crate::app::{App, Caller, Error};

/// Largest message that an operator's client may send.
const MESSAGE_LIMIT: usize = 1024 * 1024;

/// All services, before the door.
#[derive(Clone)]
struct Api {
    app: App,
}

fn guarded(app: &App, gate: &Gate) -> Guarded<Api, Gate> {
    Guarded {
        service: Api { app: app.clone() },
        door: gate.clone(),
    }
}

/// What answers gRPC on the web port: the operators' services, reflection and health.
pub fn web_services(app: &App, gate: &Gate) -> Routes {
    let guarded = guarded(app, gate);
    let mut routes = Routes::builder();
    routes
        .add_service(AuditServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(AuthServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(EnrollmentTokenServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(EventServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(FleetServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(HostServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(JobServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(RepositoryServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(SnapshotServiceServer::new(guarded.clone()).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(SystemServiceServer::new(guarded).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(tonic_health::server::health_reporter().1)
        // Python's client still asks for the older version.
        .add_service(
            reflection()
                .build_v1()
                .expect("the descriptors were encoded by the build of this very binary"),
        )
        .add_service(
            reflection()
                .build_v1alpha()
                .expect("the descriptors were encoded by the build of this very binary"),
        );
    routes.routes()
}

/// Lets browsers call what answers gRPC.
pub fn web_layer() -> tonic_web::GrpcWebLayer {
    tonic_web::GrpcWebLayer::new()
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(proto::DESCRIPTORS)
}

/// What answers REST: the same services behind the generated transcoder.
pub fn transcoder(app: &App, gate: &Gate) -> impl Transcode + Send + 'static {
    let guarded = guarded(app, gate);
    proto::rest::Transcoder::new(
        AuditServiceRestBridge::externally_authenticated(guarded.clone()),
        AuthServiceRestBridge::externally_authenticated(guarded.clone()),
        EnrollmentTokenServiceRestBridge::externally_authenticated(guarded.clone()),
        HostServiceRestBridge::externally_authenticated(guarded.clone()),
        RepositoryServiceRestBridge::externally_authenticated(guarded.clone()),
        JobServiceRestBridge::externally_authenticated(guarded.clone()),
        EventServiceRestBridge::externally_authenticated(guarded.clone()),
        FleetServiceRestBridge::externally_authenticated(guarded.clone()),
        SnapshotServiceRestBridge::externally_authenticated(guarded.clone()),
        SystemServiceRestBridge::externally_authenticated(guarded.clone()),
        EnrollmentServiceRestBridge::externally_authenticated(guarded),
    )
}

/// Steps one and two of every method: who calls, and what they want.
fn input<D, M>(request: Request<M>) -> Result<(Caller, D), Status>
where
    D: TryFrom<M, Error = Invalid>,
{
    let caller = caller(&request)?;
    let wanted =
        D::try_from(request.into_inner()).map_err(|invalid| status::invalid(&invalid, caller.origin.request))?;
    Ok((caller, wanted))
}

/// Who calls, as the door found out.
fn caller<M>(request: &Request<M>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| Status::internal("the service was mounted without its door"))
}

/// Writes an error of the app for the caller.
fn refuse(caller: &Caller) -> impl Fn(Error) -> Status {
    let request: RequestId = caller.origin.request;
    move |error| status::status(&error, request)
}

/// Adds what a list says beside its rows: over gRPC it is in the message, over REST in these headers.
fn page_headers(metadata: &mut MetadataMap, next_page_token: &str, total_count: u64) {
    metadata.insert("x-total-count", AsciiMetadataValue::from(total_count));
    if let (false, Ok(token)) = (
        next_page_token.is_empty(),
        next_page_token.parse::<AsciiMetadataValue>(),
    ) {
        metadata.insert("x-next-page-token", token);
    }
}
