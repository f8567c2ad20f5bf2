//! Hashing and checking passwords: argon2id, a few at a time, off the threads that serve requests.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Secret;
use tokio::sync::Semaphore;

use crate::random::random_bytes;

/// Each hash fills 64 MiB, so this bounds the memory that a flood of sign-ins can take.
const PARALLEL: usize = 4;
/// How long one more waits for its turn before it is refused.
const PATIENCE: Duration = Duration::from_secs(5);
const OUTPUT_LEN: usize = 32;
const SALT_LEN: usize = 16;

/// What one hash costs. Everybody but tests uses the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB, at least 8 per lane.
    pub memory_kib: u32,
    /// Passes over the memory, at least 1.
    pub passes: u32,
    /// Lanes, at least 1.
    pub lanes: u32,
}

impl Default for Cost {
    /// 64 MiB, 3 passes, 4 lanes. Source: security.md §4.
    fn default() -> Self {
        Self {
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 4,
        }
    }
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many are being hashed; later is fine.
    #[error("too many people are signing in at once")]
    Busy,
    /// What is stored is no hash. The user needs a new password.
    #[error("the stored password hash cannot be read")]
    Unreadable {
        /// What is wrong with it.
        #[source]
        source: argon2::password_hash::Error,
    },
    /// Hashing itself failed, for want of memory.
    #[error("a password could not be hashed")]
    Failed {
        /// What failed.
        #[source]
        source: argon2::password_hash::Error,
    },
    /// The thread that was hashing ended early.
    #[error("hashing a password was interrupted")]
    Interrupted {
        /// How it ended.
        #[source]
        source: tokio::task::JoinError,
    },
}

/// Hashes and checks passwords, at most four at the same time. Clones share that limit.
#[derive(Debug, Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// Costs as much to check as a real one, and nothing matches it.
    of_nobody: PasswordHash,
}

impl Hasher {
    /// Hashes at the given cost; [`Cost::default`] everywhere but in tests.
    pub fn new(cost: Cost) -> Self {
        let Cost {
            memory_kib,
            passes,
            lanes,
        } = cost;
        let params =
            Params::new(memory_kib, passes, lanes, Some(OUTPUT_LEN)).expect("the cost lies within argon2's limits");
        let of_nobody = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().expect("three numbers fit into a hash string"),
            salt: Some(Salt::new(&random_bytes::<SALT_LEN>()).expect("the salt has the recommended length")),
            hash: Some(Output::new(&random_bytes::<OUTPUT_LEN>()).expect("the output has a possible length")),
        };
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            turns: Arc::new(Semaphore::new(PARALLEL)),
            of_nobody,
        }
    }

    /// Hashes a password for storing: a PHC string with salt and cost, `$argon2id$v=19$m=65536,t=3,p=4$…`.
    ///
    /// [`Error::Busy`] when no turn comes up within 5 seconds.
    pub async fn hash(&self, password: &Secret<String>) -> Result<String, Error> {
        let password = password.clone();
        let argon2 = self.argon2.clone();
        self.in_turn(move || {
            let hashed = argon2.hash_password_with_salt(password.expose().as_bytes(), &random_bytes::<SALT_LEN>());
            hashed
                .map(|hash| hash.to_string())
                .map_err(|source| Error::Failed { source })
        })
        .await
    }

    /// Whether the password is the one that was hashed. `None` stands for a user that does not exist: the answer is then
    /// `false`, after the same work.
    ///
    /// [`Error::Busy`] when no turn comes up within 5 seconds, [`Error::Unreadable`] when the stored text is no hash.
    pub async fn verify(&self, stored: Option<&str>, password: &Secret<String>) -> Result<bool, Error> {
        let expected = match stored {
            Some(text) => PasswordHash::new(text).map_err(|source| Error::Unreadable { source: source.into() })?,
            None => self.of_nobody.clone(),
        };
        let password = password.clone();
        let argon2 = self.argon2.clone();
        self.in_turn(
            move || match argon2.verify_password(password.expose().as_bytes(), &expected) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(source) => Err(Error::Failed { source }),
            },
        )
        .await
    }

    /// The turn belongs to the work and not to the caller: one who goes away does not make room before the memory is free.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Error::Busy);
        };
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|source| Error::Interrupted { source })?
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new(Cost::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_hash_and_nothing_else_does() {
        let hasher = cheap();

        let hash = hasher.hash(&secret("correct horse")).await.unwrap();

        assert!(hasher.verify(Some(&hash), &secret("correct horse")).await.unwrap());
        assert!(!hasher.verify(Some(&hash), &secret("correct horsf")).await.unwrap());
        assert!(!hasher.verify(Some(&hash), &secret("")).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_password_is_hashed_with_another_salt_each_time() {
        let hasher = cheap();

        let first = hasher.hash(&secret("correct horse")).await.unwrap();
        let second = hasher.hash(&secret("correct horse")).await.unwrap();

        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn passwords_are_stored_at_the_documented_cost() {
        let hash = Hasher::default().hash(&secret("correct horse")).await.unwrap();

        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{hash}");
        let output = PasswordHash::new(&hash).unwrap().hash.unwrap();
        assert_eq!(output.len(), 32);
    }

    #[tokio::test]
    async fn an_unknown_user_costs_the_same_and_matches_nothing() {
        let hasher = cheap();
        let real = PasswordHash::new(&hasher.hash(&secret("x")).await.unwrap()).unwrap();

        let matches = hasher.verify(None, &secret("x")).await.unwrap();

        assert!(!matches);
        let cost = |hash: &PasswordHash| {
            let salt = hash.salt.as_ref().map(|salt| salt.len());
            let output = hash.hash.as_ref().map(Output::len);
            (hash.algorithm, hash.version, hash.params.to_string(), salt, output)
        };
        assert_eq!(cost(&hasher.of_nobody), cost(&real));
    }

    #[tokio::test]
    async fn a_stored_text_that_is_no_hash_is_an_error_and_not_a_wrong_password() {
        let refused = cheap().verify(Some("plain text"), &secret("plain text")).await;

        assert!(matches!(refused, Err(Error::Unreadable { .. })), "{refused:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_more_than_four_waits_five_seconds_and_is_refused() {
        let hasher = cheap();
        let begun = tokio::time::Instant::now();
        let _others = hasher.turns.acquire_many(4).await.unwrap();

        let refused = hasher.hash(&secret("x")).await;

        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gets_the_turn_that_becomes_free() {
        let hasher = cheap();
        let others = hasher.turns.acquire_many(4).await.unwrap();
        let password = secret("x");

        let release = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            drop(others);
        };
        let (hash, ()) = tokio::join!(hasher.hash(&password), release);

        assert!(hash.is_ok());
        assert_eq!(hasher.turns.available_permits(), 4, "every turn was given back");
    }

    fn cheap() -> Hasher {
        Hasher::new(Cost {
            memory_kib: 64,
            passes: 1,
            lanes: 1,
        })
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }
}
