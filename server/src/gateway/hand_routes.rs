//! The few routes that no RPC can make, in one table: it mounts them and describes them in the OpenAPI document.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::help;
use super::openapi;
use crate::app::App;

/// A route that no RPC can make.
pub(super) struct HandRoute {
    path: &'static str,
    summary: &'static str,
    media_type: Option<&'static str>,
    status: u16,
    handler: fn() -> MethodRouter<App>,
}

/// All of them.
pub(super) const HAND_ROUTES: &[HandRoute] = &[
    HandRoute {
        path: "/healthz",
        summary: "Answers as long as the process is alive",
        media_type: None,
        status: 204,
        handler: || routing::get(|| async { StatusCode::NO_CONTENT }),
    },
    HandRoute {
        path: "/readyz",
        summary: "Answers 200 when every check passes, else 503, with the checks by name",
        media_type: Some("application/json"),
        status: 200,
        handler: || routing::get(ready),
    },
    HandRoute {
        path: "/api/openapi.json",
        summary: "This document",
        media_type: Some("application/json"),
        status: 200,
        handler: || {
            routing::get(|| async { ([(header::CONTENT_TYPE, "application/json")], openapi::DOCUMENT.as_str()) })
        },
    },
    HandRoute {
        path: "/help/errors",
        summary: "The catalogue of error codes as a page",
        media_type: Some("text/html"),
        status: 200,
        handler: || routing::get(help::errors),
    },
];

impl HandRoute {
    /// Adds the route to the document's paths.
    pub(super) fn describe(&self, paths: &mut Map<String, Value>) {
        let mut response = json!({"description": self.summary});
        if let Some(media_type) = self.media_type {
            response["content"] = json!({media_type: {"schema": {}}});
        }
        let mut responses = Map::new();
        responses.insert(self.status.to_string(), response);
        if self.path == "/readyz" {
            let checks = json!({"application/json": {"schema": {}}});
            responses.insert(
                "503".to_owned(),
                json!({"description": "A check failed", "content": checks}),
            );
        }
        let operation =
            json!({"get": {"summary": self.summary, "tags": ["Server"], "security": [], "responses": responses}});
        paths.insert(self.path.to_owned(), operation);
    }
}

/// Mounts all of them.
pub(super) fn router() -> Router<App> {
    HAND_ROUTES.iter().fold(Router::new(), |router, route| {
        router.route(route.path, (route.handler)())
    })
}

async fn ready(State(app): State<App>) -> Response {
    let checks = app.readiness().await;
    let status = if checks.iter().all(|check| check.error.is_none()) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let checks: Map<String, Value> = checks
        .into_iter()
        .map(|check| {
            (
                check.name.to_owned(),
                json!(check.error.map_or_else(|| "ok".to_owned(), str::to_owned)),
            )
        })
        .collect();
    let body = json!({"checks": checks}).to_string();
    (
        status,
        [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        body,
    )
        .into_response()
}
