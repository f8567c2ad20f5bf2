//! Rights to enroll a host.

use domain::Timestamp;
use domain::enrollment::{TokenHash, TokenLife, TokenQuery, TokenState, TokenUse};
use domain::id::{EnrollmentTokenId, HostId, RepositoryId};
use domain::name::{Hostname, Tag, Tags};
use domain::path::BackupPaths;
use domain::repository::RepositoryUrl;
use ipnet::IpNet;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::entity::enrollment_token::{ActiveModel, Column, Entity};
use super::page::{Page, PageRequest, TimeCursor};
use super::row::json;
use super::{Error, ReadTx, Tx};
use crate::secrets::Sealed;

const TABLE: &str = "enrollment_tokens";

/// A token as it is kept: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// Its id.
    pub id: EnrollmentTokenId,
    /// Name of the host to be.
    pub hostname: Hostname,
    /// Labels of the host to be.
    pub tags: Tags,
    /// What the host's first source group saves; `None`: what is usual on its system.
    pub initial_paths: Option<BackupPaths>,
    /// The repository of the host to be.
    pub repository: TokenRepository,
    /// The network that the host must call from; `None`: anywhere.
    pub source: Option<IpNet>,
    /// What is kept of the secret.
    pub secret_hash: TokenHash,
    /// Name of the user who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The facts that decide on its state.
    pub life: TokenLife,
    /// The host that used it; `None` when that was deleted since.
    pub host_id: Option<HostId>,
    /// The host in whose place it puts a machine, which may be deleted by now; `None`: it makes a host.
    pub replaces: Option<HostId>,
}

/// The repository of a host to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRepository {
    /// None for now.
    None,
    /// One that was known when the token was made.
    Known(RepositoryId),
    /// One at a location; whether it is known is decided when the token is used.
    At {
        /// Where it lies.
        url: RepositoryUrl,
        /// What opens it, sealed for the table `enrollment_tokens`, the column `sealed_credentials` and the token's row.
        credentials: Sealed,
    },
}

impl ReadTx {
    /// Finds a token.
    pub async fn enrollment_token(&self, id: EnrollmentTokenId) -> Result<Option<StoredToken>, Error> {
        let found = Entity::find_by_id(id.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(StoredToken::try_from).transpose()
    }

    /// Lists the tokens that are in the query's state at `now`, newest first.
    pub async fn enrollment_tokens(
        &self,
        query: &TokenQuery,
        now: Timestamp,
        page: &PageRequest<TimeCursor>,
    ) -> Result<Page<StoredToken, TimeCursor>, Error> {
        let matching = Entity::find().filter(in_state(query.state, now));
        let total = matching.clone().count(&self.on).await.map_err(Error::at(TABLE))?;
        let mut wanted = matching
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit());
        if let Some(after) = &page.after {
            wanted = wanted.filter(after.older(Column::CreatedAt, Column::Id));
        }
        let rows = wanted.all(&self.on).await.map_err(Error::at(TABLE))?;
        let tokens = rows
            .into_iter()
            .map(StoredToken::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(tokens, page, total, |token| {
            TimeCursor::new(token.created_at, token.id.as_uuid())
        }))
    }
}

impl Tx {
    /// Adds a token.
    pub async fn insert_enrollment_token(&self, token: &StoredToken) -> Result<(), Error> {
        let tags: Vec<&str> = token.tags.iter().map(Tag::as_str).collect();
        let (repository_id, url, credentials) = match &token.repository {
            TokenRepository::None => (None, None, None),
            TokenRepository::Known(id) => (Some(id.as_uuid()), None, None),
            TokenRepository::At { url, credentials } => (None, Some(url.as_str().to_owned()), Some(credentials)),
        };
        let TokenLife {
            expires_at,
            used,
            revoked_at,
        } = &token.life;
        let row = ActiveModel {
            id: Set(token.id.as_uuid()),
            hostname: Set(token.hostname.to_string()),
            tags: Set(json(TABLE, "tags", &tags)?),
            initial_paths: Set(token
                .initial_paths
                .as_ref()
                .map(|paths| json(TABLE, "initial_paths", paths))
                .transpose()?),
            repository_id: Set(repository_id),
            repository_url: Set(url),
            sealed_credentials: Set(credentials.map(|sealed| sealed.as_bytes().to_vec())),
            source_cidr: Set(token.source.map(|network| network.to_string())),
            secret_sha256: Set(token.secret_hash.as_bytes().to_vec()),
            created_by: Set(token.created_by.clone()),
            created_at: Set(token.created_at.as_micros()),
            expires_at: Set(expires_at.as_micros()),
            used_at: Set(used.as_ref().map(|used| used.at.as_micros())),
            used_key_sha256: Set(used.as_ref().map(|used| used.key.to_vec())),
            used_nonce: Set(used.as_ref().map(|used| used.nonce.clone())),
            host_id: Set(token.host_id.map(|id| id.as_uuid())),
            revoked_at: Set(revoked_at.map(Timestamp::as_micros)),
            replace_host_id: Set(token.replaces.map(|id| id.as_uuid())),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Uses a token for a host, which must exist. Exactly one of any number of attempts succeeds; `false` means that the
    /// token is not active (any more), and why shows [`ReadTx::enrollment_token`].
    pub async fn use_enrollment_token(
        &self,
        id: EnrollmentTokenId,
        used: &TokenUse,
        host: HostId,
    ) -> Result<bool, Error> {
        let row = ActiveModel {
            used_at: Set(Some(used.at.as_micros())),
            used_key_sha256: Set(Some(used.key.to_vec())),
            used_nonce: Set(Some(used.nonce.clone())),
            host_id: Set(Some(host.as_uuid())),
            ..ActiveModel::default()
        };
        self.end_token(id, row, used.at).await
    }

    /// Ends a token before its time. `false` means that it was not active (any more).
    pub async fn revoke_enrollment_token(&self, id: EnrollmentTokenId, now: Timestamp) -> Result<bool, Error> {
        let row = ActiveModel {
            revoked_at: Set(Some(now.as_micros())),
            ..ActiveModel::default()
        };
        self.end_token(id, row, now).await
    }

    /// Removes the tokens that were used, were revoked or had expired by `before`. How many there were.
    pub async fn delete_ended_enrollment_tokens(&self, before: Timestamp) -> Result<u64, Error> {
        let before = before.as_micros();
        let ended = Condition::any()
            .add(Column::UsedAt.lte(before))
            .add(Column::RevokedAt.lte(before))
            .add(
                Condition::all()
                    .add(Column::UsedAt.is_null())
                    .add(Column::RevokedAt.is_null())
                    .add(Column::ExpiresAt.lte(before)),
            );
        let done = Entity::delete_many()
            .filter(ended)
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected)
    }

    async fn end_token(&self, id: EnrollmentTokenId, row: ActiveModel, now: Timestamp) -> Result<bool, Error> {
        let done = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(in_state(Some(TokenState::Active), now))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected > 0)
    }
}

/// [`TokenLife::state`] in the words of the database.
fn in_state(state: Option<TokenState>, now: Timestamp) -> Condition {
    let (unused, unrevoked) = (Column::UsedAt.is_null(), Column::RevokedAt.is_null());
    let all = Condition::all();
    match state {
        None => all,
        Some(TokenState::Used) => all.add(Column::UsedAt.is_not_null()),
        Some(TokenState::Revoked) => all.add(unused).add(Column::RevokedAt.is_not_null()),
        Some(TokenState::Expired) => all
            .add(unused)
            .add(unrevoked)
            .add(Column::ExpiresAt.lte(now.as_micros())),
        Some(TokenState::Active) => all
            .add(unused)
            .add(unrevoked)
            .add(Column::ExpiresAt.gt(now.as_micros())),
    }
}
