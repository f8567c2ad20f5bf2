//! [`Enroll`]: what an agent sends to become a host, and what it gets.

use std::fmt;
use std::str::FromStr;

use super::{EnrollmentToken, Pin};
use crate::certificate::IdentityProof;
use crate::id::HostId;
use crate::{ReportedText, Timestamp};

/// An agent's wish to become a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enroll {
    /// The right to do so.
    pub token: EnrollmentToken,
    /// The name the machine calls itself.
    pub hostname: ReportedText<253>,
    /// Its operating system.
    pub os: OperatingSystem,
    /// Processor architecture, such as `x86_64`.
    pub arch: ReportedText<32>,
    /// Version of the agent.
    pub agent_version: ReportedText<64>,
    /// Version of restic; `None` when there is none.
    pub restic_version: Option<ReportedText<64>>,
    /// Certificate signing request, PEM. Only its public key is used.
    pub csr_pem: String,
    /// Tells a repetition from another attempt.
    pub nonce: EnrollNonce,
    /// The key with which the host can come back after its certificate has ended, and its word for this attempt; `None`
    /// for an agent that has none.
    pub identity: Option<IdentityProof>,
}

/// What an agent runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperatingSystem {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
}

/// A word that is no operating system of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("linux or windows is needed")]
pub struct InvalidOperatingSystem;

impl OperatingSystem {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
        }
    }

    /// What the first source group saves unless a person said something else.
    pub const fn usual_paths(self) -> &'static [&'static str] {
        match self {
            Self::Linux => &["/etc", "/home"],
            Self::Windows => &["C:\\Users"],
        }
    }
}

impl FromStr for OperatingSystem {
    type Err = InvalidOperatingSystem;

    fn from_str(text: &str) -> Result<Self, InvalidOperatingSystem> {
        match text {
            "linux" => Ok(Self::Linux),
            "windows" => Ok(Self::Windows),
            _ => Err(InvalidOperatingSystem),
        }
    }
}

/// 32 hex digits that an agent draws for one attempt; the same when it asks for a lost answer again.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrollNonce(String);

/// A text that is no [`EnrollNonce`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("32 lower-case hex digits are needed")]
pub struct InvalidEnrollNonce;

impl EnrollNonce {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnrollNonce {
    type Err = InvalidEnrollNonce;

    fn from_str(text: &str) -> Result<Self, InvalidEnrollNonce> {
        if text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEnrollNonce)
        }
    }
}

impl fmt::Debug for EnrollNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an agent gets when it has become a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The host.
    pub host_id: HostId,
    /// The host's certificate and the intermediate that signed it, PEM.
    pub certificate_pem: String,
    /// Certificates to trust for the server, PEM.
    pub ca_bundle_pem: String,
    /// How to know the server.
    pub pin: Pin,
    /// Where agents connect.
    pub agent_endpoint: String,
    /// When the certificate ends.
    pub not_after: Timestamp,
}

/// Where agents connect and what to pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEndpoint {
    /// URL of the agent port.
    pub url: String,
    /// How to know the server.
    pub pin: Pin,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::BackupPaths;

    #[test]
    fn the_usual_paths_can_be_backed_up() {
        for os in [OperatingSystem::Linux, OperatingSystem::Windows] {
            assert!(BackupPaths::parse(os.usual_paths()).is_ok());
            assert_eq!(os.as_str().parse(), Ok(os));
        }
        assert_eq!("darwin".parse::<OperatingSystem>(), Err(InvalidOperatingSystem));
    }

    #[test]
    fn a_nonce_is_exactly_32_hex_digits() {
        let good = "0123456789abcdef".repeat(2);

        assert_eq!(good.parse::<EnrollNonce>().unwrap().as_str(), good);
        for bad in ["", &good[1..], &good.to_uppercase(), &format!("{good}0")] {
            assert_eq!(bad.parse::<EnrollNonce>(), Err(InvalidEnrollNonce), "{bad}");
        }
    }
}
