//! Sign-ins: the rows behind cookies.

use domain::Timestamp;
use domain::id::{LoginSessionId, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::login_session::{ActiveModel, Column, Entity};
use super::entity::user;
use super::users::User;
use super::{Error, ReadTx, Tx};

const TABLE: &str = "login_sessions";

/// One sign-in of a person. The cookie's value is nowhere; only its SHA-256 is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSession {
    /// The session's id, for logs and for ending it.
    pub id: LoginSessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends, whatever happens in it.
    pub expires_at: Timestamp,
}

impl ReadTx {
    /// Finds the session whose cookie has this SHA-256, with its user. The caller judges the end and whether the user is
    /// enabled.
    pub async fn login_session(&self, token_sha256: &[u8; 32]) -> Result<Option<(LoginSession, User)>, Error> {
        let found = Entity::find()
            .find_also_related(user::Entity)
            .filter(Column::TokenSha256.eq(token_sha256.as_slice()))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let Some((session, Some(user))) = found else {
            return Ok(None);
        };
        Ok(Some((session.try_into()?, user.try_into()?)))
    }
}

impl Tx {
    /// Adds a session.
    pub async fn insert_login_session(&self, session: &LoginSession, token_sha256: &[u8; 32]) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(session.id.as_uuid()),
            user_id: Set(session.user_id.as_uuid()),
            token_sha256: Set(token_sha256.to_vec()),
            created_at: Set(session.created_at.as_micros()),
            expires_at: Set(session.expires_at.as_micros()),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Ends a session. Whether it was there.
    pub async fn delete_login_session(&self, id: LoginSessionId) -> Result<bool, Error> {
        let done = Entity::delete_by_id(id.as_uuid())
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected > 0)
    }

    /// Ends all sessions of a user, except one where that is given. How many ended.
    pub async fn delete_login_sessions(&self, of: UserId, except: Option<LoginSessionId>) -> Result<u64, Error> {
        let mut delete = Entity::delete_many().filter(Column::UserId.eq(of.as_uuid()));
        if let Some(kept) = except {
            delete = delete.filter(Column::Id.ne(kept.as_uuid()));
        }
        let done = delete.exec(&self.on).await.map_err(Error::at(TABLE))?;
        Ok(done.rows_affected)
    }

    /// Removes the sessions that have ended by `now`. How many there were.
    pub async fn delete_expired_login_sessions(&self, now: Timestamp) -> Result<u64, Error> {
        let ended = Column::ExpiresAt.lte(now.as_micros());
        let done = Entity::delete_many()
            .filter(ended)
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected)
    }
}
