//! Sealing and opening with the master key.

use std::fmt;
use std::path::Path;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use domain::Secret;
use zeroize::Zeroize;

use super::{Error, key_file};
use crate::random::random_bytes;

const NONCE_LEN: usize = 12;
/// The key version that new values are sealed with; it changes when keys are rotated.
const KEY_VERSION: u8 = 1;
const PROBE: &str = "restic-manager key probe";

/// The place in the database that a sealed value belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    table: &'static str,
    column: &'static str,
    row: String,
}

impl Address {
    /// Names table, column and row; the row by its id, or by its key where the table has no ids.
    pub fn new(table: &'static str, column: &'static str, row: impl fmt::Display) -> Self {
        Self {
            table,
            column,
            row: row.to_string(),
        }
    }

    /// Unambiguous, because neither table nor column names hold a `|` and the version is a number.
    fn associated_data(&self, key_version: u8) -> Vec<u8> {
        let Self { table, column, row } = self;
        format!("{table}|{column}|{row}|{key_version}").into_bytes()
    }

    fn not_opened(&self) -> Error {
        Error::NotOpened {
            table: self.table,
            column: self.column,
            row: self.row.clone(),
        }
    }
}

/// A secret as it is stored: one byte of key version, the nonce (12 bytes), ciphertext and tag (16 bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Takes what a column holds; whether it is whole shows when it is opened.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The master key, ready for use. Kept for the life of the server.
pub struct Keyring {
    cipher: Aes256GcmSiv,
}

impl Keyring {
    /// Reads the master key file, or makes it when there is none (32 random bytes, mode 0600). A file that exists is
    /// never written.
    ///
    /// Refuses a file that group or others may access, and one that is not 32 bytes long. Whether the key is the right
    /// one for a database shows [`Self::verify_probe`].
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        let key = key_file::load_or_create(path)?;
        Ok(Self::from_key(&key))
    }

    /// Uses a key that is in memory already.
    pub fn from_key(key: &Secret<[u8; 32]>) -> Self {
        Self {
            cipher: Aes256GcmSiv::new(key.expose().into()),
        }
    }

    /// Seals a value for one place. The same value gives different bytes each time.
    pub fn seal<T: Zeroize + AsRef<[u8]>>(&self, address: &Address, value: &Secret<T>) -> Sealed {
        let nonce = random_bytes::<NONCE_LEN>();
        let payload = Payload {
            msg: value.expose().as_ref(),
            aad: &address.associated_data(KEY_VERSION),
        };
        let ciphertext = self
            .cipher
            .encrypt(&Nonce::from(nonce), payload)
            .expect("anything below 64 GiB can be sealed");
        let mut bytes = Vec::with_capacity(1 + NONCE_LEN + ciphertext.len());
        bytes.push(KEY_VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&ciphertext);
        Sealed(bytes)
    }

    /// Opens a value at the place it was read from.
    ///
    /// Fails with [`Error::NotOpened`] when the bytes were changed, belong to another place or to another key.
    pub fn open(&self, address: &Address, sealed: &Sealed) -> Result<Secret<Vec<u8>>, Error> {
        let [KEY_VERSION, rest @ ..] = sealed.as_bytes() else {
            return Err(address.not_opened());
        };
        let Some((nonce, ciphertext)) = rest.split_first_chunk::<NONCE_LEN>() else {
            return Err(address.not_opened());
        };
        let payload = Payload {
            msg: ciphertext,
            aad: &address.associated_data(KEY_VERSION),
        };
        self.cipher
            .decrypt(&Nonce::from(*nonce), payload)
            .map(Secret::new)
            .map_err(|_| address.not_opened())
    }

    /// Opens a value that was sealed as text; bytes that are not UTF-8 count as [`Error::NotOpened`].
    pub fn open_text(&self, address: &Address, sealed: &Sealed) -> Result<Secret<String>, Error> {
        let bytes = self.open(address, sealed)?;
        let text = str::from_utf8(bytes.expose()).map_err(|_| address.not_opened())?;
        Ok(Secret::new(text.to_owned()))
    }

    /// Seals the known text that tells later starts whether key and database belong together. Stored once, beside the
    /// first secret.
    pub fn probe(&self) -> Sealed {
        self.seal(&probe_address(), &Secret::new(PROBE.to_owned()))
    }

    /// Opens the stored probe. [`Error::ForeignKey`] means that no stored secret would open, so the server must not start.
    pub fn verify_probe(&self, stored: &Sealed) -> Result<(), Error> {
        match self.open_text(&probe_address(), stored) {
            Ok(text) if text.expose() == PROBE => Ok(()),
            Ok(_) | Err(_) => Err(Error::ForeignKey),
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring([secret])")
    }
}

fn probe_address() -> Address {
    Address::new("settings", "value", "key_probe")
}

#[cfg(test)]
mod tests {
    use domain::id::HostId;

    use super::*;

    const ROW: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_sealed_value_opens_at_its_place_and_shows_nothing_of_itself() {
        let keyring = keyring(1);

        let sealed = keyring.seal(&password(ROW), &secret("correct horse"));

        assert_eq!(
            keyring.open_text(&password(ROW), &sealed).unwrap(),
            secret("correct horse")
        );
        assert!(!sealed.as_bytes().windows(5).any(|part| part == b"horse"));
    }

    #[test]
    fn the_same_value_is_sealed_differently_each_time() {
        let keyring = keyring(1);

        let first = keyring.seal(&password(ROW), &secret("x"));
        let second = keyring.seal(&password(ROW), &secret("x"));

        assert_ne!(first, second);
    }

    #[test]
    fn a_value_moved_to_another_row_column_or_table_does_not_open() {
        let keyring = keyring(1);
        let sealed = keyring.seal(&password(ROW), &secret("x"));

        for elsewhere in [
            password("01890a5d-ac96-774b-bcce-b302099a8058"),
            Address::new("repository_credentials", "backend_password", ROW),
            Address::new("hosts", "password", ROW),
        ] {
            let refused = keyring.open(&elsewhere, &sealed).unwrap_err();

            assert!(matches!(refused, Error::NotOpened { .. }), "{elsewhere:?}");
        }
    }

    #[test]
    fn two_rows_that_were_swapped_both_refuse_to_open() {
        let keyring = keyring(1);
        let other = "01890a5d-ac96-774b-bcce-b302099a8058";
        let mine = keyring.seal(&password(ROW), &secret("mine"));
        let theirs = keyring.seal(&password(other), &secret("theirs"));

        assert!(keyring.open(&password(ROW), &theirs).is_err());
        assert!(keyring.open(&password(other), &mine).is_err());
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let keyring = keyring(1);
        let whole = keyring.seal(&password(ROW), &secret("x"));

        for at in 0..whole.as_bytes().len() {
            let mut changed = whole.as_bytes().to_vec();
            changed[at] ^= 1;
            assert!(
                keyring.open(&password(ROW), &Sealed::from_bytes(changed)).is_err(),
                "byte {at}"
            );
            let cut = whole.as_bytes()[..at].to_vec();
            assert!(
                keyring.open(&password(ROW), &Sealed::from_bytes(cut)).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn the_refusal_names_the_place_and_not_the_value() {
        let sealed = keyring(1).seal(&password(ROW), &secret("correct horse"));

        let refused = keyring(2).open(&password(ROW), &sealed).unwrap_err().to_string();

        assert!(refused.contains("repository_credentials.password"), "{refused}");
        assert!(refused.contains(ROW), "{refused}");
        assert!(!refused.contains("horse"), "{refused}");
    }

    #[test]
    fn the_probe_tells_the_right_key_from_another() {
        let stored = keyring(1).probe();

        assert!(keyring(1).verify_probe(&stored).is_ok());
        assert!(matches!(keyring(2).verify_probe(&stored), Err(Error::ForeignKey)));
    }

    #[test]
    fn bytes_open_as_bytes_and_not_as_text() {
        let keyring = keyring(1);
        let address = Address::new("ca_certificates", "sealed_key", HostId::from_uuid(uuid::Uuid::nil()));

        let sealed = keyring.seal(&address, &Secret::new(vec![0xff, 0x00]));

        assert_eq!(keyring.open(&address, &sealed).unwrap().expose(), &[0xff, 0x00]);
        assert!(keyring.open_text(&address, &sealed).is_err());
    }

    fn keyring(key: u8) -> Keyring {
        Keyring::from_key(&Secret::new([key; 32]))
    }

    fn password(row: &str) -> Address {
        Address::new("repository_credentials", "password", row)
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }
}
