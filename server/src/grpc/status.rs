//! The one error table: kinds of refusals, gRPC codes and HTTP statuses side by side.

use std::error::Error as StdError;
use std::fmt::Write as _;

use domain::id::RequestId;
use domain::{ErrorCode, ErrorKind};
use http::StatusCode;
use proto::convert::Invalid;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::app::{Error, Field, Refusal};

/// The `domain` of every `google.rpc.ErrorInfo` we send.
pub const ERROR_DOMAIN: &str = "restic-manager";

/// The gRPC code and the HTTP status of a kind of refusal.
pub const fn codes(kind: ErrorKind) -> (Code, StatusCode) {
    match kind {
        ErrorKind::NotFound => (Code::NotFound, StatusCode::NOT_FOUND),
        ErrorKind::Conflict => (Code::FailedPrecondition, StatusCode::CONFLICT),
        ErrorKind::Invalid => (Code::InvalidArgument, StatusCode::BAD_REQUEST),
        ErrorKind::Unauthenticated => (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
        ErrorKind::Forbidden => (Code::PermissionDenied, StatusCode::FORBIDDEN),
        ErrorKind::Gone => (Code::FailedPrecondition, StatusCode::GONE),
        ErrorKind::TooLarge => (Code::ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE),
        ErrorKind::RateLimited => (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
        ErrorKind::Unavailable => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        ErrorKind::TimedOut => (Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
        ErrorKind::Internal => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The HTTP status of a code. `method_not_allowed` is the one that differs from its kind's.
pub const fn http_status(code: ErrorCode) -> StatusCode {
    if matches!(code, ErrorCode::MethodNotAllowed) {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    codes(code.kind()).1
}

/// Writes a refusal as a status with `ErrorInfo`, the fields as `BadRequest` and the wait as `RetryInfo`.
pub fn refused(refusal: &Refusal, request: RequestId) -> Status {
    let Refusal {
        code,
        message,
        fields,
        retry_after,
    } = refusal;
    let mut details = ErrorDetails::new();
    let metadata = [("request_id".to_owned(), request.to_string())];
    details.set_error_info(code.as_str().to_ascii_uppercase(), ERROR_DOMAIN, metadata);
    if !fields.is_empty() {
        details.set_bad_request(fields.iter().map(violation).collect::<Vec<_>>());
    }
    if let Some(wait) = retry_after {
        details.set_retry_info(Some(*wait));
    }
    Status::with_error_details(codes(code.kind()).0, message, details)
}

/// Writes an error of the app.
pub fn status(error: &Error, request: RequestId) -> Status {
    refused(&refusal_of(error, request), request)
}

/// What an error of the app tells the caller. What is not a refusal is logged here, once, and leaves as `internal` or
/// `unavailable`.
pub fn refusal_of(error: &Error, request: RequestId) -> Refusal {
    let code = match error {
        Error::Refused(refusal) => return (**refusal).clone(),
        Error::Store(_) | Error::Failed { .. } => error.passing().unwrap_or(ErrorCode::Internal),
    };
    tracing::error!(request.id = %request, error = %chain(error), "request failed");
    Refusal::of(code)
}

/// Writes a code with the catalogue's sentence.
pub fn plain(code: ErrorCode, request: RequestId) -> Status {
    refused(&Refusal::of(code), request)
}

/// Reads a status back. One without our `ErrorInfo` was made by a library: it is told by its code, and its own words
/// stay here.
pub fn read(status: &Status) -> Refusal {
    let details = status.get_error_details();
    let ours = details.error_info().filter(|info| info.domain == ERROR_DOMAIN);
    let Some(code) = ours.and_then(|info| ErrorCode::parse(&info.reason.to_ascii_lowercase())) else {
        return Refusal::of(library_code(status.code()));
    };
    let fields = details
        .bad_request()
        .map_or_else(Vec::new, |bad| bad.field_violations.iter().map(field).collect());
    let retry_after = details.retry_info().and_then(|retry| retry.retry_delay);
    Refusal {
        code,
        message: status.message().to_owned(),
        fields,
        retry_after,
    }
}

/// Reads a status from its parts, as the REST bridge carries them: the number of its code, its message and its encoded
/// details, if it has any.
pub fn read_parts(code: i32, message: &str, details: Option<Vec<u8>>) -> Refusal {
    let code = Code::from_i32(code);
    read(&match details {
        Some(details) => Status::with_details(code, message, details.into()),
        None => Status::new(code, message),
    })
}

/// Writes a refusal as gRPC answers over HTTP/2, for what is refused before a service is reached.
pub fn http_response<B: Default>(refusal: &Refusal, request: RequestId) -> http::Response<B> {
    refused(refusal, request).into_http()
}

/// Writes what gRPC answers to a method that does not exist.
pub fn unimplemented<B: Default>() -> http::Response<B> {
    Status::unimplemented("there is no such method").into_http()
}

/// The code for a status that a library made.
const fn library_code(code: Code) -> ErrorCode {
    match code {
        Code::InvalidArgument => ErrorCode::InvalidArgument,
        Code::NotFound | Code::Unimplemented => ErrorCode::NotFound,
        Code::Unauthenticated => ErrorCode::Unauthorized,
        Code::PermissionDenied => ErrorCode::Forbidden,
        Code::DeadlineExceeded | Code::Cancelled => ErrorCode::Timeout,
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted => ErrorCode::Unavailable,
        Code::Ok
        | Code::Unknown
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Internal
        | Code::DataLoss => ErrorCode::Internal,
    }
}

/// Writes a message that could not be converted.
pub fn invalid(invalid: &Invalid, request: RequestId) -> Status {
    refused(&refusal_of_invalid(invalid), request)
}

/// What a message that could not be converted tells the caller.
pub fn refusal_of_invalid(invalid: &Invalid) -> Refusal {
    let fields: Vec<Field> = invalid
        .problems()
        .iter()
        .map(|problem| Field {
            name: problem.field.clone(),
            code: problem.code,
            message: problem.message.clone(),
        })
        .collect();
    let message = fields.first().map_or_else(
        || invalid.code().meaning().to_owned(),
        |field| format!("{}: {}", field.name, field.message),
    );
    Refusal {
        code: invalid.code(),
        message,
        fields,
        retry_after: None,
    }
}

fn field(violation: &FieldViolation) -> Field {
    let code = ErrorCode::parse(&violation.reason.to_ascii_lowercase()).unwrap_or(ErrorCode::InvalidArgument);
    Field {
        name: violation.field.clone(),
        code,
        message: violation.description.clone(),
    }
}

fn violation(field: &Field) -> FieldViolation {
    let mut violation = FieldViolation::new(&field.name, &field.message);
    violation.reason = field.code.as_str().to_ascii_uppercase();
    violation
}

/// An error and its causes in one line.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_code_has_the_status_of_the_catalogue() {
        for code in ErrorCode::ALL {
            let expected = match code.kind() {
                ErrorKind::NotFound if *code == ErrorCode::MethodNotAllowed => 405,
                ErrorKind::NotFound => 404,
                ErrorKind::Conflict => 409,
                ErrorKind::Invalid => 400,
                ErrorKind::Unauthenticated => 401,
                ErrorKind::Forbidden => 403,
                ErrorKind::Gone => 410,
                ErrorKind::TooLarge => 413,
                ErrorKind::RateLimited => 429,
                ErrorKind::Unavailable => 503,
                ErrorKind::TimedOut => 504,
                ErrorKind::Internal => 500,
            };
            assert_eq!(http_status(*code).as_u16(), expected, "{code}");
        }
    }

    #[test]
    fn a_refusal_survives_the_status() {
        let refusal = Refusal {
            code: ErrorCode::RateLimited,
            message: "wait".to_owned(),
            fields: vec![Field {
                name: "a".to_owned(),
                code: ErrorCode::MissingField,
                message: "needed".to_owned(),
            }],
            retry_after: Some(Duration::from_millis(1500)),
        };

        let status = refused(&refusal, RequestId::from_uuid(Uuid::nil()));

        assert_eq!(read(&status), refusal);
        assert_eq!(
            read_parts(status.code() as i32, status.message(), Some(status.details().to_vec())),
            refusal
        );
    }

    #[test]
    fn the_words_of_a_library_stay_inside() {
        let refusal = read(&Status::invalid_argument(
            "invalid type: integer `5`, expected a string at line 1",
        ));

        assert_eq!(refusal, Refusal::of(ErrorCode::InvalidArgument));
    }

    #[test]
    fn a_refusal_carries_its_code_fields_and_wait() {
        let refusal = Refusal {
            code: ErrorCode::InvalidArgument,
            message: "hostname: too long".to_owned(),
            fields: vec![Field {
                name: "hostname".to_owned(),
                code: ErrorCode::InvalidArgument,
                message: "too long".to_owned(),
            }],
            retry_after: Some(Duration::from_secs(7)),
        };

        let status = refused(&refusal, RequestId::from_uuid(Uuid::nil()));

        let details = status.get_error_details();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            details.error_info().map(|info| info.reason.as_str()),
            Some("INVALID_ARGUMENT")
        );
        assert_eq!(
            details.bad_request().map(|bad| bad.field_violations[0].field.as_str()),
            Some("hostname")
        );
        assert_eq!(
            details.retry_info().and_then(|retry| retry.retry_delay),
            Some(Duration::from_secs(7))
        );
    }

    #[test]
    fn a_failure_does_not_say_why() {
        let error = Error::failed("sealing a password", "the master key is gone");

        let status = status(&error, RequestId::from_uuid(Uuid::nil()));

        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("master key"), "{}", status.message());
    }

    #[test]
    fn a_chain_prints_each_cause_once() {
        let error = Error::failed("sealing", std::io::Error::other("disk full"));

        assert_eq!(chain(&error), "sealing failed: disk full");
    }
}
