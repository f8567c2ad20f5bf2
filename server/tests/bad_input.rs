//! Bad input for every field of every route and method, made from the descriptors: the answer names the field, nothing
//! changes, and it is never a fault of the server.

mod support;

use domain::Role;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value as Proto};
use serde_json::{Value, json};
use server::gateway::routes::{ROUTES, Route};
use server::grpc::authorize::{POOL, path};
use support::rest::{Answer, Client, send};
use support::{As, TestServer};
use tonic::Code;

const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_type_is_refused_by_the_name_of_its_field() {
    let server = TestServer::start().await;
    let before = audit_count(&server).await;
    let mut cases = 0;

    for route in ROUTES.iter() {
        for field in route.input.fields().filter(|field| !is_in_path(route, field)) {
            let Some(wrong) = wrong_type(&field) else { continue };
            let Some(answer) = with_field(&server, route, &field, wrong.clone()).await else {
                continue;
            };

            assert_eq!(
                answer.code(),
                "invalid_argument",
                "{} {} {wrong}: {answer:?}",
                route.template,
                field.name()
            );
            assert_names(&answer, field.name());
            cases += 1;
        }
    }
    assert!(cases > 20, "only {cases} cases were made");
    assert_eq!(
        audit_count(&server).await,
        before,
        "a refused request changed something"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_refused_by_its_name() {
    let server = TestServer::start().await;

    for route in ROUTES.iter() {
        let client = server.rest(As::User(Role::Admin)).await;
        let request = client.request(route.verb.clone(), &filled(route));
        let request = if route.has_body {
            request.body(r#"{"no_such_field": 1}"#)
        } else {
            request.query(&[("no_such_field", "1")])
        };

        let answer = send(request).await;

        assert_eq!(answer.code(), "invalid_argument", "{}: {answer:?}", route.template);
        assert_names(&answer, "no_such_field");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_object_is_invalid_json() {
    let server = TestServer::start().await;

    for route in ROUTES.iter().filter(|route| route.has_body) {
        for body in ["{", "[1", "[]", "null", "\"x\"", "{\"a\":}", "\u{0}"] {
            let client = server.rest(As::User(Role::Admin)).await;

            let answer = send(client.request(route.verb.clone(), &filled(route)).body(body)).await;

            assert_eq!(answer.code(), "invalid_json", "{} {body}: {answer:?}", route.template);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_in_the_path_is_refused_by_the_name_of_its_field() {
    let server = TestServer::start().await;

    for route in ROUTES.iter() {
        for field in route.path_fields() {
            for nonsense in ["%00", "a%00b", "%0a", "%ff"] {
                let client = server.rest(As::User(Role::Admin)).await;
                let path = route
                    .template
                    .replace(&format!("{{{field}}}"), nonsense)
                    .replace("{id}", UNKNOWN);
                let request = client.request(route.verb.clone(), &path);

                let answer = send(if route.has_body { request.body("{}") } else { request }).await;

                assert_eq!(answer.code(), "invalid_argument", "{path}: {answer:?}");
                assert_names(&answer, field);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_holds_no_id_is_refused_by_the_name_of_its_field() {
    let server = TestServer::start().await;

    for route in ROUTES.iter() {
        for field in route.path_fields() {
            let client = server.rest(As::User(Role::Admin)).await;
            let path = route.template.replace(&format!("{{{field}}}"), "..;drop");
            let request = client.request(route.verb.clone(), &path);

            let answer = send(if route.has_body { request.body("{}") } else { request }).await;

            assert_eq!(answer.code(), "invalid_argument", "{path}: {answer:?}");
            assert_names(&answer, field);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_never_a_fault_of_the_server() {
    let server = TestServer::start().await;

    for route in ROUTES.iter() {
        for field in route.input.fields().filter(|field| !is_in_path(route, field)) {
            for text in hostile_texts() {
                let value = match (field.kind(), field.is_list(), field.is_map()) {
                    (Kind::String, false, false) => json!(text),
                    (Kind::String, true, false) => json!([text]),
                    (_, _, true) => json!({ text.clone(): text }),
                    _ => continue,
                };

                let Some(answer) = with_field(&server, route, &field, value).await else {
                    continue;
                };

                assert!(
                    answer.status.as_u16() < 500,
                    "{} {}: {answer:?}",
                    route.template,
                    field.name()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_messages_are_never_a_fault_of_the_server_over_grpc() {
    let server = TestServer::start().await;

    for method in POOL
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        if method.parent_service().package_name() != "restic_manager.v1" {
            continue;
        }
        for message in hostile_messages(&method.input()) {
            let client = server.grpc(As::User(Role::Admin)).await;

            let result = client.call(&path(&method), message).await;

            let fault = matches!(&result, Err(status) if matches!(status.code(), Code::Internal | Code::Unknown));
            assert!(!fault, "{}: {result:?}", method.full_name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_too_large() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;
    let body = json!({"username": "a".repeat(1024 * 1024), "password": "x"}).to_string();

    let answer = send(client.request(reqwest::Method::POST, "/api/auth/login").body(body)).await;

    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (413, "payload_too_large")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_says_so() {
    let server = TestServer::start().await;
    let client = server.rest(As::User(Role::Admin)).await;

    let nothing = client.get("/api/nothing").await;
    let wrong_verb = send(client.request(reqwest::Method::DELETE, "/api/version")).await;

    assert_eq!((nothing.status.as_u16(), nothing.code().as_str()), (404, "not_found"));
    assert_eq!(
        (wrong_verb.status.as_u16(), wrong_verb.code().as_str()),
        (405, "method_not_allowed")
    );
    assert_eq!(wrong_verb.headers["allow"], "GET");
}

/// Calls a route as an admin with one field set. `None` when the field cannot be sent this way: a query has text only.
async fn with_field(server: &TestServer, route: &Route, field: &FieldDescriptor, value: Value) -> Option<Answer> {
    let client: Client = server.rest(As::User(Role::Admin)).await;
    let request = client.request(route.verb.clone(), &filled(route));
    if route.has_body {
        return Some(send(request.body(json!({ field.name(): value }).to_string())).await);
    }
    let text = match (field.kind(), value) {
        (_, Value::String(text)) => text,
        (Kind::String, _) | (_, Value::Array(_) | Value::Object(_) | Value::Null) => return None,
        (_, other) => other.to_string(),
    };
    if route.access.streaming {
        return None;
    }
    // What is longer does not fit into a request line.
    let text: String = text.chars().take(20_000).collect();
    Some(send(request.query(&[(field.name(), text)])).await)
}

fn assert_names(answer: &Answer, field: &str) {
    let body = answer.json();
    let named = body["errors"][0]["field"].as_str().unwrap_or_default();
    assert!(
        named == field || named.starts_with(&format!("{field}[")) || named.starts_with(&format!("{field}.")),
        "{answer:?}"
    );
    assert!(
        body["errors"][0]["message"]
            .as_str()
            .is_some_and(|message| message.len() > 5),
        "{answer:?}"
    );
}

fn wrong_type(field: &FieldDescriptor) -> Option<Value> {
    Some(match field.kind() {
        _ if field.is_map() => json!(["x"]),
        Kind::String if field.is_list() => json!([7]),
        Kind::String => json!(7),
        Kind::Bool => json!("maybe"),
        Kind::Enum(_) => json!("no_such_value"),
        Kind::Int32 | Kind::Uint32 | Kind::Uint64 | Kind::Int64 | Kind::Double => json!("many"),
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => json!("yesterday"),
        Kind::Message(_) => json!("x"),
        Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64
        | Kind::Float
        | Kind::Bytes => return None,
    })
}

fn hostile_texts() -> Vec<String> {
    vec![
        "\u{0}".to_owned(),
        "a\u{7}b\u{202e}".to_owned(),
        "x".repeat(100_000),
        "'; DROP TABLE users; --".to_owned(),
        "<script>alert(1)</script>".to_owned(),
        "../../etc/passwd".to_owned(),
        "--password-command=id".to_owned(),
        "\u{fffd}\u{10ffff}".to_owned(),
    ]
}

fn hostile_messages(input: &MessageDescriptor) -> Vec<Vec<u8>> {
    let mut messages = vec![Vec::new()];
    for field in input.fields() {
        let values: Vec<Proto> = match field.kind() {
            Kind::String => hostile_texts().into_iter().map(Proto::String).collect(),
            Kind::Int32 => vec![Proto::I32(i32::MIN), Proto::I32(i32::MAX)],
            Kind::Uint32 => vec![Proto::U32(u32::MAX)],
            Kind::Uint64 => vec![Proto::U64(u64::MAX)],
            Kind::Enum(_) => vec![Proto::EnumNumber(-1), Proto::EnumNumber(9999)],
            Kind::Double
            | Kind::Float
            | Kind::Int64
            | Kind::Sint32
            | Kind::Sint64
            | Kind::Fixed32
            | Kind::Fixed64
            | Kind::Sfixed32
            | Kind::Sfixed64
            | Kind::Bool
            | Kind::Bytes
            | Kind::Message(_) => continue,
        };
        for value in values {
            let mut message = DynamicMessage::new(input.clone());
            let value = if field.is_list() {
                Proto::List(vec![value])
            } else {
                value
            };
            if field.is_map() || message.try_set_field(&field, value).is_err() {
                continue;
            }
            messages.push(message.encode_to_vec());
        }
    }
    messages
}

fn is_in_path(route: &Route, field: &FieldDescriptor) -> bool {
    route.path_fields().any(|name| name == field.name())
}

fn filled(route: &Route) -> String {
    route.template.replace("{id}", UNKNOWN).replace("{host_id}", UNKNOWN)
}

async fn audit_count(server: &TestServer) -> String {
    let client = server.rest(As::User(Role::Admin)).await;
    let page = client.get("/api/audit?action=auth.*&page_size=1").await;
    let all = client.get("/api/audit?page_size=1").await;
    // Signing in for the cases is recorded too, so those entries are taken off.
    let count = |answer: &Answer| -> i64 {
        let header = answer.headers["x-total-count"].to_str().expect("the header is ours");
        header.parse().expect("the header is a number")
    };
    (count(&all) - count(&page)).to_string()
}
