//! The error body of the REST face: `{"code", "message"}` inside `application/problem+json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::id::RequestId;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::app::{Refusal, whole_seconds};
use crate::grpc::status;

/// The body of every answer that is not a success.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    /// The stable code.
    pub code: &'static str,
    /// What happened and what to do next.
    pub message: String,
    /// The catalogue's entry of the code.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The same as `message`, under the name of RFC 9457.
    pub detail: String,
    /// The fields that stand in the way; empty when none does.
    pub errors: Vec<FieldError>,
    /// The request's id, for whoever runs the server.
    pub request_id: String,
    /// Seconds until trying again makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// The code's entry in the catalogue that this server serves.
    pub help_url: String,
}

/// One field that stands in the way.
#[derive(Debug, Serialize)]
pub(super) struct FieldError {
    /// Its name.
    pub field: String,
    /// The stable code of the rule it breaks.
    pub reason: &'static str,
    /// What is allowed.
    pub message: String,
}

impl Problem {
    /// Writes a refusal.
    pub(super) fn new(refusal: &Refusal, request: RequestId, base_url: &str) -> Self {
        let Refusal {
            code,
            message,
            fields,
            retry_after,
        } = refusal;
        let errors = fields.iter().map(|field| FieldError {
            field: field.name.clone(),
            reason: field.code.as_str(),
            message: field.message.clone(),
        });
        Self {
            code: code.as_str(),
            title: code.meaning(),
            status: status::http_status(*code).as_u16(),
            detail: message.clone(),
            message: message.clone(),
            errors: errors.collect(),
            request_id: request.to_string(),
            retry_after_seconds: retry_after.map(whole_seconds),
            help_url: format!("{base_url}/help/errors#{code}"),
        }
    }

    /// The whole answer.
    pub(super) fn into_response(self) -> Response<Bytes> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Reads the refusal that the transcoder wrote as `{"code": <number>, "message", "details"}`.
pub(super) fn refusal_of_transcoder(body: &[u8]) -> Refusal {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let code = value["code"]
        .as_i64()
        .and_then(|code| i32::try_from(code).ok())
        .unwrap_or(-1);
    let details = value["details"].as_array().map_or(&[][..], Vec::as_slice);
    status::read_parts(code, value["message"].as_str().unwrap_or_default(), encoded(details))
}

/// Reads the refusal that ended a stream of the transcoder.
pub(super) fn refusal_of_stream(ended: &rest_over_grpc::handling::Status) -> Refusal {
    status::read_parts(ended.code().as_i32(), ended.message(), encoded(ended.details()))
}

fn encoded(details: &[Value]) -> Option<Vec<u8>> {
    let mut ours = details
        .iter()
        .filter(|detail| detail["kind"] == "grpc-status-details-bin");
    ours.find_map(|detail| STANDARD.decode(detail["value"].as_str()?).ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::ErrorCode;
    use uuid::Uuid;

    use super::*;
    use crate::app::Field;

    #[test]
    fn a_refusal_becomes_the_documented_body() {
        let refusal = Refusal {
            message: "wait".to_owned(),
            fields: vec![Field {
                name: "username".to_owned(),
                code: ErrorCode::InvalidArgument,
                message: "letters".to_owned(),
            }],
            retry_after: Some(Duration::from_millis(1500)),
            ..Refusal::of(ErrorCode::RateLimited)
        };

        let problem = Problem::new(&refusal, RequestId::from_uuid(Uuid::nil()), "http://localhost:8080");

        assert_eq!(
            (problem.code, problem.status, problem.retry_after_seconds),
            ("rate_limited", 429, Some(2))
        );
        assert_eq!(problem.errors[0].reason, "invalid_argument");
        assert_eq!(problem.help_url, "http://localhost:8080/help/errors#rate_limited");
    }

    #[test]
    fn what_the_transcoder_says_by_itself_is_told_by_its_code() {
        let body = br#"{"code": 3, "message": "invalid type: integer", "details": []}"#;

        assert_eq!(refusal_of_transcoder(body), Refusal::of(ErrorCode::InvalidArgument));
        assert_eq!(refusal_of_transcoder(b"not json"), Refusal::of(ErrorCode::Internal));
    }
}
