//! Enrollment tokens: which of them a list shows, and where each is in its life.

use proto::v1::{EnrollmentToken, EnrollmentTokenState, ListEnrollmentTokensRequest};

use super::list_page::ListPage;
use super::status::{Badge, Tone};
use crate::i18n::t;

/// How many tokens are on a page.
pub const PAGE_SIZE: u32 = 50;
/// The address of the list.
pub const PATH: &str = "/settings/tokens";

/// The states that the list can be filtered by.
pub const STATES: [(EnrollmentTokenState, &str); 4] = [
    (EnrollmentTokenState::Active, "active"),
    (EnrollmentTokenState::Used, "used"),
    (EnrollmentTokenState::Expired, "expired"),
    (EnrollmentTokenState::Revoked, "revoked"),
];

/// How long a token may live, in seconds; the first is the server's own choice.
pub const LIVES: [u32; 4] = [3600, 8 * 3600, 86_400, 7 * 86_400];

/// Filter and page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokensQuery {
    /// Only this state; unspecified: all.
    pub state: EnrollmentTokenState,
    /// Which page.
    pub page: ListPage,
}

impl TokensQuery {
    /// Reads an address. What it does not know is left out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let wanted = get("state").unwrap_or_default();
        Self {
            state: state(&wanted),
            page: ListPage::read(get),
        }
    }

    /// The address of a page of this list.
    pub fn path(&self, page: &ListPage) -> String {
        page.path(PATH, &[("state", word(self.state))])
    }

    /// The call that answers it.
    pub fn request(self) -> ListEnrollmentTokensRequest {
        ListEnrollmentTokensRequest {
            state: self.state.into(),
            page_size: PAGE_SIZE.cast_signed(),
            page_token: self.page.after,
        }
    }
}

/// The word of a state in addresses; empty for all.
pub fn word(state: EnrollmentTokenState) -> &'static str {
    STATES
        .iter()
        .find(|(known, _)| *known == state)
        .map_or("", |(_, word)| word)
}

/// The state of a word; unspecified for one that is not known.
pub fn state(word: &str) -> EnrollmentTokenState {
    let found = STATES.iter().find(|(_, known)| *known == word);
    found.map_or(EnrollmentTokenState::Unspecified, |(state, _)| *state)
}

/// Where a token is in its life at this moment: one that ran out since it was read is over too.
pub fn state_at(token: &EnrollmentToken, now: i64) -> EnrollmentTokenState {
    let is_over = crate::millis!(token.expires_at).is_some_and(|end| end <= now);
    let state = token.state();
    if state == EnrollmentTokenState::Active && is_over {
        EnrollmentTokenState::Expired
    } else {
        state
    }
}

/// A state as shape and word.
pub const fn badge(state: EnrollmentTokenState) -> Badge {
    let (label, tone, glyph) = match state {
        EnrollmentTokenState::Unspecified => (t::STATE_UNKNOWN, Tone::Off, "g-pending"),
        EnrollmentTokenState::Active => (t::TOKEN_STATE_ACTIVE, Tone::Off, "g-waiting"),
        EnrollmentTokenState::Used => (t::TOKEN_STATE_USED, Tone::Ok, "g-ok"),
        EnrollmentTokenState::Expired => (t::TOKEN_STATE_EXPIRED, Tone::Off, "g-stale"),
        EnrollmentTokenState::Revoked => (t::TOKEN_STATE_REVOKED, Tone::Off, "g-cancelled"),
    };
    Badge { label, tone, glyph }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_the_state_and_is_read_back() {
        for (known, text) in STATES {
            let query = TokensQuery::read(|name| (name == "state").then(|| text.to_owned()));
            assert_eq!((query.state, word(known)), (known, text));
            assert_eq!(query.path(&query.page), format!("/settings/tokens?state={text}"));
            assert_eq!(query.request().state, known as i32);
        }
        let all = TokensQuery::read(|name| (name == "state").then(|| "lost".to_owned()));
        assert_eq!(all, TokensQuery::read(|_| None));
        assert_eq!(all.path(&all.page.next("x")), "/settings/tokens?page=2&after=x");
    }

    #[test]
    fn a_token_that_ran_out_since_it_was_read_is_over() {
        let token = |state: EnrollmentTokenState| EnrollmentToken {
            state: state.into(),
            expires_at: Some(pbjson_types::Timestamp { seconds: 10, nanos: 0 }),
            ..EnrollmentToken::default()
        };
        let active = token(EnrollmentTokenState::Active);
        assert_eq!(state_at(&active, 9_999), EnrollmentTokenState::Active);
        assert_eq!(state_at(&active, 10_000), EnrollmentTokenState::Expired);
        assert_eq!(
            state_at(&token(EnrollmentTokenState::Used), 10_000),
            EnrollmentTokenState::Used
        );
    }

    #[test]
    fn every_state_has_a_word_and_a_shape_of_its_own() {
        let sprite = include_str!("../../assets/sprite.svg");
        for (index, (state, _)) in STATES.iter().enumerate() {
            let one = badge(*state);
            assert!(sprite.contains(&format!("id=\"{}\"", one.glyph)), "{one:?}");
            for (other, _) in &STATES[index + 1..] {
                assert_ne!(one.label, badge(*other).label);
                assert_ne!(one.glyph, badge(*other).glyph);
            }
        }
    }
}
