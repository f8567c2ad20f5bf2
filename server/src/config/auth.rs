//! Sign-in of people.

use std::path::PathBuf;
use std::time::Duration;

use super::PublicUrl;
use super::duration;
use super::keys;
use super::reader::{Reader, path};

/// Settings of login sessions and the first start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Whether session cookies are for encrypted connections only.
    pub secure_cookies: bool,
    /// Life of a login session from its beginning.
    pub session_ttl: Duration,
    /// Where the first-run token is written as well, for automation.
    pub bootstrap_token_file: Option<PathBuf>,
}

impl Auth {
    pub(super) fn read(reader: &mut Reader<'_>, base_url: &PublicUrl) -> Self {
        let secure_cookies = reader.required(&keys::COOKIE_SECURE, |text| match text {
            "auto" => Some(base_url.is_secure()),
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        });
        let session_ttl = duration::within(Duration::from_mins(5), Duration::from_hours(30 * 24));
        Self {
            secure_cookies,
            session_ttl: reader.required(&keys::SESSION_TTL, session_ttl),
            bootstrap_token_file: reader.optional(&keys::BOOTSTRAP_TOKEN_FILE, path),
        }
    }
}
