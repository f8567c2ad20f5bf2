//! Looks at path, query and body before the generated converter does, so that a refusal has a code and names its field
//! and the converter's own prose never reaches a client.

use domain::ErrorCode;
use heck::ToShoutySnakeCase as _;
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use super::routes::Route;
use crate::app::{Field, Refusal};

/// Longest list of parameters that a query may hold.
const MAX_QUERY_PARAMETERS: usize = 64;

/// Checks a request against the message it makes. An empty body counts as `{}`.
///
/// Errors: `invalid_json` when the body is not a JSON object, `invalid_argument` naming the field otherwise.
pub(super) fn check(route: &Route, path: &str, query: Option<&str>, body: &[u8]) -> Result<(), Refusal> {
    check_path(route, path)?;
    check_query(route, query.unwrap_or_default())?;
    if route.has_body {
        check_body(&route.input, body)
    } else {
        Ok(())
    }
}

fn check_path(route: &Route, path: &str) -> Result<(), Refusal> {
    for (field, raw) in route.path_values(path) {
        let text = decode(raw).ok_or_else(|| argument(field, "not percent-encoded UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(argument(field, "control characters are not allowed"));
        }
    }
    Ok(())
}

fn check_query(route: &Route, query: &str) -> Result<(), Refusal> {
    let mut object = Map::new();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    for (count, pair) in pairs.enumerate() {
        if count >= MAX_QUERY_PARAMETERS {
            return Err(argument("", "too many query parameters"));
        }
        let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode_query(raw_name).ok_or_else(|| argument("", "the query is not percent-encoded UTF-8"))?;
        let value = decode_query(raw_value).ok_or_else(|| argument(&name, "not percent-encoded UTF-8"))?;
        let known = queryable(route);
        if !known.contains(&name) {
            return Err(argument(&name, &unknown_field("query parameter", &known)));
        }
        insert(&route.input, &mut object, &name, value)?;
    }
    decode_message(&route.input, Value::Object(object))
}

/// The fields that a query may set: none where the body holds them all.
fn queryable(route: &Route) -> Vec<String> {
    if route.has_body {
        return Vec::new();
    }
    let in_path: Vec<&str> = route.path_fields().collect();
    let fields = route.input.fields().map(|field| field.name().to_owned());
    fields.filter(|name| !in_path.contains(&name.as_str())).collect()
}

/// Adds a parameter as the JSON value that its field would have in a body.
fn insert(input: &MessageDescriptor, object: &mut Map<String, Value>, name: &str, text: String) -> Result<(), Refusal> {
    let Some(field) = input.get_field_by_name(name) else {
        return Ok(());
    };
    let value = match (field.kind(), text.as_str()) {
        (Kind::Bool, "true") => Value::Bool(true),
        (Kind::Bool, "false") => Value::Bool(false),
        (Kind::Bool, _) => return Err(argument(name, "true or false is needed")),
        _ => Value::String(text),
    };
    if !field.is_list() {
        if object.insert(name.to_owned(), value).is_some() {
            return Err(argument(name, "given twice"));
        }
        return Ok(());
    }
    if let Value::Array(values) = object
        .entry(name.to_owned())
        .or_insert_with(|| Value::Array(Vec::new()))
    {
        values.push(value);
    }
    Ok(())
}

fn check_body(input: &MessageDescriptor, body: &[u8]) -> Result<(), Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let text = std::str::from_utf8(body).map_err(|_| json("the body is not UTF-8"))?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        json(&format!(
            "the body is not JSON: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let Value::Object(object) = &value else {
        return Err(json("the body is JSON, but not an object"));
    };
    let known: Vec<String> = input.fields().map(|field| field.name().to_owned()).collect();
    if let Some(unknown) = object.keys().find(|name| !known.contains(name)) {
        return Err(argument(unknown, &unknown_field("field", &known)));
    }
    decode_message(input, value)
}

/// Decodes as the converter would, but remembers where it stopped. What is wrong there, the kind of the field says: a
/// number that is too large, a name that no enum has, a time that is none.
fn decode_message(input: &MessageDescriptor, mut value: Value) -> Result<(), Refusal> {
    lengthen_enums(input, &mut value);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    if DynamicMessage::deserialize(input.clone(), tracked).is_ok() {
        return Ok(());
    }
    let path = track.path().to_string();
    let message = match expectation(input, &path) {
        words if words.is_empty() => "this value is not acceptable".to_owned(),
        words => words,
    };
    Err(argument(&path, &message))
}

/// The wire says `online` where the descriptors say `HOST_STATUS_ONLINE`. A long name is none on the wire.
fn lengthen_enums(message: &MessageDescriptor, value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        let Some(Kind::Enum(kind)) = message.get_field_by_name(name).map(|field| field.kind()) else {
            continue;
        };
        if let Value::String(short) = value {
            *short = format!("{}{}", prefix(&kind), short.to_ascii_uppercase());
        }
    }
}

fn prefix(kind: &EnumDescriptor) -> String {
    format!("{}_", kind.name().to_shouty_snake_case())
}

/// What the field at a path such as `args[3]` takes, in words.
fn expectation(input: &MessageDescriptor, path: &str) -> String {
    let mut message = input.clone();
    let mut words = String::new();
    for part in path.split('.') {
        let (name, indexed) = part.split_once('[').map_or((part, false), |(name, _)| (name, true));
        let Some(field) = message.get_field_by_name(name) else {
            return words;
        };
        words = match field.kind() {
            _ if field.is_list() && !indexed => "an array is needed".to_owned(),
            _ if field.is_map() => "an object with text values is needed".to_owned(),
            Kind::String => "text is needed".to_owned(),
            Kind::Bool => "true or false is needed".to_owned(),
            Kind::Uint32 | Kind::Fixed32 => "a whole number from 0 to 4294967295 is needed".to_owned(),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                "a whole number is needed".to_owned()
            }
            Kind::Uint64 | Kind::Fixed64 => "a whole number from 0 up is needed".to_owned(),
            Kind::Float | Kind::Double => "a number is needed".to_owned(),
            Kind::Bytes => "base64 text is needed".to_owned(),
            Kind::Enum(values) => {
                let short = |name: &str| name.trim_start_matches(&prefix(&values)).to_ascii_lowercase();
                let names: Vec<String> = values.values().skip(1).map(|value| short(value.name())).collect();
                format!("one of {} is needed", names.join(", "))
            }
            Kind::Message(inner) => {
                message = inner.clone();
                match inner.full_name() {
                    "google.protobuf.Timestamp" => "a time such as 2026-05-01T02:00:00Z is needed".to_owned(),
                    "google.protobuf.Duration" => "a duration such as \"30s\" is needed".to_owned(),
                    "google.protobuf.ListValue" => "an array is needed".to_owned(),
                    _ => "an object is needed".to_owned(),
                }
            }
        };
    }
    words
}

fn unknown_field(what: &str, known: &[String]) -> String {
    match known {
        [] => format!("there is no such {what}; none is taken here"),
        known => format!("there is no such {what}; known are {}", known.join(", ")),
    }
}

fn argument(field: &str, message: &str) -> Refusal {
    let code = ErrorCode::InvalidArgument;
    let name = shown(field);
    let text = if name.is_empty() {
        message.to_owned()
    } else {
        format!("{name}: {message}")
    };
    let fields = if name.is_empty() {
        Vec::new()
    } else {
        vec![Field {
            name,
            code,
            message: message.to_owned(),
        }]
    };
    Refusal {
        code,
        message: text,
        fields,
        retry_after: None,
    }
}

fn json(message: &str) -> Refusal {
    Refusal {
        code: ErrorCode::InvalidJson,
        message: message.to_owned(),
        fields: Vec::new(),
        retry_after: None,
    }
}

/// A field's name as it may stand in an answer: what a client sent under a name of its own is not echoed at length.
fn shown(field: &str) -> String {
    field.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

fn decode_query(raw: &str) -> Option<String> {
    decode(&raw.replace('+', " "))
}

/// Percent-decodes; `None` for a broken escape or what is not UTF-8.
fn decode(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::routes::{self, Match};
    use super::*;

    #[test]
    fn a_good_request_passes() {
        assert_eq!(post("/api/auth/login", r#"{"username": "a", "password": "b"}"#), Ok(()));
        assert_eq!(post("/api/hosts/1/jobs", ""), Ok(()));
        assert_eq!(get("/api/hosts", "status=online&page_size=5&q=web+01"), Ok(()));
        assert_eq!(get("/api/jobs", "from=2026-01-01T00:00:00Z&kind=backup"), Ok(()));
    }

    #[test]
    fn what_is_not_a_json_object_is_invalid_json() {
        for body in ["[1", "{", "\u{feff}{}", "[]", "null", "1", "{\"username\":}"] {
            assert_eq!(
                post("/api/auth/login", body).unwrap_err().code,
                ErrorCode::InvalidJson,
                "{body}"
            );
        }
    }

    #[test]
    fn a_wrong_type_names_its_field_and_says_what_is_needed() {
        for (path, body, field, words) in [
            ("/api/auth/login", r#"{"username": 5}"#, "username", "text is needed"),
            (
                "/api/hosts/1/jobs",
                r#"{"args": ["/a", 7]}"#,
                "args[1]",
                "text is needed",
            ),
            ("/api/hosts/1/jobs", r#"{"args": "/a"}"#, "args", "an array is needed"),
            (
                "/api/hosts/1/jobs",
                r#"{"queue_if_offline": "yes"}"#,
                "queue_if_offline",
                "true or false is needed",
            ),
            (
                "/api/enrollment-tokens",
                r#"{"ttl_seconds": -1}"#,
                "ttl_seconds",
                "4294967295",
            ),
            (
                "/api/enrollment-tokens",
                r#"{"backend_env": {"A": 1}}"#,
                "backend_env",
                "text values",
            ),
            (
                "/api/auth/login",
                r#"{"user": "a"}"#,
                "user",
                "known are username, password",
            ),
        ] {
            let refusal = post(path, body).unwrap_err();

            assert_eq!(refusal.code, ErrorCode::InvalidArgument, "{body}");
            assert!(refusal.fields[0].name.starts_with(field), "{body}: {refusal:?}");
            assert!(refusal.message.contains(words), "{body}: {refusal:?}");
        }
    }

    #[test]
    fn a_query_is_checked_like_a_body() {
        for (query, field) in [
            ("status=bogus", "status"),
            ("page_size=many", "page_size"),
            ("page_size=1&page_size=2", "page_size"),
            ("nope=1", "nope"),
            ("q=%ff", "q"),
        ] {
            let refusal = get("/api/hosts", query).unwrap_err();

            assert_eq!(refusal.code, ErrorCode::InvalidArgument, "{query}");
            assert_eq!(refusal.fields[0].name, field, "{query}");
        }
    }

    #[test]
    fn a_control_character_in_the_path_names_the_field() {
        for path in ["/api/hosts/%00", "/api/hosts/a%0a", "/api/hosts/%ff", "/api/hosts/%zz"] {
            assert_eq!(get(path, "").unwrap_err().fields[0].name, "id", "{path}");
        }
    }

    fn post(path: &str, body: &str) -> Result<(), Refusal> {
        check(route(&Method::POST, path), path, None, body.as_bytes())
    }

    fn get(path: &str, query: &str) -> Result<(), Refusal> {
        check(route(&Method::GET, path), path, Some(query), b"")
    }

    fn route(verb: &Method, path: &str) -> &'static Route {
        match routes::find(verb, path) {
            Match::Found(route) => route,
            other @ (Match::OtherVerb(_) | Match::None) => panic!("{verb} {path}: {other:?}"),
        }
    }
}
