//! What is said of a call that did not succeed: what happened, and what to do.
//!
//! The sentences are the server's, which are those of the catalogue in `domain::ErrorCode`; what only the console can
//! know is here.

use domain::ErrorKind;

use crate::i18n::t;
use crate::model::refusal::{ApiError, Reason};

/// The heading for a failure.
pub(crate) fn heading(error: &ApiError) -> &'static str {
    match &error.reason {
        Reason::Network => t::ERROR_NETWORK_HEADING,
        Reason::Unknown(_) => t::ERROR_REFUSED_HEADING,
        Reason::Code(code) => match code.kind() {
            ErrorKind::NotFound => t::ERROR_NOT_FOUND_HEADING,
            ErrorKind::Forbidden => t::ERROR_FORBIDDEN_HEADING,
            ErrorKind::Unauthenticated => t::ERROR_UNAUTHENTICATED_HEADING,
            ErrorKind::RateLimited => t::ERROR_RATE_LIMITED_HEADING,
            ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Internal => t::ERROR_SERVER_HEADING,
            ErrorKind::Conflict | ErrorKind::Invalid | ErrorKind::Gone | ErrorKind::TooLarge => {
                t::ERROR_REFUSED_HEADING
            }
        },
    }
}

/// The sentence for a failure.
pub(crate) fn sentence(error: &ApiError) -> String {
    match &error.reason {
        Reason::Network => t::ERROR_NETWORK.to_owned(),
        Reason::Code(code) if error.message.is_empty() => code.meaning().to_owned(),
        Reason::Code(_) | Reason::Unknown(_) => error.message.clone(),
    }
}
