//! The OpenAPI document: what the generator made of the contract, rewritten so that it says what the wire says.
//!
//! The generator writes camelCase names, long enum values and its own error body; the wire has snake_case, short values
//! and [`super::problem`]. Comments of the contract become descriptions, and the `access` option becomes security.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use heck::{ToShoutySnakeCase as _, ToSnakeCase as _};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use serde_json::{Map, Value, json};

use super::hand_routes::HAND_ROUTES;
use super::routes::{ROUTES, Route};
use crate::grpc::authorize::{Access, POOL, Requirement};
use crate::grpc::once;

/// The document, as it is served and committed.
pub static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).expect("a JSON value always serialises");
    text.push('\n');
    text
});

fn document() -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for part in proto::OPENAPI {
        let part: Value = serde_json::from_str(part).expect("the build of this very binary wrote it");
        merge(&mut schemas, &part["components"]["schemas"]);
        merge(&mut paths, &part["paths"]);
    }
    schemas.remove("google.rpc.Status");
    for (name, schema) in &mut schemas {
        rewrite_schema(name, schema);
    }
    schemas.insert("Problem".to_owned(), problem_schema());
    let comments = comments(&POOL);
    for route in ROUTES.iter() {
        rewrite_operation(route, &mut paths, &comments);
    }
    for hand in HAND_ROUTES {
        hand.describe(&mut paths);
    }
    describe_schemas(&mut schemas, &comments);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "restic-manager",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
            "description": "The API of restic-manager. The same methods are served as gRPC and gRPC-web.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "rm_session"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    })
}

/// What every answer that is not a success looks like.
pub(super) fn refusal() -> Value {
    json!({
        "description": "A refusal. `code` is stable; the catalogue lists all codes.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}

fn merge(into: &mut Map<String, Value>, from: &Value) {
    if let Value::Object(from) = from {
        into.extend(from.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

fn rewrite_schema(name: &str, schema: &mut Value) {
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        let prefix = format!("{}_", name.rsplit('.').next().unwrap_or(name).to_shouty_snake_case());
        for value in values.iter_mut() {
            let long = value.as_str().unwrap_or_default();
            *value = Value::String(long.strip_prefix(&prefix).unwrap_or(long).to_ascii_lowercase());
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let renamed = std::mem::take(properties)
            .into_iter()
            .map(|(name, value)| (name.to_snake_case(), value))
            .collect();
        *properties = renamed;
        // An answer may grow, but a request with an unknown field is refused.
        if name.ends_with("Request") {
            schema["additionalProperties"] = Value::Bool(false);
        }
    }
}

fn rewrite_operation(route: &Route, paths: &mut Map<String, Value>, comments: &BTreeMap<String, String>) {
    let verb = route.verb.as_str().to_ascii_lowercase();
    // The generator may have given path fields camelCase names.
    let found = paths
        .keys()
        .find(|path| path.to_snake_case_path() == route.template)
        .cloned();
    let Some(mut item) = found.and_then(|path| paths.remove(&path)) else {
        return;
    };
    if let Some(operation) = item.get_mut(&verb) {
        rename_parameters(operation);
        let comment =
            method(&route.rpc).map_or("", |method| comments.get(method.full_name()).map_or("", String::as_str));
        operation["summary"] = json!(comment.split(". ").next().unwrap_or_default().trim_end_matches('.'));
        operation["description"] = json!(comment);
        operation["tags"] = json!([route.rpc.split(['/', '.']).rev().nth(1).unwrap_or_default()]);
        describe_access(route.access, operation);
        if route.input.get_field_by_name(once::REQUEST_ID).is_some() {
            describe_key(operation);
        }
        if route.access.streaming {
            let schema = operation["responses"]["200"]["content"]["application/json"]["schema"].take();
            operation["responses"]["200"] = json!({
                "description": "Server-sent events named after what is set in each message; NDJSON or a JSON array by `accept`.",
                "content": {
                    "text/event-stream": {"schema": {"type": "string"}},
                    "application/x-ndjson": {"schema": schema["items"]},
                    "application/json": {"schema": schema},
                },
            });
        }
        if let Some(body) = operation.get_mut("requestBody") {
            // An empty body counts as `{}`.
            body["required"] = Value::Bool(false);
        }
    }
    paths.insert(route.template.clone(), item);
}

/// Says who may call an operation, and how it refuses.
pub(super) fn describe_access(access: &Access, operation: &mut Value) {
    operation["security"] = match access.requirement {
        Some(Requirement::Anonymous) => json!([]),
        Some(Requirement::Role(_) | Requirement::Agent) | None => json!([{"session": []}, {"bearer": []}]),
    };
    if let Some(Requirement::Role(role)) = access.requirement {
        operation["x-role"] = json!(role.as_str());
    }
    operation["responses"]["default"] = refusal();
}

/// Adds the header that does what the field `request_id` of the body does.
fn describe_key(operation: &mut Value) {
    let header = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "schema": {"type": "string", "format": "uuid"},
        "description": "The same as `request_id`: a UUID of the caller's choosing. Within 24 hours a repeated request is \
                        answered like the first one, with the header `idempotency-replayed: true`, and changes nothing.",
    });
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    parameters.push(header);
    operation["parameters"] = Value::Array(parameters);
}

fn rename_parameters(operation: &mut Value) {
    let Some(Value::Array(parameters)) = operation.get_mut("parameters") else {
        return;
    };
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default().to_snake_case();
        parameter["name"] = Value::String(name);
    }
}

fn method(rpc: &str) -> Option<MethodDescriptor> {
    let (service, method) = rpc.trim_start_matches('/').split_once('/')?;
    POOL.get_service_by_name(service)?
        .methods()
        .find(|candidate| candidate.name() == method)
}

/// The leading comment of every declaration of ours, by full name, as one paragraph.
fn comments(pool: &DescriptorPool) -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    for file in pool
        .file_descriptor_protos()
        .filter(|file| file.package().starts_with("restic_manager"))
    {
        let package = file.package();
        for location in file.source_code_info.iter().flat_map(|info| &info.location) {
            let Some(comment) = &location.leading_comments else {
                continue;
            };
            let name = match *location.path.as_slice() {
                [6, service, 2, method] => {
                    let service = &file.service[index(service)];
                    format!("{package}.{}.{}", service.name(), service.method[index(method)].name())
                }
                [4, message] => format!("{package}.{}", file.message_type[index(message)].name()),
                [4, message, 2, field] => {
                    let message = &file.message_type[index(message)];
                    format!("{package}.{}.{}", message.name(), message.field[index(field)].name())
                }
                [5, enumeration] => format!("{package}.{}", file.enum_type[index(enumeration)].name()),
                _ => continue,
            };
            comments.insert(name, comment.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    comments
}

fn index(position: i32) -> usize {
    usize::try_from(position).unwrap_or(0)
}

fn describe_schemas(schemas: &mut Map<String, Value>, comments: &BTreeMap<String, String>) {
    for (name, schema) in schemas {
        if let Some(comment) = comments.get(name) {
            schema["description"] = json!(comment);
        }
        let Some(Value::Object(properties)) = schema.get_mut("properties") else {
            continue;
        };
        for (field, property) in properties {
            if let (Some(comment), Value::Object(property)) = (comments.get(&format!("{name}.{field}")), property) {
                property.insert("description".to_owned(), json!(comment));
            }
        }
    }
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "The body of every answer that is not a success.",
        "required": ["code", "message", "title", "status", "detail", "errors", "request_id", "help_url"],
        "properties": {
            "code": {"type": "string", "enum": domain::ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>()},
            "message": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "reason", "message"],
                    "properties": {
                        "field": {"type": "string"},
                        "reason": {"type": "string"},
                        "message": {"type": "string"},
                    },
                },
            },
            "request_id": {"type": "string", "format": "uuid"},
            "retry_after_seconds": {"type": "integer"},
            "help_url": {"type": "string"},
        },
    })
}

trait SnakeCasePath {
    fn to_snake_case_path(&self) -> String;
}

impl SnakeCasePath for String {
    fn to_snake_case_path(&self) -> String {
        let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(field) => format!("{{{}}}", field.to_snake_case()),
            None => part.to_owned(),
        };
        self.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_with_its_security_and_errors() {
        let document = document();
        for route in ROUTES.iter() {
            let operation = &document["paths"][&route.template][route.verb.as_str().to_ascii_lowercase()];

            assert!(
                operation["description"].as_str().is_some_and(|text| text.len() > 20),
                "{}",
                route.template
            );
            assert!(operation["security"].is_array(), "{}", route.template);
            assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object());
        }
    }

    #[test]
    fn names_and_enum_values_are_those_of_the_wire() {
        let schemas = &document()["components"]["schemas"];

        assert_eq!(schemas["restic_manager.v1.Role"]["enum"][2], "viewer");
        assert!(schemas["restic_manager.v1.UpdateHostRequest"]["properties"]["limit_upload_kib_s"].is_object());
    }
}
