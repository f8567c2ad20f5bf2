//! [`LoginName`] and [`RepositoryPassword`]: the parts of credentials that have rules of their own.

use std::fmt;
use std::str::FromStr;

use crate::Secret;

/// The name with which a host signs in at a repository's server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(String);

/// A text that is no [`LoginName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user name has 1 to {} bytes, no colon and no control characters, and does not begin with a hyphen",
    LoginName::MAX_BYTES
)]
pub struct InvalidLoginName;

/// The password that encrypts a repository, as restic can be given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryPassword(Secret<String>);

/// A text that is no [`RepositoryPassword`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a repository password has 1 to {} bytes, no control characters and no white space at its ends, which restic cuts off",
    RepositoryPassword::MAX_BYTES
)]
pub struct InvalidRepositoryPassword;

impl LoginName {
    /// The most bytes that a name can have.
    pub const MAX_BYTES: usize = 256;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LoginName {
    type Err = InvalidLoginName;

    fn from_str(text: &str) -> Result<Self, InvalidLoginName> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        // HTTP's basic login splits name and password at the first colon.
        let has_foreign = text.chars().any(|character| character == ':' || character.is_control());
        if fits && !text.starts_with('-') && !has_foreign {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidLoginName)
        }
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RepositoryPassword {
    /// The most bytes that a password can have.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a password that reaches restic unchanged.
    pub fn new(password: Secret<String>) -> Result<Self, InvalidRepositoryPassword> {
        let text = password.expose();
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        // restic trims what it reads from a file or a descriptor.
        if fits && text.trim() == text && !text.chars().any(char::is_control) {
            Ok(Self(password))
        } else {
            Err(InvalidRepositoryPassword)
        }
    }

    /// The password.
    pub const fn secret(&self) -> &Secret<String> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_names_are_what_a_basic_login_can_carry() {
        for text in ["web-01", "ü @x", &"u".repeat(256)] {
            assert_eq!(text.parse::<LoginName>().unwrap().as_str(), text);
        }
        for text in ["", "-x", "a:b", "a\nb", "a\0", &"u".repeat(257)] {
            assert_eq!(text.parse::<LoginName>(), Err(InvalidLoginName), "{text:?}");
        }
    }

    #[test]
    fn passwords_that_restic_would_change_are_refused() {
        for text in ["x", "correct horse", "pass:wörd", &"p".repeat(1024)] {
            assert!(password(text).is_ok(), "{text:?}");
        }
        for text in ["", " x", "x ", "x\u{a0}", "a\nb", "a\0b", &"p".repeat(1025)] {
            assert_eq!(password(text), Err(InvalidRepositoryPassword), "{text:?}");
        }
    }

    fn password(text: &str) -> Result<RepositoryPassword, InvalidRepositoryPassword> {
        RepositoryPassword::new(Secret::new(text.to_owned()))
    }
}
