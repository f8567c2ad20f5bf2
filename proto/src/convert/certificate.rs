//! How a host gets its next certificate.

use domain::certificate::{
    CertificateOffer, IdentityKey, IdentityProof, IdentitySignature, RenewExpired, RenewRefused, RenewRequest,
};

use super::enrollment::csr;
use super::{Invalid, from_timestamp, required, to_duration, to_timestamp};
use crate::agent::v1;

impl TryFrom<v1::RenewRequest> for RenewRequest {
    type Error = Invalid;

    fn try_from(message: v1::RenewRequest) -> Result<Self, Invalid> {
        let v1::RenewRequest {
            csr_pem,
            identity_key,
            proof,
        } = message;
        Ok(Self {
            csr_pem: csr(csr_pem)?,
            proof: identity_proof(("identity_key", &identity_key), ("proof", &proof))?,
        })
    }
}

impl TryFrom<v1::RenewExpiredRequest> for RenewExpired {
    type Error = Invalid;

    fn try_from(message: v1::RenewExpiredRequest) -> Result<Self, Invalid> {
        let v1::RenewExpiredRequest {
            host_id,
            csr_pem,
            last_serial,
            requested_at,
            identity_key,
            proof,
        } = message;
        let requested_at = requested_at.ok_or_else(|| Invalid::missing("requested_at"))?;
        Ok(Self {
            host: required("host_id", &host_id)?,
            csr_pem: csr(csr_pem)?,
            last: required("last_serial", &last_serial)?,
            at: from_timestamp("requested_at", &requested_at)?,
            proof: identity_proof(("identity_key", &identity_key), ("proof", &proof))?,
        })
    }
}

impl From<CertificateOffer> for v1::CertificateOffer {
    fn from(offer: CertificateOffer) -> Self {
        let CertificateOffer {
            certificate_pem,
            not_after,
        } = offer;
        Self {
            certificate_pem,
            not_after: Some(to_timestamp(not_after)),
        }
    }
}

impl From<RenewRefused> for v1::RenewRefused {
    fn from(refused: RenewRefused) -> Self {
        let RenewRefused {
            code,
            message,
            retry_after,
        } = refused;
        Self {
            code: code.to_string(),
            message,
            retry_after: retry_after.map(to_duration),
        }
    }
}

/// Reads a key and its signature; each with the field's name.
pub(super) fn identity_proof(key: (&str, &[u8]), signature: (&str, &[u8])) -> Result<IdentityProof, Invalid> {
    Ok(IdentityProof {
        key: IdentityKey::from_bytes(exactly(key)?),
        signature: IdentitySignature::from_bytes(exactly(signature)?),
    })
}

fn exactly<const N: usize>((field, bytes): (&str, &[u8])) -> Result<[u8; N], Invalid> {
    if bytes.is_empty() {
        return Err(Invalid::missing(field));
    }
    bytes
        .try_into()
        .map_err(|_| Invalid::argument(field, format!("exactly {N} bytes are needed")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{ErrorCode, Timestamp};

    use super::*;

    #[test]
    fn a_wish_to_come_back_is_read_whole() {
        let read = RenewExpired::try_from(request()).unwrap();

        assert_eq!(read.host.to_string(), HOST);
        assert_eq!((read.csr_pem.as_str(), read.last.as_str()), ("pem", SERIAL));
        assert_eq!(read.at, "2026-05-01T02:00:00.000005Z".parse::<Timestamp>().unwrap());
        assert_eq!(read.proof.key.as_bytes(), &[1; 32]);
        assert_eq!(read.proof.signature.as_bytes(), &[2; 64]);
    }

    #[test]
    fn each_field_is_needed_and_named() {
        type Change = fn(&mut v1::RenewExpiredRequest);
        let cases: [(Change, ErrorCode, &str); 9] = [
            (|request| request.host_id.clear(), ErrorCode::MissingField, "host_id"),
            (
                |request| request.host_id = "x".into(),
                ErrorCode::InvalidArgument,
                "host_id",
            ),
            (|request| request.csr_pem.clear(), ErrorCode::MissingField, "csr_pem"),
            (
                |request| request.last_serial.clear(),
                ErrorCode::MissingField,
                "last_serial",
            ),
            (
                |request| request.last_serial = "x".into(),
                ErrorCode::InvalidArgument,
                "last_serial",
            ),
            (
                |request| request.requested_at = None,
                ErrorCode::MissingField,
                "requested_at",
            ),
            (
                |request| request.identity_key = Vec::new(),
                ErrorCode::MissingField,
                "identity_key",
            ),
            (
                |request| request.identity_key = vec![1; 33],
                ErrorCode::InvalidArgument,
                "identity_key",
            ),
            (
                |request| request.proof = vec![1; 63],
                ErrorCode::InvalidArgument,
                "proof",
            ),
        ];
        for (change, code, field) in cases {
            let mut request = request();
            change(&mut request);

            let refused = RenewExpired::try_from(request).unwrap_err();

            assert_eq!((refused.code(), refused.problems()[0].field.as_str()), (code, field));
        }
    }

    #[test]
    fn a_refusal_says_its_code_and_when_to_come_back() {
        let said = v1::RenewRefused::from(RenewRefused {
            code: ErrorCode::RateLimited,
            message: "Wait.".to_owned(),
            retry_after: Some(Duration::from_secs(7)),
        });

        assert_eq!((said.code.as_str(), said.message.as_str()), ("rate_limited", "Wait."));
        assert_eq!(said.retry_after.map(|wait| wait.seconds), Some(7));
    }

    const HOST: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const SERIAL: &str = "0123456789abcdef0123456789abcdef";

    fn request() -> v1::RenewExpiredRequest {
        v1::RenewExpiredRequest {
            host_id: HOST.into(),
            csr_pem: "pem".into(),
            last_serial: SERIAL.into(),
            requested_at: Some(to_timestamp("2026-05-01T02:00:00.000005Z".parse().unwrap())),
            identity_key: vec![1; 32],
            proof: vec![2; 64],
        }
    }
}
