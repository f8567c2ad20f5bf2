//! [`Mode`]: what sets a job apart from the usual one of its kind.

use std::fmt;
use std::str::FromStr;

/// What sets a job apart from the usual one of its kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nothing does.
    #[default]
    Usual,
    /// An init that fails where a repository is, instead of adopting it. What it makes is the repository from then on.
    Anew,
    /// An unlock of all locks, also of those whose owner may be at work.
    All,
}

/// A word that is no mode of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mode of a job: usual, anew or all is needed")]
pub struct InvalidMode;

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Usual, Self::Anew, Self::All];

    /// The stable word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Anew => "anew",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = InvalidMode;

    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or(InvalidMode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_modes_agree() {
        for mode in Mode::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
        }
        assert_eq!("twice".parse::<Mode>(), Err(InvalidMode));
    }
}
