//! What services need to know of the connection behind a call.
//!
//! The listeners write it into reserved `x-rm-*` headers after removing any that came in, so that it reads the same on
//! all faces.

use std::net::IpAddr;

use domain::Secret;
use domain::id::RequestId;
use http::{HeaderMap, HeaderName};
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use crate::app::Origin;

/// The client's address behind trusted proxies.
pub const ADDRESS: HeaderName = HeaderName::from_static("x-rm-address");
/// The request's id.
pub const REQUEST: HeaderName = HeaderName::from_static("x-rm-request");
/// `https` when the client's connection is encrypted.
pub const SCHEME: HeaderName = HeaderName::from_static("x-rm-scheme");
/// Every reserved header begins with this.
pub const RESERVED_PREFIX: &str = "x-rm-";

/// Name of the session cookie without TLS.
pub const COOKIE: &str = "rm_session";
/// Name of the session cookie over TLS.
pub const SECURE_COOKIE: &str = "__Host-rm_session";

/// What a request says about its caller.
#[derive(Debug, Clone)]
pub struct RequestMetadata {
    /// Where it came from.
    pub origin: Origin,
    /// The session token, from the bearer header or the cookie.
    pub session: Option<Secret<String>>,
    /// Whether the token came in a cookie, which browsers send by themselves.
    pub by_cookie: bool,
}

/// Reads the metadata of a gRPC call, or of a REST call behind the bridge.
pub fn read(metadata: &MetadataMap) -> RequestMetadata {
    read_headers(metadata.as_ref())
}

/// Reads the headers of an HTTP request.
pub fn read_headers(headers: &HeaderMap) -> RequestMetadata {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = Origin {
        address: text(&ADDRESS).and_then(|address| address.parse::<IpAddr>().ok()),
        request: text(&REQUEST)
            .and_then(|request| request.parse().ok())
            .unwrap_or(RequestId::from_uuid(Uuid::nil())),
        secure: text(&SCHEME) == Some("https"),
        once: None,
    };
    let bearer = text(&http::header::AUTHORIZATION).and_then(bearer);
    let by_cookie = bearer.is_none();
    let session = bearer
        .or_else(|| cookie(headers))
        .map(|token| Secret::new(token.to_owned()));
    RequestMetadata {
        origin,
        by_cookie: by_cookie && session.is_some(),
        session,
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Both names are accepted whatever the scheme, so that a change of the proxy does not sign everybody out.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut plain = None;
    for (name, value) in pairs {
        match name {
            SECURE_COOKIE => return Some(value),
            COOKIE => plain = Some(value),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_session_comes_from_the_bearer_header_or_either_cookie() {
        for (header, value, expected, by_cookie) in [
            ("authorization", "Bearer abc", Some("abc"), false),
            ("authorization", "bearer abc", Some("abc"), false),
            ("authorization", "Basic abc", None, false),
            ("cookie", "theme=dark; rm_session=abc", Some("abc"), true),
            ("cookie", "rm_session=old; __Host-rm_session=abc", Some("abc"), true),
            ("cookie", "xrm_session=abc", None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header, HeaderValue::from_static(value));

            let read = read_headers(&headers);

            assert_eq!(
                read.session.as_ref().map(|token| token.expose().as_str()),
                expected,
                "{value}"
            );
            assert_eq!(read.by_cookie, by_cookie, "{value}");
        }
    }
}
