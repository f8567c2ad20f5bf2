//! Refuses requests that another site made a browser send.
//!
//! Source: security.md §4. A request counts as a browser's when it says `Origin` or `Sec-Fetch-Site`; scripts say
//! neither and are let through with their cookie jar, and a bearer header is nothing a browser sends by itself.

use http::{HeaderMap, Method, header};

/// Whether a request with a session cookie must be refused. `base_origin` is the origin of the public URL.
pub(super) fn is_foreign(method: &Method, headers: &HeaderMap, secure: bool, base_origin: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let foreign_site = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let foreign_origin = text(header::ORIGIN.as_str()).is_some_and(|origin| {
        let scheme = if secure { "https" } else { "http" };
        let own = text(header::HOST.as_str()).map(|host| format!("{scheme}://{host}"));
        !origin.eq_ignore_ascii_case(base_origin) && !own.is_some_and(|own| origin.eq_ignore_ascii_case(&own))
    });
    foreign_site || foreign_origin
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_other_sites_are_foreign() {
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[], false),
            (&[("origin", "https://backup.example.org")], false),
            (&[("origin", "http://10.0.0.5:8080")], false),
            (&[("origin", "https://10.0.0.5:8080")], true),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://backup.example.org"),
                ],
                true,
            ),
        ];
        for (pairs, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("10.0.0.5:8080"));
            for (name, value) in pairs {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }

            let foreign = is_foreign(&Method::POST, &headers, false, "https://backup.example.org");

            assert_eq!(foreign, expected, "{pairs:?}");
            assert!(!is_foreign(&Method::GET, &headers, false, "https://backup.example.org"));
        }
    }
}
