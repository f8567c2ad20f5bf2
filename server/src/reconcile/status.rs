//! How a run of a reconciler ended.

use std::error::Error;
use std::fmt::Write as _;

/// How a run of a reconciler ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It did what was due; in a few words, such as "3 sessions removed".
    Done(String),
    /// It could not; why, with all causes.
    Failed(String),
}

impl Status {
    /// It did what was due.
    pub fn done(what: impl Into<String>) -> Self {
        Self::Done(what.into())
    }

    /// It failed, with an error and its causes.
    pub fn failed(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            write!(text, ": {next}").expect("writing to a string cannot fail");
            cause = next.source();
        }
        Self::Failed(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the database failed")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_failure_names_all_its_causes() {
        let error = Outer(io::Error::other("disk full"));

        assert_eq!(
            Status::failed(&error),
            Status::Failed("the database failed: disk full".to_owned())
        );
    }
}
