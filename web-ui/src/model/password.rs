//! Passwords that nobody has to think up.

use data_encoding::BASE64URL_NOPAD;

/// How many random bytes a password is made of.
pub const BYTES: usize = 24;

/// The password that these random bytes make: 32 characters that every shell and form takes as they are. `None` for bytes
/// that are all the same, which no source of randomness gives.
pub fn from_random(bytes: &[u8; BYTES]) -> Option<String> {
    let first = bytes[0];
    bytes
        .iter()
        .any(|byte| *byte != first)
        .then(|| BASE64URL_NOPAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_holds_all_the_randomness_and_none_is_made_without() {
        let mut bytes = [0; BYTES];
        assert_eq!(from_random(&bytes), None);
        bytes[23] = 255;

        let password = from_random(&bytes).unwrap();

        assert_eq!(password.len(), 32);
        assert_eq!(BASE64URL_NOPAD.decode(password.as_bytes()).unwrap(), bytes);
    }
}
