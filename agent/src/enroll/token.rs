//! Where the enrollment token comes from: environment, file or stdin, and never the argument vector, which everybody on
//! the machine can read.

use std::io::{self, Read as _};
use std::path::PathBuf;

use domain::Secret;
use domain::enrollment::{EnrollmentToken, InvalidEnrollmentToken};

use crate::config::env;

/// A token has about 150 bytes.
const MAX_BYTES: u64 = 4096;

/// Where the token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// In `RM_TOKEN`.
    Environment,
    /// On stdin.
    Stdin,
    /// In a file.
    File(PathBuf),
}

/// A token that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none.
    #[error(
        "there is no enrollment token: set {}, or give a file with --token-file (- is stdin)",
        env::TOKEN
    )]
    Absent,
    /// The file or stdin could not be read.
    #[error("could not read the enrollment token")]
    Read(#[source] io::Error),
    /// It is not a token.
    #[error(transparent)]
    Invalid(InvalidEnrollmentToken),
}

/// Reads the token and checks its form.
pub fn read_token(source: &TokenSource) -> Result<EnrollmentToken, Error> {
    let text = match source {
        TokenSource::Environment => std::env::var(env::TOKEN).map_err(|_| Error::Absent)?,
        TokenSource::Stdin => read(io::stdin())?,
        TokenSource::File(path) => read(std::fs::File::open(path).map_err(Error::Read)?)?,
    };
    let text = Secret::new(text);
    if text.expose().trim().is_empty() {
        return Err(Error::Absent);
    }
    EnrollmentToken::parse(text.expose()).map_err(Error::Invalid)
}

fn read(from: impl io::Read) -> Result<String, Error> {
    let mut text = String::new();
    from.take(MAX_BYTES).read_to_string(&mut text).map_err(Error::Read)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use domain::id::EnrollmentTokenId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_is_read_from_a_file_with_a_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let token = EnrollmentToken::new(
            EnrollmentTokenId::from_uuid(Uuid::from_u128(1)),
            &Secret::new([7; 17]),
            "ab".repeat(32).parse().unwrap(),
        );
        std::fs::write(&path, format!("{}\n", token.encode().expose())).unwrap();

        assert_eq!(read_token(&TokenSource::File(path)).unwrap(), token);
    }

    #[test]
    fn an_empty_file_has_no_token_and_a_mangled_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let source = TokenSource::File(path.clone());

        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(read_token(&source), Err(Error::Absent)));
        std::fs::write(&path, "rme1_not_a_token").unwrap();
        assert!(matches!(read_token(&source), Err(Error::Invalid(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(read_token(&source), Err(Error::Read(_))));
    }
}
