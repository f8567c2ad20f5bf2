//! [`PublicUrl`]: an address under which this server is reached.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Scheme, host and port; never a login, path or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    secure: bool,
    host: Host,
    port: u16,
}

/// The host of a [`PublicUrl`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A DNS name in lower case.
    Name(String),
    /// An IP address.
    Address(IpAddr),
}

/// A text that is not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a server address: http:// or https:// and a host is needed, without a path")]
pub struct InvalidPublicUrl;

impl PublicUrl {
    /// An `https://` address.
    pub fn https(host: Host, port: u16) -> Self {
        Self {
            secure: true,
            host,
            port,
        }
    }

    /// Whether it is `https://`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, without port.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also where the text leaves it out.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    /// Also accepts one `/` at the end.
    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let (secure, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(InvalidPublicUrl),
        };
        // Whatever else a URL may hold has characters that no host and no port has.
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let host_end = match authority.rfind(']') {
            Some(bracket) => bracket + 1,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        let (host, port) = authority.split_at(host_end);
        let host = host.parse()?;
        let port = if port.is_empty() {
            default_port(secure)
        } else {
            parse_port(port).ok_or(InvalidPublicUrl)?
        };
        Ok(Self { secure, host, port })
    }
}

impl FromStr for Host {
    type Err = InvalidPublicUrl;

    /// Takes an IPv6 address in brackets, as URLs write it.
    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        if let Some(inside) = text.strip_prefix('[') {
            let address = inside
                .strip_suffix(']')
                .and_then(|inside| inside.parse::<Ipv6Addr>().ok());
            return address
                .map(|address| Self::Address(address.into()))
                .ok_or(InvalidPublicUrl);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address));
        }
        let labels_are_fine = text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
        // A name that ends in a number is an address that was mistyped.
        let ends_in_number = text
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if text.len() > 253 || !labels_are_fine || ends_in_number {
            return Err(InvalidPublicUrl);
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

/// The form browsers give an origin: the port only where it is not the scheme's own, nothing after it.
impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default_port(self.secure) {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':')?;
    let port = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()?
    } else {
        0
    };
    (port != 0).then_some(port)
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_a_browser_shows_an_origin() {
        let check =
            |text: &str, shown: &str| assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), shown, "{text}");

        check("http://localhost:8080", "http://localhost:8080");
        check("https://Backup.Example.org/", "https://backup.example.org");
        check("https://backup.example.org:443", "https://backup.example.org");
        check("http://10.0.0.5:80", "http://10.0.0.5");
        check("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443");
    }

    #[test]
    fn the_port_is_known_also_when_left_out() {
        let port = |text: &str| text.parse::<PublicUrl>().unwrap().port();

        assert_eq!(
            (port("http://a"), port("https://a"), port("https://a:8443")),
            (80, 443, 8443)
        );
    }

    #[test]
    fn anything_beyond_scheme_host_and_port_is_refused() {
        for text in [
            "",
            "localhost:8080",
            "//localhost",
            "ftp://localhost",
            "https://",
            "https://:443",
            "https://host:",
            "https://host:0",
            "https://host:+1",
            "https://host:1:2",
            "https://[::1]8443",
            "https://::1",
            "HTTPS://host",
            "https://host:99999",
            "https://host/path",
            "https://host/?q",
            "https://host#part",
            "https://user:pass@host",
            "https://-host",
            "https://ho..st",
            "https://10.0.0.256",
            "https://[::1",
            "https://ho st",
            "https://h\u{f6}st",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(InvalidPublicUrl), "{text}");
        }
    }
}
