//! The few routes that no RPC can make, in one table: it mounts them and describes them in the OpenAPI document.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::downloads;
use super::help;
use super::log_file;
use super::openapi;
use crate::app::{App, InstallFile, Platform};
use crate::grpc::authorize::ACCESS;

/// A route that no RPC can make.
pub(super) struct HandRoute {
    path: &'static str,
    /// The method of the contract whose access rule holds here too; `None` for what everybody may read.
    rpc: Option<&'static str>,
    summary: &'static str,
    media_type: Option<&'static str>,
    status: u16,
    parameters: &'static [Parameter],
    handler: fn() -> MethodRouter<App>,
}

/// What a request may choose.
struct Parameter {
    name: &'static str,
    /// `path` or `query`.
    place: &'static str,
    /// What it may be; empty for any text.
    values: fn() -> Vec<&'static str>,
}

/// The job whose log is wanted.
const JOB: &[Parameter] = &[Parameter {
    name: "id",
    place: "path",
    values: Vec::new,
}];

/// The system that an agent is for.
const PLATFORM: &[Parameter] = &[
    Parameter {
        name: "os",
        place: "query",
        values: || Platform::SYSTEMS.to_vec(),
    },
    Parameter {
        name: "arch",
        place: "query",
        values: || Platform::PROCESSORS.to_vec(),
    },
];

/// All of them.
pub(super) const HAND_ROUTES: &[HandRoute] = &[
    HandRoute {
        path: "/healthz",
        rpc: None,
        summary: "Answers as long as the process is alive",
        media_type: None,
        status: 204,
        parameters: &[],
        handler: || routing::get(|| async { StatusCode::NO_CONTENT }),
    },
    HandRoute {
        path: "/readyz",
        rpc: None,
        summary: "Answers 200 when every check passes, else 503, with the checks by name",
        media_type: Some("application/json"),
        status: 200,
        parameters: &[],
        handler: || routing::get(ready),
    },
    HandRoute {
        path: "/api/openapi.json",
        rpc: None,
        summary: "This document",
        media_type: Some("application/json"),
        status: 200,
        parameters: &[],
        handler: || {
            routing::get(|| async { ([(header::CONTENT_TYPE, "application/json")], openapi::DOCUMENT.as_str()) })
        },
    },
    HandRoute {
        path: "/help/errors",
        rpc: None,
        summary: "The catalogue of error codes as a page",
        media_type: Some("text/html"),
        status: 200,
        parameters: &[],
        handler: || routing::get(help::errors),
    },
    HandRoute {
        path: "/install/{file}",
        rpc: None,
        summary: "A file that installs the agent on a host",
        media_type: Some("text/plain"),
        status: 200,
        parameters: &[Parameter {
            name: "file",
            place: "path",
            values: || InstallFile::ALL.iter().map(|file| file.name).collect(),
        }],
        handler: || routing::get(downloads::install_file),
    },
    HandRoute {
        path: "/agent/binary",
        rpc: None,
        summary: "The agent's program for a system, with its SHA-256 in `x-checksum-sha256`",
        media_type: Some("application/octet-stream"),
        status: 200,
        parameters: PLATFORM,
        handler: || routing::get(downloads::agent_binary),
    },
    HandRoute {
        path: "/agent/binary.sha256",
        rpc: None,
        summary: "The SHA-256 of the agent's program for a system, as `sha256sum` writes it",
        media_type: Some("text/plain"),
        status: 200,
        parameters: PLATFORM,
        handler: || routing::get(downloads::agent_checksum),
    },
    HandRoute {
        path: "/api/jobs/{id}/log.txt",
        rpc: Some(log_file::RPC),
        summary: "The whole log of a job as a text file: each line with its time and stream, and a line for what is \
                  missing. At any time; while the job is at work, the log so far and a last line that says so",
        media_type: Some("text/plain"),
        status: 200,
        parameters: JOB,
        handler: || routing::get(log_file::text),
    },
    HandRoute {
        path: "/api/jobs/{id}/log.ndjson",
        rpc: Some(log_file::RPC),
        summary: "The whole log of a job as JSON lines: a line of the log each, `{\"gap\": {\"from_seq\", \"lines\"}}` for what \
                  is missing, and `{\"end\": {\"status\", \"log_lines\", \"complete\"}}` as the last one. At any time",
        media_type: Some("application/x-ndjson"),
        status: 200,
        parameters: JOB,
        handler: || routing::get(log_file::ndjson),
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
        let mut operation =
            json!({"summary": self.summary, "tags": ["Server"], "security": [], "responses": responses});
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.iter().map(Parameter::describe).collect();
            operation["responses"]["default"] = openapi::refusal();
        }
        if let Some(access) = self.rpc.and_then(|rpc| ACCESS.get(rpc)) {
            openapi::describe_access(access, &mut operation);
        }
        paths.insert(self.path.to_owned(), json!({"get": operation}));
    }
}

impl Parameter {
    fn describe(&self) -> Value {
        let values = (self.values)();
        let schema = if values.is_empty() {
            json!({"type": "string"})
        } else {
            json!({"type": "string", "enum": values})
        };
        json!({"name": self.name, "in": self.place, "required": true, "schema": schema})
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
