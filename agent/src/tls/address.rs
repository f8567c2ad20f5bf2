//! [`AgentAddress`]: host and port of the server's agent port.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::ServerName;

/// Where agents connect, read from a URL such as `https://backup.example.org:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentAddress {
    host: String,
    port: u16,
    server_name: ServerName<'static>,
}

/// A text that is no URL of an agent port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of an agent port: one such as https://backup.example.org:8443 is needed")]
pub struct InvalidAddress;

impl AgentAddress {
    /// The agent port of a server that does not say otherwise.
    const DEFAULT_PORT: u16 = 8443;

    /// The host to connect to.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name that the server's certificate must bear.
    pub fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }
}

impl FromStr for AgentAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let uri: http::Uri = text.trim_end_matches('/').parse().map_err(|_| InvalidAddress)?;
        let authority = uri.authority().ok_or(InvalidAddress)?;
        if uri.scheme_str() != Some("https") || authority.as_str().contains('@') {
            return Err(InvalidAddress);
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(Self {
            server_name: ServerName::try_from(host.clone()).map_err(|_| InvalidAddress)?,
            port: authority.port_u16().unwrap_or(Self::DEFAULT_PORT),
            host,
        })
    }
}

impl fmt::Display for AgentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_host_and_port() {
        for (text, expected) in [
            ("https://backup.example.org:8443", Some("backup.example.org:8443")),
            ("https://backup.example.org", Some("backup.example.org:8443")),
            ("https://backup.example.org:443/", Some("backup.example.org:443")),
            ("https://127.0.0.1:9", Some("127.0.0.1:9")),
            ("https://[::1]:9", Some("[::1]:9")),
            ("http://backup.example.org:8443", None),
            ("backup.example.org:8443", None),
            ("https://user@backup.example.org", None),
            ("https://", None),
            ("", None),
        ] {
            let address = text.parse::<AgentAddress>().ok();

            assert_eq!(
                address.map(|address| address.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
