//! [`Redactor`]: takes secrets out of what restic prints, before anybody else sees it.

use std::borrow::Cow;
use std::fmt::Write as _;

use domain::Secret;

/// Shorter values are left alone: hiding every "a" would destroy the text and protect nothing.
const SHORTEST_SECRET: usize = 4;

const MASK: &str = "***";

/// Replaces known secrets and the login inside URLs by `***`.
///
/// A secret is found as it is, as JSON writes it (Go's way) and percent-encoded. Secrets of fewer than four bytes are
/// not looked for; restic itself never prints a password, and a login in a URL is masked whatever its length.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a secret that holds another one is masked whole.
    needles: Vec<Secret<String>>,
}

impl Redactor {
    /// Looks for these secrets from now on.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret<String>>) -> Self {
        let mut needles: Vec<Secret<String>> = secrets
            .into_iter()
            .map(Secret::expose)
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .flat_map(|secret| [secret.clone(), json_escaped(secret), percent_encoded(secret)])
            .map(Secret::new)
            .collect();
        needles.sort_by(|a, b| {
            let (a, b) = (a.expose(), b.expose());
            b.len().cmp(&a.len()).then_with(|| a.cmp(b))
        });
        needles.dedup();
        Self { needles }
    }

    /// Returns the text without secrets; borrowed when there was nothing to hide.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for needle in self.needles.iter().map(Secret::expose) {
            if text.contains(needle.as_str()) {
                text = Cow::Owned(text.replace(needle.as_str(), MASK));
            }
        }
        match without_logins(&text) {
            Some(masked) => Cow::Owned(masked),
            None => text,
        }
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3), as user info in a URL needs it.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut encoded, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                let _ = write!(encoded, "%{byte:02X}");
            }
            encoded
        })
}

/// Escapes as Go's `encoding/json` does within a string, which also escapes what HTML could stumble over.
fn json_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Masks `user:password@` behind every `://`; `None` when there is none.
fn without_logins(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        masked.push_str(head);
        let end = tail.find(ends_authority).unwrap_or(tail.len());
        let (authority, after) = tail.split_at(end);
        if let Some((_, host)) = authority.rsplit_once('@') {
            found = true;
            masked.push_str(MASK);
            masked.push('@');
            masked.push_str(host);
        } else {
            masked.push_str(authority);
        }
        rest = after;
    }
    masked.push_str(rest);
    found.then_some(masked)
}

fn ends_authority(character: char) -> bool {
    character.is_whitespace() || matches!(character, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn logins_in_urls_are_masked_wherever_they_stand() {
        for (text, expected) in [
            ("rest:http://u:secret@host:8000/x", "rest:http://***@host:8000/x"),
            (
                r#"Head "http://:***@127.0.0.1:1/x": refused"#,
                r#"Head "http://***@127.0.0.1:1/x": refused"#,
            ),
            (
                "two http://a:b@c/ and https://d@e",
                "two http://***@c/ and https://***@e",
            ),
            ("http://a:p@ss@host/", "http://***@host/"),
            ("http://host/path@mail", "http://host/path@mail"),
            ("mail to me@example.org", "mail to me@example.org"),
        ] {
            assert_eq!(Redactor::default().redact(text), expected);
        }
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let redactor = Redactor::new([&secret(r#"p<a>"ss/w rd"#)]);

        for text in [
            r#"plain p<a>"ss/w rd end"#,
            r#"plain p\u003ca\u003e\"ss/w rd end"#,
            "plain p%3Ca%3E%22ss%2Fw%20rd end",
        ] {
            assert_eq!(redactor.redact(text), "plain *** end");
        }
    }

    #[test]
    fn a_secret_inside_a_longer_one_does_not_leave_its_rest() {
        let redactor = Redactor::new([&secret("abcd"), &secret("abcdefgh")]);

        assert_eq!(redactor.redact("abcdefgh abcd"), "*** ***");
    }

    #[test]
    fn a_secret_of_three_bytes_does_not_eat_the_text() {
        let redactor = Redactor::new([&secret("res")]);

        assert_eq!(redactor.redact("restic"), "restic");
    }

    proptest! {
        #[test]
        fn no_planted_secret_survives(before in ".{0,20}", value in "[!-~]{4,20}", after in ".{0,20}") {
            let redactor = Redactor::new([&secret(&value)]);

            let text = redactor.redact(&format!("{before}{value}{after}")).into_owned();

            // The mask itself and its surroundings may happen to spell a value such as `****`.
            prop_assume!(!value.contains('*'));
            prop_assert!(!text.contains(&value), "{}", text);
        }
    }

    fn secret(value: &str) -> Secret<String> {
        Secret::from(value.to_owned())
    }
}
