//! The route table, made from the contract at start: verb and path template to method, access rule and input.
//!
//! It is asked before the generated transcoder, so that 404, 405 and 401 come in that order and before a malformed
//! body's 400, each with its code.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::Method;
use prost_reflect::{DescriptorPool, MessageDescriptor, ReflectMessage as _, Value};

use crate::grpc::authorize::{self, ACCESS, Access, POOL};

/// One route of the REST face.
#[derive(Debug)]
pub struct Route {
    /// The HTTP method.
    pub verb: Method,
    /// The path, such as `/api/hosts/{id}`.
    pub template: String,
    /// The gRPC path of the method behind it.
    pub rpc: String,
    /// Who may call it.
    pub access: &'static Access,
    /// The message that body, query and path make.
    pub input: MessageDescriptor,
    /// Whether the request has a body.
    pub has_body: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Field(String),
}

/// What the table knows about a request line.
#[derive(Debug)]
pub enum Match {
    /// A route.
    Found(&'static Route),
    /// The path exists, with these methods.
    OtherVerb(Vec<Method>),
    /// There is no such path.
    None,
}

/// All routes that were made from the contract.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| routes(&POOL));

fn routes(pool: &'static DescriptorPool) -> Vec<Route> {
    let Some(http) = pool.get_extension_by_name("google.api.http") else {
        return Vec::new();
    };
    let mut routes = Vec::new();
    for method in pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        let options = method.options();
        if !options.has_extension(&http) {
            continue;
        }
        let rpc = authorize::path(&method);
        let Some(access) = ACCESS.get(&rpc) else { continue };
        let rule = options.get_extension(&http);
        let Some(rule) = rule.as_message() else { continue };
        debug_assert_eq!(rule.descriptor().full_name(), "google.api.HttpRule");
        let has_body =
            matches!(rule.get_field_by_name("body").as_deref(), Some(Value::String(body)) if !body.is_empty());
        for verb in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            let field = verb.as_str().to_ascii_lowercase();
            if !rule.has_field_by_name(&field) {
                continue;
            }
            let Some(Value::String(template)) = rule.get_field_by_name(&field).map(std::borrow::Cow::into_owned) else {
                continue;
            };
            let segments = segments(&template);
            routes.push(Route {
                verb,
                template,
                rpc: rpc.clone(),
                access,
                input: method.input(),
                has_body,
                segments,
            });
        }
    }
    routes
}

fn segments(template: &str) -> Vec<Segment> {
    template
        .trim_start_matches('/')
        .split('/')
        .map(
            |part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(field) => Segment::Field(field.to_owned()),
                None => Segment::Literal(part.to_owned()),
            },
        )
        .collect()
}

/// Finds the route of a request line. `path` is still percent-encoded; a literal part never needs encoding.
pub fn find(verb: &Method, path: &str) -> Match {
    let mut verbs = BTreeSet::new();
    for route in ROUTES.iter().filter(|route| route.matches(path)) {
        if route.verb == *verb {
            return Match::Found(route);
        }
        verbs.insert(route.verb.as_str());
    }
    if verbs.is_empty() {
        return Match::None;
    }
    Match::OtherVerb(verbs.into_iter().filter_map(|verb| verb.parse().ok()).collect())
}

impl Route {
    fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else {
            return false;
        };
        let mut parts = path.split('/');
        let all = self.segments.iter().all(|segment| {
            parts.next().is_some_and(|part| match segment {
                Segment::Literal(literal) => part == literal,
                Segment::Field(_) => !part.is_empty(),
            })
        });
        all && parts.next().is_none()
    }

    /// The fields that come from the path.
    pub fn path_fields(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Field(field) => Some(field.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// The fields of the path with the text that stands for them, still percent-encoded.
    pub fn path_values<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.segments
            .iter()
            .zip(path.trim_start_matches('/').split('/'))
            .filter_map(|(segment, part)| match segment {
                Segment::Field(field) => Some((field.as_str(), part)),
                Segment::Literal(_) => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::authorize::Requirement;
    use crate::grpc::once::REQUEST_ID;

    /// What a repetition does not change: it ends something, and ends it once.
    const HARMLESS: &[&str] = &[
        "Cancel",
        "Logout",
        "Revoke",
        "Reject",
        "Acknowledge",
        "Confirm",
        "Release",
    ];

    #[test]
    fn a_request_line_finds_its_method() {
        let Match::Found(route) = find(&Method::POST, "/api/hosts/0/jobs") else {
            panic!("not found")
        };

        assert_eq!(route.rpc, "/restic_manager.v1.JobService/RunJob");
        assert!(route.has_body);
        assert_eq!(
            route.path_values("/api/hosts/0/jobs").collect::<Vec<_>>(),
            [("host_id", "0")]
        );
    }

    #[test]
    fn a_wrong_verb_is_told_from_a_wrong_path() {
        assert!(matches!(find(&Method::DELETE, "/api/version"), Match::OtherVerb(verbs) if verbs == [Method::GET]));
        for path in [
            "/api/versions",
            "/api/hosts/",
            "/api/hosts//jobs",
            "/api/hosts/1/jobs/2",
            "api/version",
        ] {
            assert!(matches!(find(&Method::GET, path), Match::None), "{path}");
        }
    }

    #[test]
    fn no_two_routes_answer_the_same_request() {
        for route in ROUTES.iter() {
            let path = route.template.replace(['{', '}'], "");
            let rivals = ROUTES
                .iter()
                .filter(|other| other.verb == route.verb && other.matches(&path))
                .count();

            assert_eq!(rivals, 1, "{} {}", route.verb, route.template);
        }
    }

    #[test]
    fn every_post_of_a_person_can_be_repeated_without_harm() {
        for route in ROUTES.iter().filter(|route| route.verb == Method::POST) {
            let name = route.rpc.rsplit('/').next().unwrap_or_default();
            let of_a_person = matches!(route.access.requirement, Some(Requirement::Role(_)));
            let is_harmless = HARMLESS.iter().any(|verb| name.starts_with(verb));

            assert!(
                !of_a_person || is_harmless || route.input.get_field_by_name(REQUEST_ID).is_some(),
                "{}: give its request a field `string request_id`; the door does the rest",
                route.rpc
            );
        }
    }
}
