//! [`NewPassword`]: a password that a person may set.

use std::fmt;

use crate::Secret;
use crate::name::Username;

/// A password that is long enough, short enough and not the user's name.
#[derive(Debug, Clone)]
pub struct NewPassword(Secret<String>);

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFlaw {
    /// Fewer than [`NewPassword::MIN_CHARACTERS`].
    TooShort,
    /// More than [`NewPassword::MAX_CHARACTERS`].
    TooLong,
    /// It is the user's name, without regard to case.
    IsUsername,
}

/// A password that may not be set, and all that is wrong with it. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", sentence(.flaws))]
pub struct WeakPassword {
    /// In the order of [`PasswordFlaw`].
    pub flaws: Vec<PasswordFlaw>,
}

impl NewPassword {
    /// The fewest characters.
    pub const MIN_CHARACTERS: usize = 12;
    /// The most characters; more would only keep the hash busy.
    pub const MAX_CHARACTERS: usize = 256;

    /// Takes a password for a user of this name.
    pub fn new(password: Secret<String>, username: &Username) -> Result<Self, WeakPassword> {
        let text = password.expose();
        let length = text.chars().count();
        let flaws: Vec<PasswordFlaw> = [
            (length < Self::MIN_CHARACTERS, PasswordFlaw::TooShort),
            (length > Self::MAX_CHARACTERS, PasswordFlaw::TooLong),
            (text.eq_ignore_ascii_case(username.as_str()), PasswordFlaw::IsUsername),
        ]
        .into_iter()
        .filter_map(|(is_flawed, flaw)| is_flawed.then_some(flaw))
        .collect();
        if flaws.is_empty() {
            Ok(Self(password))
        } else {
            Err(WeakPassword { flaws })
        }
    }

    /// The password, for hashing.
    pub const fn secret(&self) -> &Secret<String> {
        &self.0
    }
}

impl fmt::Display for PasswordFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => write!(
                f,
                "the password has fewer than {} characters",
                NewPassword::MIN_CHARACTERS
            ),
            Self::TooLong => write!(
                f,
                "the password has more than {} characters",
                NewPassword::MAX_CHARACTERS
            ),
            Self::IsUsername => f.write_str("the password is the user name"),
        }
    }
}

fn sentence(flaws: &[PasswordFlaw]) -> String {
    flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_refused_for_each_of_its_flaws() {
        use PasswordFlaw::{IsUsername, TooLong, TooShort};
        for (password, username, flaws) in [
            ("correct horse", "anna", vec![]),
            ("twelve chars", "anna", vec![]),
            ("ünïcödé-ünïc", "anna", vec![]),
            (&"x".repeat(256), "anna", vec![]),
            ("eleven char", "anna", vec![TooShort]),
            ("", "anna", vec![TooShort]),
            (&"x".repeat(257), "anna", vec![TooLong]),
            ("Anna@example.org", "anna@EXAMPLE.org", vec![IsUsername]),
            ("ANNA", "anna", vec![TooShort, IsUsername]),
        ] {
            let result = check(password, username);

            let found = result.map_or_else(|weak| weak.flaws, |_| vec![]);
            assert_eq!(found, flaws, "{password}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_not_what_was_typed() {
        let refusal = check("ANNA", "anna").unwrap_err().to_string();

        assert_eq!(
            refusal,
            "the password has fewer than 12 characters; the password is the user name"
        );
    }

    fn check(password: &str, username: &str) -> Result<NewPassword, WeakPassword> {
        NewPassword::new(Secret::from(password.to_owned()), &username.parse().unwrap())
    }
}
