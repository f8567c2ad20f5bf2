//! What callers asked for under a key of their choosing, so that a repeated call changes nothing.

use domain::Timestamp;
use domain::id::{IdempotencyKey, RequestId, UserId};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::idempotency_key::{ActiveModel, Column, Entity};
use super::{Error, ReadTx, Tx};
use crate::secrets::Sealed;

pub(super) const TABLE: &str = "idempotency_keys";

/// A request that shall take effect once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who asks. Keys of different users have nothing to do with each other.
    pub user: UserId,
    /// The key that the caller chose.
    pub key: IdempotencyKey,
    /// The one request that may carry it out.
    pub request: RequestId,
    /// What is asked for, to tell a repetition from another request. It may be made of secrets.
    pub asked: Sealed,
}

/// A request that has taken effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// What was asked for.
    pub claim: Claim,
    /// What was answered; `None` when that is not kept, or not yet.
    pub answer: Option<Vec<u8>>,
    /// When it took effect.
    pub created_at: Timestamp,
}

impl ReadTx {
    /// Finds what took effect under a key, however long ago.
    pub async fn claimed(&self, user: UserId, key: IdempotencyKey) -> Result<Option<Claimed>, Error> {
        let found = Entity::find_by_id((user.as_uuid(), key.as_uuid()))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(Claimed::try_from).transpose()
    }
}

impl Tx {
    /// Claims a key, in the transaction of the effect itself. What was claimed before `forgotten` counts no more.
    ///
    /// Whether the key is the request's own: it was free, or this request has claimed it before. On PostgreSQL it waits for
    /// a transaction that has claimed it and not ended.
    pub async fn claim(&self, claim: &Claim, forgotten: Timestamp, now: Timestamp) -> Result<bool, Error> {
        Entity::delete_many()
            .filter(Column::UserId.eq(claim.user.as_uuid()))
            .filter(Column::Key.eq(claim.key.as_uuid()))
            .filter(Column::CreatedAt.lt(forgotten.as_micros()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let row = ActiveModel {
            user_id: Set(claim.user.as_uuid()),
            key: Set(claim.key.as_uuid()),
            request_id: Set(claim.request.as_uuid()),
            asked_sealed: Set(claim.asked.as_bytes().to_vec()),
            answer: Set(None),
            created_at: Set(now.as_micros()),
        };
        let inserted = Entity::insert(row)
            .on_conflict(
                OnConflict::columns([Column::UserId, Column::Key])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        if inserted > 0 {
            return Ok(true);
        }
        let claimed = self.claimed(claim.user, claim.key).await?;
        Ok(claimed.is_some_and(|claimed| claimed.claim.request == claim.request))
    }

    /// Keeps what was answered to the request that has claimed the key.
    pub async fn keep_answer(&self, claim: &Claim, answer: Vec<u8>) -> Result<(), Error> {
        Entity::update_many()
            .col_expr(Column::Answer, Expr::value(answer))
            .filter(Column::UserId.eq(claim.user.as_uuid()))
            .filter(Column::Key.eq(claim.key.as_uuid()))
            .filter(Column::RequestId.eq(claim.request.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Removes what was claimed before a time. How many there were.
    pub async fn forget_claims(&self, before: Timestamp) -> Result<u64, Error> {
        let done = Entity::delete_many()
            .filter(Column::CreatedAt.lt(before.as_micros()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected)
    }
}
