use domain::enrollment::{TokenHash, TokenLife, TokenUse};
use domain::id::{EnrollmentTokenId, HostId, RepositoryId};
use sea_orm::entity::prelude::*;

use crate::secrets::Sealed;
use crate::store::Error;
use crate::store::enrollment_tokens::{StoredToken, TokenRepository};
use crate::store::entity::host;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "enrollment_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub hostname: String,
    pub tags: String,
    pub initial_paths: Option<String>,
    pub repository_id: Option<Uuid>,
    pub repository_url: Option<String>,
    pub sealed_credentials: Option<Vec<u8>>,
    pub source_cidr: Option<String>,
    pub secret_sha256: Vec<u8>,
    pub created_by: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub used_at: Option<i64>,
    pub used_key_sha256: Option<Vec<u8>>,
    pub used_nonce: Option<String>,
    pub host_id: Option<Uuid>,
    pub revoked_at: Option<i64>,
    pub replace_host_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for StoredToken {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let row = Row::new("enrollment_tokens", &model.id);
        let used = token_use(&row, model.used_at, model.used_key_sha256, model.used_nonce)?;
        let repository = token_repository(
            &row,
            model.repository_id,
            model.repository_url,
            model.sealed_credentials,
        )?;
        Ok(Self {
            id: EnrollmentTokenId::from_uuid(model.id),
            hostname: row.word("hostname", &model.hostname)?,
            tags: host::tags(&row, &model.tags)?,
            initial_paths: model
                .initial_paths
                .map(|paths| row.document("initial_paths", &paths))
                .transpose()?,
            repository,
            source: model
                .source_cidr
                .map(|network| row.word("source_cidr", &network))
                .transpose()?,
            secret_hash: TokenHash::from_bytes(row.hash("secret_sha256", model.secret_sha256)?),
            created_by: model.created_by,
            created_at: row.time("created_at", model.created_at)?,
            life: TokenLife {
                expires_at: row.time("expires_at", model.expires_at)?,
                used,
                revoked_at: row.time_or_none("revoked_at", model.revoked_at)?,
            },
            host_id: model.host_id.map(HostId::from_uuid),
            replaces: model.replace_host_id.map(HostId::from_uuid),
        })
    }
}

fn token_use(
    row: &Row,
    at: Option<i64>,
    key: Option<Vec<u8>>,
    nonce: Option<String>,
) -> Result<Option<TokenUse>, Error> {
    match (at, key, nonce) {
        (None, None, None) => Ok(None),
        (Some(at), Some(key), Some(nonce)) => Ok(Some(TokenUse {
            at: row.time("used_at", at)?,
            key: row.hash("used_key_sha256", key)?,
            nonce,
        })),
        _ => Err(row.fault("used_at", "time, key and nonce of the use belong together")),
    }
}

fn token_repository(
    row: &Row,
    known: Option<Uuid>,
    url: Option<String>,
    credentials: Option<Vec<u8>>,
) -> Result<TokenRepository, Error> {
    match (known, url, credentials) {
        (None, None, None) => Ok(TokenRepository::None),
        (Some(id), None, None) => Ok(TokenRepository::Known(RepositoryId::from_uuid(id))),
        (None, Some(url), Some(sealed)) => Ok(TokenRepository::At {
            url: row.word("repository_url", &url)?,
            credentials: Sealed::from_bytes(sealed),
        }),
        _ => Err(row.fault(
            "repository_id",
            "a token has an id, or a location with credentials, or neither",
        )),
    }
}
