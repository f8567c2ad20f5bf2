//! How a host joins.

use domain::ErrorCode;
use domain::enrollment::{AgentEndpoint, Enroll, Enrolled, EnrollmentToken};

use super::certificate::identity_proof as identity_proof_of;
use super::{Invalid, required, to_timestamp};
use crate::agent::v1;

/// The longest token that is looked at, in bytes. Ours have 138.
const TOKEN_LIMIT: usize = 256;
/// The longest certificate request, in bytes. One with a large RSA key has about 2,000.
const CSR_LIMIT: usize = 16 * 1024;
/// The longest text about the machine, in bytes; each is cut to what is kept of it.
const TEXT_LIMIT: usize = 1024;

impl TryFrom<v1::EnrollRequest> for Enroll {
    type Error = Invalid;

    fn try_from(message: v1::EnrollRequest) -> Result<Self, Invalid> {
        let v1::EnrollRequest {
            token,
            hostname,
            os,
            arch,
            agent_version,
            restic_version,
            csr_pem,
            enroll_nonce,
            identity_key,
            identity_proof,
        } = message;
        Ok(Self {
            token: enrollment_token(&token)?,
            hostname: said("hostname", &hostname)?.as_str().into(),
            os: required("os", &os)?,
            arch: said("arch", &arch)?.as_str().into(),
            agent_version: said("agent_version", &agent_version)?.as_str().into(),
            restic_version: match restic_version {
                version if version.is_empty() => None,
                version => Some(said("restic_version", &version)?.as_str().into()),
            },
            csr_pem: csr(csr_pem)?,
            nonce: required("enroll_nonce", &enroll_nonce)?,
            identity: if identity_key.is_empty() && identity_proof.is_empty() {
                None
            } else {
                Some(identity_proof_of(
                    ("identity_key", &identity_key),
                    ("identity_proof", &identity_proof),
                )?)
            },
        })
    }
}

impl From<Enrolled> for v1::EnrollResponse {
    fn from(enrolled: Enrolled) -> Self {
        let Enrolled {
            host_id,
            certificate_pem,
            ca_bundle_pem,
            pin,
            agent_endpoint,
            not_after,
        } = enrolled;
        Self {
            host_id: host_id.to_string(),
            certificate_pem,
            ca_bundle_pem,
            cert_pin_sha256: pin.to_string(),
            agent_endpoint,
            not_after: Some(to_timestamp(not_after)),
        }
    }
}

impl v1::Endpoint {
    /// Says where agents connect, and what this server speaks.
    pub fn new(endpoint: AgentEndpoint, server_version: &str, protocol_min: u32, protocol_max: u32) -> Self {
        let AgentEndpoint { url, pin } = endpoint;
        Self {
            agent_endpoint: url,
            ca_pin_sha256: pin.to_string(),
            server_version: server_version.to_owned(),
            protocol_min,
            protocol_max,
        }
    }
}

fn enrollment_token(text: &str) -> Result<EnrollmentToken, Invalid> {
    if text.is_empty() {
        return Err(Invalid::missing("token"));
    }
    if text.len() > TOKEN_LIMIT {
        return Err(Invalid::with_code(
            "token",
            ErrorCode::InvalidToken,
            ErrorCode::InvalidToken.meaning(),
        ));
    }
    EnrollmentToken::parse(text).map_err(|error| Invalid::with_code("token", ErrorCode::InvalidToken, error))
}

pub(super) fn csr(text: String) -> Result<String, Invalid> {
    if text.is_empty() {
        return Err(Invalid::missing("csr_pem"));
    }
    if text.len() > CSR_LIMIT {
        let message = format!("a certificate request has at most {CSR_LIMIT} bytes");
        return Err(Invalid::with_code("csr_pem", ErrorCode::InvalidCsr, message));
    }
    Ok(text)
}

/// Reads what a machine says of itself, which must be something. What is unprintable in it is dropped later.
fn said(field: &str, text: &str) -> Result<String, Invalid> {
    if text.is_empty() {
        return Err(Invalid::missing(field));
    }
    if text.len() > TEXT_LIMIT {
        return Err(Invalid::argument(
            field,
            format!("text of at most {TEXT_LIMIT} bytes is needed"),
        ));
    }
    if text.contains('\0') {
        return Err(Invalid::argument(field, "a NUL is not allowed"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use domain::Secret;
    use domain::enrollment::{OperatingSystem, Pin};
    use domain::id::EnrollmentTokenId;

    use super::*;

    #[test]
    fn a_request_is_read_whole() {
        let enroll = Enroll::try_from(request()).unwrap();

        assert_eq!(enroll.token, token());
        assert_eq!(enroll.os, OperatingSystem::Linux);
        assert_eq!(
            (enroll.hostname.as_str(), enroll.arch.as_str()),
            ("web-01.local", "x86_64")
        );
        assert_eq!((enroll.agent_version.as_str(), enroll.restic_version), ("0.1.0", None));
        assert_eq!(
            (enroll.csr_pem.as_str(), enroll.nonce.as_str()),
            ("pem", "0123456789abcdef0123456789abcdef")
        );
    }

    #[test]
    fn every_field_but_the_version_of_restic_is_required() {
        type Field = fn(&mut v1::EnrollRequest) -> &mut String;
        let without: [(&str, Field); 7] = [
            ("token", |request| &mut request.token),
            ("hostname", |request| &mut request.hostname),
            ("os", |request| &mut request.os),
            ("arch", |request| &mut request.arch),
            ("agent_version", |request| &mut request.agent_version),
            ("csr_pem", |request| &mut request.csr_pem),
            ("enroll_nonce", |request| &mut request.enroll_nonce),
        ];
        for (field, of) in without {
            let mut request = request();
            of(&mut request).clear();

            let refused = Enroll::try_from(request).unwrap_err();

            assert_eq!(
                (refused.code(), refused.problems()[0].field.as_str()),
                (ErrorCode::MissingField, field)
            );
        }
    }

    #[test]
    fn a_bad_field_has_its_code_and_name() {
        let of = |change: fn(&mut v1::EnrollRequest)| {
            let mut request = request();
            change(&mut request);
            request
        };
        for (request, code, field) in [
            (of(|request| request.token.push('0')), ErrorCode::InvalidToken, "token"),
            (
                of(|request| request.token = "x".repeat(300)),
                ErrorCode::InvalidToken,
                "token",
            ),
            (
                of(|request| request.os = "darwin".into()),
                ErrorCode::InvalidArgument,
                "os",
            ),
            (
                of(|request| request.arch = "x".repeat(1025)),
                ErrorCode::InvalidArgument,
                "arch",
            ),
            (
                of(|request| request.hostname = "a\0".into()),
                ErrorCode::InvalidArgument,
                "hostname",
            ),
            (
                of(|request| request.enroll_nonce = "0123".into()),
                ErrorCode::InvalidArgument,
                "enroll_nonce",
            ),
            (
                of(|request| request.identity_key = vec![1; 32]),
                ErrorCode::MissingField,
                "identity_proof",
            ),
            (
                of(|request| {
                    request.identity_key = vec![1; 31];
                    request.identity_proof = vec![1; 64];
                }),
                ErrorCode::InvalidArgument,
                "identity_key",
            ),
            (
                of(|request| request.csr_pem = "x".repeat(16 * 1024 + 1)),
                ErrorCode::InvalidCsr,
                "csr_pem",
            ),
        ] {
            let refused = Enroll::try_from(request).unwrap_err();

            assert_eq!((refused.code(), refused.problems()[0].field.as_str()), (code, field));
        }
    }

    fn request() -> v1::EnrollRequest {
        v1::EnrollRequest {
            token: token().encode().expose().clone(),
            hostname: "web-01.local".into(),
            os: "linux".into(),
            arch: "x86_64".into(),
            agent_version: "0.1.0".into(),
            restic_version: String::new(),
            csr_pem: "pem".into(),
            enroll_nonce: "0123456789abcdef0123456789abcdef".into(),
            ..v1::EnrollRequest::default()
        }
    }

    fn token() -> EnrollmentToken {
        let id = EnrollmentTokenId::from_uuid(uuid::Uuid::from_u128(7));
        EnrollmentToken::new(id, &Secret::new([3; 17]), Pin::of_public_key_info(b"root"))
    }
}
