//! [`CredentialSlot`]: the two sets of credentials that a repository can have.

use std::fmt;
use std::str::FromStr;

/// Which of a repository's two sets of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialSlot {
    /// Backs up and reads; where the storage can, it may only append. Rests sealed on the hosts that use it.
    Everyday,
    /// May delete. Travels inside the one job that needs it and rests on no host.
    Admin,
}

/// A word that is no credential slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a credential slot: everyday or admin is needed")]
pub struct InvalidCredentialSlot;

impl CredentialSlot {
    /// Both slots.
    pub const ALL: [Self; 2] = [Self::Everyday, Self::Admin];

    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyday => "everyday",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for CredentialSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CredentialSlot {
    type Err = InvalidCredentialSlot;

    fn from_str(text: &str) -> Result<Self, InvalidCredentialSlot> {
        Self::ALL
            .into_iter()
            .find(|slot| slot.as_str() == text)
            .ok_or(InvalidCredentialSlot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_slots_agree() {
        for slot in CredentialSlot::ALL {
            assert_eq!(slot.as_str().parse(), Ok(slot));
        }
        assert_eq!("root".parse::<CredentialSlot>(), Err(InvalidCredentialSlot));
    }
}
