//! [`Error`]: why an operation did not happen.

use std::time::Duration;

use domain::{ErrorCode, ErrorKind};

use crate::passwords;
use crate::store;

/// Why an operation did not happen. A refusal is meant for the caller; everything else is for the server's log, and the
/// caller learns only the kind and the request id.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be granted.
    #[error("refused: {}", .0.code)]
    Refused(Box<Refusal>),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] store::Error),
    /// Something in the server failed.
    #[error("{doing} failed")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: ErrorCode,
    /// What happened and what to do next, in a sentence for operators.
    pub message: String,
    /// The fields it is about; empty when it is about none.
    pub fields: Vec<Field>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Says no with the catalogue's sentence.
    pub fn of(code: ErrorCode) -> Self {
        let retry_after = (code.kind() == ErrorKind::Unavailable).then_some(Duration::from_secs(1));
        Self {
            code,
            message: code.meaning().to_owned(),
            fields: Vec::new(),
            retry_after,
        }
    }
}

/// One field of a request that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The field's name as JSON spells it.
    pub name: String,
    /// Which rule it breaks.
    pub code: ErrorCode,
    /// What is allowed.
    pub message: String,
}

impl From<passwords::Error> for Error {
    fn from(error: passwords::Error) -> Self {
        match error {
            passwords::Error::Busy => Self::refuse(ErrorCode::Unavailable),
            passwords::Error::Unreadable { .. }
            | passwords::Error::Failed { .. }
            | passwords::Error::Interrupted { .. } => Self::failed("checking a password", error),
        }
    }
}

impl Error {
    /// Refuses with the catalogue's sentence.
    pub fn refuse(code: ErrorCode) -> Self {
        Self::Refused(Box::new(Refusal::of(code)))
    }

    /// Refuses with a sentence of its own.
    pub fn refuse_with(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal {
            message: message.into(),
            ..Refusal::of(code)
        }))
    }

    /// Refuses because of one field.
    pub fn refuse_field(code: ErrorCode, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let fields = vec![Field {
            name: field.to_owned(),
            code,
            message: message.clone(),
        }];
        Self::Refused(Box::new(Refusal {
            code,
            message,
            fields,
            retry_after: None,
        }))
    }

    /// Refuses until some time has passed.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::Refused(Box::new(Refusal {
            message: format!("Too many attempts. Try again in {} s.", whole_seconds(retry_after)),
            retry_after: Some(retry_after),
            ..Refusal::of(ErrorCode::RateLimited)
        }))
    }

    /// A failure of the server while `doing` something.
    pub fn failed(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed {
            doing,
            source: source.into(),
        }
    }

    /// The code of a failure that passes: the database cannot answer for a while. Later is fine.
    pub const fn passing(&self) -> Option<ErrorCode> {
        match self {
            Self::Store(store::Error::Busy | store::Error::Away { .. }) => Some(ErrorCode::Unavailable),
            Self::Store(store::Error::Full { .. }) => Some(ErrorCode::StorageFull),
            Self::Store(_) | Self::Refused(_) | Self::Failed { .. } => None,
        }
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Store(_) | Self::Failed { .. } => None,
        }
    }
}

/// A time to wait in whole seconds, never too short.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
