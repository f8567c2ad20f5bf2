//! Calls that may be repeated: what was asked for under a key of the caller's choosing takes effect once, and whoever asks
//! again gets the first answer.
//!
//! **Invariant:** a key is claimed in the transaction of the effect ([`super::record`] does it), so that neither a crash nor
//! a race can part the two. A call that fails claims nothing, and may be repeated under the same key.

use std::time::Duration;

use domain::id::{IdempotencyKey, UserId};
use domain::{ErrorCode, Secret, Timestamp};
use subtle::ConstantTimeEq as _;

use super::{App, Caller, Error};
use crate::secrets::Address;
use crate::store::{Claim, Claimed, Tx};

/// How long a key counts. Source: features.md API-08.
const REMEMBERED: Duration = Duration::from_hours(24);
/// How long an effect may have been there without its answer while the request that made it is still at work.
const UNDER_WAY: Duration = Duration::from_secs(30);
/// Pause between two looks for an answer that is being written.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is looked: for five seconds.
const LOOKS: u32 = 100;

/// A call under a key.
#[derive(Debug, Clone)]
pub struct Once {
    claim: Claim,
    asked: [u8; 32],
    has_answer: bool,
}

impl App {
    /// Names a call that shall take effect once. `asked` is the SHA-256 of what is asked for; it is stored sealed, for it may
    /// be made of passwords that can be guessed. `has_answer` is false where the answer may not be kept.
    ///
    /// `None` when nobody is signed in: keys belong to users.
    pub fn once(&self, caller: &Caller, key: IdempotencyKey, asked: [u8; 32], has_answer: bool) -> Option<Once> {
        let user = caller.user()?.id;
        let claim = Claim {
            user,
            key,
            request: caller.origin.request,
            asked: self.0.keyring.seal(&address(user, key), &Secret::new(asked.to_vec())),
        };
        Some(Once {
            claim,
            asked,
            has_answer,
        })
    }

    /// Finds the answer of an earlier call under the same key. `None` when there was none in the last 24 hours. One that is
    /// about to be answered is waited for.
    ///
    /// Errors: `idempotency_mismatch` when something else was asked for, `answer_not_kept`.
    pub async fn recall(&self, once: &Once) -> Result<Option<Vec<u8>>, Error> {
        for _ in 0..LOOKS {
            let now = self.0.clock.now();
            let claim = &once.claim;
            let found = self.0.store.read().await?.claimed(claim.user, claim.key).await?;
            let Some(found) = found.filter(|found| found.created_at >= forgotten(now)) else {
                return Ok(None);
            };
            self.must_agree(once, &found)?;
            if let Some(answer) = found.answer {
                return Ok(Some(answer));
            }
            if !once.has_answer || now.since(found.created_at) > UNDER_WAY {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(Error::refuse(ErrorCode::AnswerNotKept))
    }

    /// Keeps the answer of a call that went well. One that changed nothing has claimed nothing, and does so here; whether
    /// this call is the one whose answer counts.
    pub async fn keep_answer(&self, once: &Once, answer: Vec<u8>) -> Result<bool, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        if !tx.claim(&once.claim, forgotten(now), now).await? {
            return Ok(false);
        }
        if once.has_answer {
            tx.keep_answer(&once.claim, answer).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Forgets keys that count no more. How many there were.
    pub async fn forget_idempotency_keys(&self) -> Result<u64, Error> {
        let tx = self.0.store.begin().await?;
        let forgotten = tx.forget_claims(forgotten(self.0.clock.now())).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    fn must_agree(&self, once: &Once, found: &Claimed) -> Result<(), Error> {
        let Claim { user, key, asked, .. } = &found.claim;
        let asked = self.0.keyring.open(&address(*user, *key), asked);
        let asked = asked.map_err(|error| Error::failed("comparing a repeated request", error))?;
        if bool::from(asked.expose().as_slice().ct_eq(&once.asked)) {
            Ok(())
        } else {
            Err(Error::refuse(ErrorCode::IdempotencyMismatch))
        }
    }
}

/// Claims the key of the call, if it has one, in the transaction of its effect.
///
/// Errors: `answer_not_kept` when another call has claimed it meanwhile: nothing of this one may stay. The door then finds
/// the other one's answer.
pub(super) async fn claim(tx: &Tx, caller: &Caller, now: Timestamp) -> Result<(), Error> {
    let (Some(once), Some(_)) = (&caller.origin.once, caller.user()) else {
        return Ok(());
    };
    if tx.claim(&once.claim, forgotten(now), now).await? {
        Ok(())
    } else {
        Err(Error::refuse(ErrorCode::AnswerNotKept))
    }
}

/// What was claimed before this counts no more.
fn forgotten(now: Timestamp) -> Timestamp {
    now.saturating_sub(REMEMBERED)
}

fn address(user: UserId, key: IdempotencyKey) -> Address {
    Address::new("idempotency_keys", "asked_sealed", format_args!("{user}/{key}"))
}
