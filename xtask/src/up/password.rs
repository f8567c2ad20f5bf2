//! Making a password that a person can type.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};

/// 32 signs without those that look alike, so that each random byte gives exactly five bits.
const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// 100 bits.
const LENGTH: usize = 20;

/// A new random password in groups of five signs.
pub(crate) fn generate() -> Result<String> {
    let mut bytes = [0; LENGTH];
    let mut source = File::open("/dev/urandom").context("could not open the system's source of randomness")?;
    source
        .read_exact(&mut bytes)
        .context("could not read the system's source of randomness")?;
    Ok(spell(&bytes))
}

fn spell(bytes: &[u8]) -> String {
    let groups = bytes
        .chunks(5)
        .map(|group| group.iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])));
    groups.map(Iterator::collect::<String>).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_becomes_one_sign_in_groups_of_five() {
        assert_eq!(spell(&[0, 1, 2, 3, 4, 31, 32, 255]), "abcde-9a9");
    }

    #[test]
    fn two_passwords_differ() {
        assert_ne!(generate().unwrap(), generate().unwrap());
    }
}
