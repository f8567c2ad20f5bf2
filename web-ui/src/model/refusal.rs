//! [`ApiError`]: why a call did not succeed, as far as a page has to know.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD};
use domain::ErrorCode;
use prost::Message as _;
use tonic_types::pb;

/// Whose `ErrorInfo` we understand.
const ERROR_DOMAIN: &str = "restic-manager";
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What happened.
    pub reason: Reason,
    /// What happened and what to do, for a person. From the server; empty for [`Reason::Network`].
    pub message: String,
    /// The fields that were refused.
    pub fields: Vec<FieldError>,
    /// The id under which the server's log tells more; empty when no server answered.
    pub request_id: String,
    /// Seconds after which another attempt may be made; `None` when that does not matter.
    pub retry_after: Option<u64>,
}

/// What sort of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No answer, or none of the server's.
    Network,
    /// A code of the catalogue.
    Code(ErrorCode),
    /// A code of a newer server.
    Unknown(String),
}

/// A field that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its name in the request.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl ApiError {
    /// No answer came.
    pub fn network() -> Self {
        Self {
            reason: Reason::Network,
            message: String::new(),
            fields: Vec::new(),
            request_id: String::new(),
            retry_after: None,
        }
    }

    /// A refusal of the console's own, in the catalogue's words.
    pub fn of(code: ErrorCode) -> Self {
        Self {
            reason: Reason::Code(code),
            ..Self::network()
        }
    }

    /// Reads how a call ended from its trailers, or from the headers of an answer that has only those. `None`: well.
    pub fn from_trailers(trailers: &BTreeMap<String, String>) -> Option<Self> {
        let get = |name: &str| trailers.get(name).map_or("", String::as_str);
        let code: i32 = get("grpc-status").parse().unwrap_or(2);
        if code == 0 {
            return None;
        }
        let mut error = Self {
            reason: Reason::Code(library_code(code)),
            message: percent_decoded(get("grpc-message")),
            fields: Vec::new(),
            request_id: String::new(),
            retry_after: None,
        };
        if let Some(status) = details(get("grpc-status-details-bin")) {
            error.add(&status);
        }
        Some(error)
    }

    /// Whether it is this code of the catalogue.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.reason == Reason::Code(code)
    }

    /// What is wrong with a field of the request; `None` when nothing is.
    pub fn field(&self, name: &str) -> Option<String> {
        let found = self.fields.iter().find(|field| field.field == name);
        found.map(|field| field.message.clone())
    }

    /// The code as it is written in the catalogue.
    pub fn code(&self) -> &str {
        match &self.reason {
            Reason::Network => "network",
            Reason::Code(code) => code.as_str(),
            Reason::Unknown(code) => code,
        }
    }

    fn add(&mut self, status: &pb::Status) {
        for detail in &status.details {
            let bytes = detail.value.as_slice();
            match detail.type_url.as_str() {
                ERROR_INFO => {
                    let info = pb::ErrorInfo::decode(bytes).unwrap_or_default();
                    if info.domain == ERROR_DOMAIN {
                        let code = info.reason.to_ascii_lowercase();
                        self.reason = ErrorCode::parse(&code).map_or(Reason::Unknown(code), Reason::Code);
                        self.request_id = info.metadata.get("request_id").cloned().unwrap_or_default();
                    }
                }
                BAD_REQUEST => {
                    let bad = pb::BadRequest::decode(bytes).unwrap_or_default();
                    self.fields = bad.field_violations.into_iter().map(FieldError::from).collect();
                }
                RETRY_INFO => {
                    let retry = pb::RetryInfo::decode(bytes).unwrap_or_default();
                    let delay = retry.retry_delay.unwrap_or_default();
                    let more = u64::from(delay.nanos > 0);
                    self.retry_after = u64::try_from(delay.seconds).ok().map(|seconds| seconds + more);
                }
                _ => {}
            }
        }
    }
}

impl From<pb::bad_request::FieldViolation> for FieldError {
    fn from(violation: pb::bad_request::FieldViolation) -> Self {
        Self {
            field: violation.field,
            message: violation.description,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)
    }
}

/// The catalogue's code for a gRPC code without details of ours: a proxy's, or a library's.
fn library_code(code: i32) -> ErrorCode {
    match code {
        3 => ErrorCode::InvalidArgument,
        4 => ErrorCode::Timeout,
        5 | 12 => ErrorCode::NotFound,
        7 => ErrorCode::Forbidden,
        16 => ErrorCode::Unauthorized,
        8 | 10 | 14 => ErrorCode::Unavailable,
        _ => ErrorCode::Internal,
    }
}

fn details(text: &str) -> Option<pb::Status> {
    let text = text.trim_end_matches('=');
    let bytes = BASE64_NOPAD.decode(text.as_bytes()).ok();
    let bytes = bytes.or_else(|| BASE64.decode(text.as_bytes()).ok())?;
    pb::Status::decode(bytes.as_slice()).ok()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_with_its_fields_its_request_and_its_wait() {
        let info = pb::ErrorInfo {
            reason: "RATE_LIMITED".to_owned(),
            domain: ERROR_DOMAIN.to_owned(),
            metadata: [("request_id".to_owned(), "0192".to_owned())].into(),
        };
        let bad = pb::BadRequest {
            field_violations: vec![pb::bad_request::FieldViolation {
                field: "username".to_owned(),
                description: "may not be empty".to_owned(),
                ..Default::default()
            }],
        };
        let retry = pb::RetryInfo {
            retry_delay: Some(prost_types_duration(29, 1)),
        };
        let status = pb::Status {
            code: 8,
            message: String::new(),
            details: vec![
                any(ERROR_INFO, info.encode_to_vec()),
                any(BAD_REQUEST, bad.encode_to_vec()),
                any(RETRY_INFO, retry.encode_to_vec()),
            ],
        };
        let trailers = [
            ("grpc-status", "8".to_owned()),
            ("grpc-message", "Too%20many \u{2026} %zz 5%".to_owned()),
            ("grpc-status-details-bin", BASE64.encode(&status.encode_to_vec())),
        ];

        let error = ApiError::from_trailers(&trailers.map(|(name, value)| (name.to_owned(), value)).into()).unwrap();

        assert!(error.is(ErrorCode::RateLimited), "{error:?}");
        assert_eq!(error.message, "Too many \u{2026} %zz 5%");
        assert_eq!((error.retry_after, error.request_id.as_str()), (Some(30), "0192"));
        assert_eq!(error.field("username").as_deref(), Some("may not be empty"));
        assert_eq!(error.field("password"), None);
    }

    #[test]
    fn a_status_without_our_details_is_told_by_its_number() {
        let cases = [
            ("0", None),
            ("16", Some("unauthorized")),
            ("14", Some("unavailable")),
            ("13", Some("internal")),
            ("", Some("internal")),
        ];
        for (number, expected) in cases {
            let trailers = [("grpc-status".to_owned(), number.to_owned())].into();

            let error = ApiError::from_trailers(&trailers);

            assert_eq!(error.as_ref().map(ApiError::code), expected, "{number}");
        }
    }

    fn any(type_url: &str, value: Vec<u8>) -> prost_types::Any {
        prost_types::Any {
            type_url: type_url.to_owned(),
            value,
        }
    }

    fn prost_types_duration(seconds: i64, nanos: i32) -> prost_types::Duration {
        prost_types::Duration { seconds, nanos }
    }
}
