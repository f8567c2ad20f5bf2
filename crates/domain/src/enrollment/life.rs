//! [`TokenState`]: where an enrollment token is in its life, as a function of its row and the time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::{ErrorCode, Timestamp};

/// How long a token may be used: 5 minutes to 7 days, an hour unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenTtl(Duration);

/// A duration outside the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token lives 300 to 604800 seconds (5 minutes to 7 days)")]
pub struct InvalidTtl;

impl TokenTtl {
    /// The shortest.
    pub const MIN: Self = Self(Duration::from_mins(5));
    /// The longest.
    pub const MAX: Self = Self(Duration::from_hours(7 * 24));

    /// Takes a duration within the limits.
    pub fn new(duration: Duration) -> Result<Self, InvalidTtl> {
        let ttl = Self(duration);
        if (Self::MIN..=Self::MAX).contains(&ttl) {
            Ok(ttl)
        } else {
            Err(InvalidTtl)
        }
    }

    /// The duration.
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

impl Default for TokenTtl {
    fn default() -> Self {
        Self(Duration::from_hours(1))
    }
}

/// Where a token is in its life. All but active are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// It can be used.
    Active,
    /// A host has enrolled with it.
    Used,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

/// A word that is no state of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a state of an enrollment token: active, used, expired or revoked is needed")]
pub struct InvalidTokenState;

impl TokenState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Active, Self::Used, Self::Expired, Self::Revoked];

    /// The stable word, as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// What an attempt to use the token is told; `None` while it can be used.
    pub const fn refusal(self) -> Option<ErrorCode> {
        match self {
            Self::Active => None,
            Self::Used => Some(ErrorCode::TokenUsed),
            Self::Expired => Some(ErrorCode::TokenExpired),
            Self::Revoked => Some(ErrorCode::TokenRevoked),
        }
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TokenState {
    type Err = InvalidTokenState;

    fn from_str(text: &str) -> Result<Self, InvalidTokenState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(InvalidTokenState)
    }
}

/// The facts of a token's row that decide on its state. At most one of use and revocation is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLife {
    /// From here on it cannot be used.
    pub expires_at: Timestamp,
    /// The enrollment that used it.
    pub used: Option<TokenUse>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

/// The enrollment that used a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUse {
    /// By the server's clock.
    pub at: Timestamp,
    /// SHA-256 of the public key info in the certificate request.
    pub key: [u8; 32],
    /// The nonce of the attempt.
    pub nonce: String,
}

impl TokenLife {
    /// The state at a moment. Expired is what was neither used nor revoked in time.
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.used.is_some() {
            TokenState::Used
        } else if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if now >= self.expires_at {
            TokenState::Expired
        } else {
            TokenState::Active
        }
    }
}

impl TokenUse {
    /// How long a lost answer can be asked for again.
    pub const REPEAT_WINDOW: Duration = Duration::from_mins(10);

    /// Whether an attempt is the same one once more, because its answer got lost: it then gets that answer again. Any other
    /// attempt with a used token is refused and recorded as a security event.
    pub fn is_repeated_by(&self, key: &[u8; 32], nonce: &str, now: Timestamp) -> bool {
        self.key == *key && self.nonce == nonce && now.since(self.at) <= Self::REPEAT_WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_from_the_row_and_the_time() {
        let used = || Some(use_at(50));
        let revoked = Some(time(60));
        for (used, revoked_at, now, state) in [
            (None, None, 99, "active"),
            (None, None, 100, "expired"),
            (used(), None, 99, "used"),
            (used(), None, 200, "used"),
            (None, revoked, 99, "revoked"),
            (None, revoked, 200, "revoked"),
        ] {
            let life = TokenLife {
                expires_at: time(100),
                used,
                revoked_at,
            };

            assert_eq!(life.state(time(now)).as_str(), state, "{life:?} at {now}");
        }
    }

    #[test]
    fn only_an_active_token_is_not_refused() {
        for state in TokenState::ALL {
            let refusal = state.refusal().map(|code| code.to_string());

            let expected = (state != TokenState::Active).then(|| format!("token_{state}"));
            assert_eq!(refusal, expected);
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    #[test]
    fn only_the_same_attempt_within_ten_minutes_gets_its_answer_again() {
        for (key, nonce, now, repeated) in [
            (1, "n", 0, true),
            (1, "n", 600, true),
            (1, "n", 601, false),
            (2, "n", 1, false),
            (1, "m", 1, false),
        ] {
            let found = use_at(0).is_repeated_by(&[key; 32], nonce, time(now));

            assert_eq!(found, repeated, "{key} {nonce} {now}");
        }
    }

    #[test]
    fn a_token_lives_five_minutes_to_seven_days() {
        for (seconds, allowed) in [(299, false), (300, true), (604_800, true), (604_801, false)] {
            let ttl = TokenTtl::new(Duration::from_secs(seconds));

            assert_eq!(ttl.is_ok(), allowed, "{seconds}");
        }
        assert_eq!(TokenTtl::default().as_duration().as_secs(), 3600);
    }

    fn use_at(second: i64) -> TokenUse {
        TokenUse {
            at: time(second),
            key: [1; 32],
            nonce: "n".to_owned(),
        }
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_seconds(second, 0).unwrap()
    }
}
