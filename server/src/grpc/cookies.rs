//! The session cookie, as response metadata: over REST it becomes a header, over gRPC clients read it there.

use std::time::Duration;

use domain::Secret;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

use super::metadata::{COOKIE, SECURE_COOKIE};

const SET_COOKIE: &str = "set-cookie";

/// Hands a session over. `secure` is decided by the configuration and the connection, not by the client.
pub(super) fn set(metadata: &mut MetadataMap, token: &Secret<String>, life: Duration, secure: bool) {
    append(metadata, &cookie(token.expose(), life.as_secs(), secure));
}

/// Takes the session away, under both names: the browser may have either.
pub(super) fn clear(metadata: &mut MetadataMap, secure: bool) {
    append(metadata, &cookie("", 0, false));
    if secure {
        append(metadata, &cookie("", 0, true));
    }
}

fn cookie(value: &str, max_age: u64, secure: bool) -> String {
    let (name, flag) = if secure {
        (SECURE_COOKIE, "; Secure")
    } else {
        (COOKIE, "")
    };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{flag}")
}

fn append(metadata: &mut MetadataMap, cookie: &str) {
    if let Ok(mut value) = AsciiMetadataValue::try_from(cookie) {
        value.set_sensitive(true);
        metadata.append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secure_cookie_bears_the_host_prefix() {
        let mut metadata = MetadataMap::new();

        set(
            &mut metadata,
            &Secret::new("abc".to_owned()),
            Duration::from_mins(1),
            true,
        );

        assert_eq!(
            metadata.get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok()),
            Some("__Host-rm_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"),
        );
    }

    #[test]
    fn clearing_empties_the_cookie() {
        let mut metadata = MetadataMap::new();

        clear(&mut metadata, false);

        let cookies: Vec<_> = metadata.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["rm_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"]);
    }
}
