//! What agents ask for when their certificate nears its end or has passed it, and what they get.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::IdentityProof;
use crate::id::HostId;
use crate::{ErrorCode, Timestamp};

/// The serial number of a certificate of ours: 32 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Serial(String);

/// A text that is no [`Serial`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("32 lower-case hex digits are needed")]
pub struct InvalidSerial;

/// A host's wish for its next certificate, in its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewRequest {
    /// Certificate signing request, PEM. Only its public key is used.
    pub csr_pem: String,
    /// Says [`super::Occasion::Renewal`].
    pub proof: IdentityProof,
}

/// A host's wish for a certificate when its last one has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewExpired {
    /// Who asks.
    pub host: HostId,
    /// Certificate signing request, PEM. Only its public key is used.
    pub csr_pem: String,
    /// The certificate that it had last.
    pub last: Serial,
    /// When it asks, by its clock.
    pub at: Timestamp,
    /// Says [`super::Occasion::Return`].
    pub proof: IdentityProof,
}

/// The next certificate of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateOffer {
    /// The host's certificate and the intermediate that signed it, PEM.
    pub certificate_pem: String,
    /// When the certificate ends.
    pub not_after: Timestamp,
}

/// Why a host does not get its next certificate in its session. The session goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewRefused {
    /// The stable code.
    pub code: ErrorCode,
    /// What happened and what to do, in a sentence.
    pub message: String,
    /// When to ask again; `None`: by the agent's own pauses.
    pub retry_after: Option<Duration>,
}

impl Serial {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Serial {
    type Err = InvalidSerial;

    fn from_str(text: &str) -> Result<Self, InvalidSerial> {
        if text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSerial)
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_exactly_32_hex_digits() {
        let good = "0123456789abcdef".repeat(2);

        assert_eq!(good.parse::<Serial>().unwrap().as_str(), good);
        for bad in ["", &good[1..], &good.to_uppercase(), &format!("{good}0")] {
            assert_eq!(bad.parse::<Serial>(), Err(InvalidSerial), "{bad}");
        }
    }
}
