//! The web listener: one router over gRPC, gRPC-web, REST, server-sent events, the console and the few hand-made routes.
//!
//! It has no rules of its own. What a caller may do stands in the contract and is decided at the door
//! (`grpc/authorize.rs`); what is refused reads the same on all faces (`grpc/status.rs`).

mod check;
mod console;
mod csrf;
mod downloads;
mod hand_routes;
mod help;
mod log_file;
pub mod openapi;
mod problem;
mod rest;
pub mod routes;
mod security_headers;
mod sse;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use domain::ErrorCode;
use http::header;

pub use self::console::Console;
use self::problem::Problem;
use self::rest::Rest;
use crate::app::{App, Refusal};
use crate::grpc::authorize::Gate;
use crate::grpc::{self, metadata, status};

/// Builds what answers on the web port, with the console if there is one.
pub fn router(app: &App, gate: &Gate, console: Option<Console>) -> Router {
    let console = console.map(Arc::new);
    let rest = Rest::new(
        grpc::transcoder(app, gate),
        gate.clone(),
        app.settings().base_url.clone(),
    );
    let own_site = OwnSite {
        base_url: app.settings().base_url.clone(),
    };
    Router::new()
        .merge(hand_routes::router().with_state(app.clone()))
        .merge(
            grpc::web_services(app, gate)
                .into_axum_router()
                .layer(grpc::web_layer())
                .layer(middleware::from_fn(within_deadline)),
        )
        .fallback(move |request: Request| async move {
            if is_grpc(&request) {
                return status::unimplemented();
            }
            match console.as_ref().and_then(|console| console.answer(&request)) {
                Some(response) => response,
                None => rest.answer(request).await,
            }
        })
        .layer(middleware::from_fn_with_state(Arc::new(own_site), refuse_foreign))
        .layer(middleware::map_response(security_headers::add))
}

/// Ends a call over gRPC whose answer does not begin in time; the REST face has the same deadline.
async fn within_deadline(request: Request, next: Next) -> Response {
    let id = metadata::read_headers(request.headers()).origin.request;
    match tokio::time::timeout(rest::UNARY_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => status::http_response(&Refusal::of(ErrorCode::Timeout), id),
    }
}

/// Where the console is at home.
struct OwnSite {
    base_url: String,
}

/// Refuses what another site made a browser send, on every face.
async fn refuse_foreign(State(own): State<Arc<OwnSite>>, request: Request, next: Next) -> Response {
    let metadata = metadata::read_headers(request.headers());
    let secure = metadata.origin.secure;
    // A bearer is nothing that a browser sends by itself. Without one, signing in is guarded too: another site could sign
    // its visitor in as somebody else.
    let by_bearer = metadata.session.is_some() && !metadata.by_cookie;
    if by_bearer || !csrf::is_foreign(request.method(), request.headers(), secure, &own.base_url) {
        return next.run(request).await;
    }
    let id = metadata.origin.request;
    let refusal = Refusal::of(ErrorCode::CsrfRejected);
    if is_grpc(&request) {
        return status::http_response(&refusal, id);
    }
    let response = Problem::new(&refusal, id, &own.base_url).into_response();
    rest::with_request_id(response.map(Body::from), id)
}

fn is_grpc(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|media_type| media_type.as_bytes().starts_with(b"application/grpc"))
}
