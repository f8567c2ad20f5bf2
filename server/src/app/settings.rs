//! The configured values that decisions need.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Limits;

/// What the operator configured, as far as the app is concerned.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Public address of the web port as a browser writes an origin: scheme, host and port, no slash at its end.
    pub base_url: String,
    /// Address that agents are told, in the same form.
    pub agent_url: String,
    /// Absolute life of a login session.
    pub session_ttl: Duration,
    /// Whether cookies bear `Secure`: configured, or by the scheme of the public URL.
    pub secure_cookies: bool,
    /// Silence before a host is offline.
    pub offline_after: Duration,
    /// What agents may use up.
    pub limits: Limits,
    /// How long jobs are kept after their end; `None` is for ever.
    pub job_retention: Option<Duration>,
    /// How long logs are kept after the end of their jobs; `None` is for ever.
    pub log_retention: Option<Duration>,
    /// How long the audit log is kept; `None` is for ever.
    pub audit_retention: Option<Duration>,
    /// The server's own directory.
    pub data_dir: PathBuf,
    /// The directory of what packages bring for hosts to download; may be absent.
    pub dist_dir: PathBuf,
    /// How long a certificate of an agent is in force.
    pub agent_certificate_ttl: Duration,
}

impl Settings {
    /// Whether session cookies bear `Secure` and the `__Host-` prefix.
    pub const fn cookie_is_secure(&self) -> bool {
        self.secure_cookies
    }
}
