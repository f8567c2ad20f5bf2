//! [`EnrollmentToken`]: the text that lets one host enroll.

use std::fmt;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Pin;
use crate::Secret;
use crate::id::EnrollmentTokenId;

const PREFIX: &str = "rme1";
const SECRET_CHARACTERS: usize = 26;
const ID_CHARACTERS: usize = 32;

/// A right to enroll one host: `rme1_<id>_<secret>_<pin>_<checksum>`.
///
/// Id: 32 hex digits, the UUID without hyphens. Secret: 26 characters of `a-z2-7`, 130 bits. Pin: see [`Pin`]. Checksum:
/// the first 8 hex digits of SHA-256 over all before the last underscore, so that a badly copied token is noticed where
/// it is used. Everything is lower case and safe in a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentToken {
    id: EnrollmentTokenId,
    secret: Secret<String>,
    pin: Pin,
}

/// SHA-256 of a token's secret: what the server keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// Why a text is no enrollment token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnrollmentToken {
    /// It does not look like one.
    #[error(
        "this is no enrollment token: one begins with {PREFIX}_ and has five parts; copy it whole from the console"
    )]
    Form,
    /// It looks like one, but characters are missing or changed.
    #[error("the enrollment token was not copied exactly: its checksum is wrong; copy it whole from the console")]
    Checksum,
}

impl EnrollmentToken {
    /// Makes a token. Of the random bytes the first 130 bits are used.
    pub fn new(id: EnrollmentTokenId, random: &Secret<[u8; 17]>, pin: Pin) -> Self {
        let mut secret = BASE32_NOPAD.encode(random.expose()).to_ascii_lowercase();
        secret.truncate(SECRET_CHARACTERS);
        Self {
            id,
            secret: Secret::new(secret),
            pin,
        }
    }

    /// Reads a token and checks its checksum. White space around it, as terminals add it, is ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidEnrollmentToken> {
        let text = text.trim();
        let (body, checksum) = text.rsplit_once('_').ok_or(InvalidEnrollmentToken::Form)?;
        let parts: Vec<&str> = body.split('_').collect();
        let [PREFIX, id, secret, pin] = parts[..] else {
            return Err(InvalidEnrollmentToken::Form);
        };
        if checksum != checksum_of(body) {
            return Err(InvalidEnrollmentToken::Checksum);
        }
        let is_id = id.len() == ID_CHARACTERS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_secret =
            secret.len() == SECRET_CHARACTERS && secret.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
        if !is_id || !is_secret {
            return Err(InvalidEnrollmentToken::Form);
        }
        let id = Uuid::try_parse(id).map_err(|_| InvalidEnrollmentToken::Form)?;
        Ok(Self {
            id: EnrollmentTokenId::from_uuid(id),
            secret: Secret::from(secret.to_owned()),
            pin: pin.parse().map_err(|_| InvalidEnrollmentToken::Form)?,
        })
    }

    /// The text, which is the secret. Shown once, where the token is made.
    pub fn encode(&self) -> Secret<String> {
        let id = self.id.as_uuid().simple();
        let body = format!("{PREFIX}_{id}_{}_{}", self.secret.expose(), self.pin);
        Secret::new(format!("{body}_{}", checksum_of(&body)))
    }

    /// The id of its row.
    pub const fn id(&self) -> EnrollmentTokenId {
        self.id
    }

    /// The server that made it.
    pub const fn pin(&self) -> Pin {
        self.pin
    }

    /// What the server keeps of the secret: SHA-256 of its 26 characters.
    pub fn secret_hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.secret.expose()).into())
    }
}

impl TokenHash {
    /// Reads what the store keeps.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What the store keeps. Compare it in constant time.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token hash]")
    }
}

fn checksum_of(body: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(body)[..4])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "rme1_01890a5dac96774bbcceb302099a8057_aaaqeayeaudaocajbifqydiob4_\
                        ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad_";

    #[test]
    fn a_token_has_its_documented_form() {
        let text = token().encode();

        let text = text.expose();
        assert_eq!(text.strip_suffix(&text[text.len() - 8..]), Some(TEXT));
        assert_eq!(text.len(), 4 + 1 + 32 + 1 + 26 + 1 + 64 + 1 + 8);
    }

    #[test]
    fn a_token_survives_being_copied() {
        let text = format!("  {}\n", token().encode().expose());

        let copied = EnrollmentToken::parse(&text).unwrap();

        assert_eq!(copied, token());
        assert_eq!(copied.secret_hash(), token().secret_hash());
        assert_eq!(copied.pin(), token().pin());
        assert_eq!(copied.id().to_string(), "01890a5d-ac96-774b-bcce-b302099a8057");
    }

    #[test]
    fn the_hash_is_that_of_the_secrets_characters() {
        let expected = Sha256::digest("aaaqeayeaudaocajbifqydiob4");

        assert_eq!(token().secret_hash().as_bytes()[..], expected[..]);
    }

    #[test]
    fn what_is_no_token_is_told_from_a_damaged_one() {
        for (text, reason) in [
            (String::new(), InvalidEnrollmentToken::Form),
            ("rmt_abc".to_owned(), InvalidEnrollmentToken::Form),
            (format!("{TEXT}00000000"), InvalidEnrollmentToken::Checksum),
            (TEXT.to_owned(), InvalidEnrollmentToken::Checksum),
            (signed("rme2_a_b_c"), InvalidEnrollmentToken::Form),
            (signed("rme1_a_b"), InvalidEnrollmentToken::Form),
            (signed(&TEXT[..TEXT.len() - 2]), InvalidEnrollmentToken::Form),
            (
                signed(&TEXT.trim_end_matches('_').replace("aaaq", "aaa1")),
                InvalidEnrollmentToken::Form,
            ),
            (
                signed(&TEXT.trim_end_matches('_').replace("01890a5d", "0189-a5d")),
                InvalidEnrollmentToken::Form,
            ),
        ] {
            assert_eq!(EnrollmentToken::parse(&text).unwrap_err(), reason, "{text}");
        }
    }

    #[test]
    fn debug_output_has_neither_the_secret_nor_its_hash() {
        let shown = format!("{:?} {:?}", token(), token().secret_hash());

        assert!(!shown.contains("aaaqea"), "{shown}");
        assert!(
            !shown.contains(&HEXLOWER.encode(token().secret_hash().as_bytes())),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(place in any::<prop::sample::Index>(), with in "[0-9a-z]") {
            let mut text = token().encode().expose().clone();
            let place = place.index(text.len());
            prop_assume!(text[place..=place] != with);
            text.replace_range(place..=place, &with);

            prop_assert!(EnrollmentToken::parse(&text).is_err());
        }

        #[test]
        fn different_random_bits_make_different_secrets(one in any::<[u8; 17]>(), bit in 0_usize..130) {
            let mut other = one;
            other[bit / 8] ^= 0x80 >> (bit % 8);
            let make = |random| EnrollmentToken::new(token().id(), &Secret::new(random), token().pin());

            prop_assert_ne!(make(one).secret_hash(), make(other).secret_hash());
        }
    }

    fn token() -> EnrollmentToken {
        let random = Secret::new(std::array::from_fn(|position| u8::try_from(position).unwrap()));
        EnrollmentToken::new(
            "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            &random,
            Pin::of_public_key_info(b"abc"),
        )
    }

    fn signed(body: &str) -> String {
        format!("{body}_{}", checksum_of(body))
    }
}
