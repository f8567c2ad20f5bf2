//! [`Invalid`]: why a message is not acceptable, and the two ways most fields are read.

use std::fmt::Display;
use std::str::FromStr;

use domain::ErrorCode;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Name of the field as JSON spells it; parts of lists as `args[3]`.
    pub field: String,
    /// Which rule was broken; always of kind invalid.
    pub code: ErrorCode,
    /// What is allowed, in a sentence without the field's name or its value.
    pub message: String,
}

/// A message that cannot be accepted. Never empty; the first problem decides the code of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not acceptable", .problems.first().map_or("the request", |problem| problem.field.as_str()))]
pub struct Invalid {
    problems: Vec<FieldProblem>,
}

impl Invalid {
    /// A value that breaks the field's rule.
    pub fn argument(field: impl Into<String>, message: impl Display) -> Self {
        Self::with_code(field, ErrorCode::InvalidArgument, message)
    }

    /// A required field that is absent or empty.
    pub fn missing(field: impl Into<String>) -> Self {
        Self::with_code(field, ErrorCode::MissingField, "this field is required")
    }

    /// A value that breaks a rule with a code of its own, such as `invalid_repo_url`.
    pub fn with_code(field: impl Into<String>, code: ErrorCode, message: impl Display) -> Self {
        Self {
            problems: vec![FieldProblem {
                field: field.into(),
                code,
                message: message.to_string(),
            }],
        }
    }

    /// The code of the answer.
    pub fn code(&self) -> ErrorCode {
        self.problems
            .first()
            .map_or(ErrorCode::InvalidArgument, |problem| problem.code)
    }

    /// What is wrong, in the order of the message's fields.
    pub fn problems(&self) -> &[FieldProblem] {
        &self.problems
    }
}

/// Reads a field that must be there. Errors: `missing_field` when it is empty, `invalid_argument` when it does not parse.
pub fn required<T>(field: &str, text: &str) -> Result<T, Invalid>
where
    T: FromStr,
    T::Err: Display,
{
    if text.is_empty() {
        return Err(Invalid::missing(field));
    }
    parse(field, text)
}

/// Reads a field that may be empty. Errors: `invalid_argument` when it is not empty and does not parse.
pub fn optional<T>(field: &str, text: &str) -> Result<Option<T>, Invalid>
where
    T: FromStr,
    T::Err: Display,
{
    if text.is_empty() {
        Ok(None)
    } else {
        parse(field, text).map(Some)
    }
}

/// Reads a field. Errors: `invalid_argument` with the type's own sentence.
pub fn parse<T>(field: &str, text: &str) -> Result<T, Invalid>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| Invalid::argument(field, error))
}

#[cfg(test)]
mod tests {
    use domain::id::HostId;

    use super::*;

    #[test]
    fn an_empty_required_field_is_missing_and_a_bad_one_is_invalid() {
        let missing = required::<HostId>("host_id", "").unwrap_err();
        let bad = required::<HostId>("host_id", "x").unwrap_err();

        assert_eq!(
            (missing.code(), missing.problems()[0].field.as_str()),
            (ErrorCode::MissingField, "host_id")
        );
        assert_eq!(bad.code(), ErrorCode::InvalidArgument);
        assert!(bad.problems()[0].message.starts_with("not a host id"), "{bad:?}");
    }

    #[test]
    fn an_empty_optional_field_is_none() {
        assert_eq!(optional::<HostId>("host_id", ""), Ok(None));
    }
}
