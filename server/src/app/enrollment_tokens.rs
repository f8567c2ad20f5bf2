//! Rights to enroll a host: making, listing and ending them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::enrollment::{
    CreatedToken, EnrollmentToken, NewEnrollmentToken, TokenLife, TokenQuery, TokenState, TokenTtl, TokenView,
    WantedRepository, WantedToken,
};
use domain::id::{EnrollmentTokenId, Id as _, RepositoryId};
use domain::name::{Hostname, Tags};
use domain::page::Page;
use domain::repository::{Credentials, LoginName, NewRepository, RepositoryKind, RepositoryPassword};
use domain::{ErrorCode, Secret, Timestamp};
use ipnet::IpNet;
use serde_json::{Value, json};

use super::install_commands::Installation;
use super::record::{Change, record};
use super::repositories::known;
use super::repository_secrets::seal;
use super::{App, Caller, Error, paging};
use crate::random::random_bytes;
use crate::secrets::Address;
use crate::store::{ReadTx, Repository, StoredToken, TokenRepository};

/// How long an ended token is still listed.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// Rounds of bcrypt, as a power of two; what Apache's htpasswd takes. The password has 192 random bits, so more rounds would
/// only slow down the repository's server, which checks it with every request.
const BCRYPT_COST: u32 = 5;

/// What the server made because nobody gave it.
#[derive(Debug, Default)]
pub(super) struct Generated {
    repo_password: Option<RepositoryPassword>,
    htpasswd_line: Option<String>,
}

impl App {
    /// Makes a token, for a new host or for another machine in the place of one.
    ///
    /// Errors: `host_exists`, `host_not_found`, `invalid_argument`, `repository_not_found`,
    /// `repository_credentials_differ`.
    pub async fn make_enrollment_token(&self, caller: &Caller, wanted: WantedToken) -> Result<CreatedToken, Error> {
        match wanted {
            WantedToken::Host(new) => self.create_enrollment_token(caller, new).await,
            WantedToken::Replacement(new) => self.create_replacement_token(caller, new).await,
        }
    }

    /// Makes a token for a new host.
    ///
    /// Errors: `host_exists`, `repository_not_found`, `repository_credentials_differ`.
    pub async fn create_enrollment_token(
        &self,
        caller: &Caller,
        new: NewEnrollmentToken,
    ) -> Result<CreatedToken, Error> {
        let NewEnrollmentToken {
            hostname,
            tags,
            mut repository,
            initial_paths,
            ttl,
            source,
        } = new;
        let user = self.signed_in_user(caller)?;
        let now = self.0.clock.now();
        let generated = match &mut repository {
            WantedRepository::At(wanted) => self.fill_in_password(wanted).await?,
            WantedRepository::None | WantedRepository::Known(_) => Generated::default(),
        };
        let token = self.new_token()?;
        let facts = facts(&hostname, &repository, ttl.as_duration());
        let tx = self.0.store.begin().await?;
        refuse_taken(&tx, &hostname).await?;
        let stored = StoredToken {
            repository: self.token_repository(&tx, token.id(), repository).await?,
            tags,
            initial_paths,
            ..unused_token(&token, hostname, &user.name, (ttl, source), now)
        };
        tx.insert_enrollment_token(&stored).await?;
        record(&tx, caller, about("enrollment_token.created", &stored).with(facts), now).await?;
        tx.commit().await?;
        Ok(self.shown_once(&stored, &token, generated))
    }

    /// Lists tokens, newest first, never their values. Errors: `invalid_page_token`.
    pub async fn list_enrollment_tokens(&self, _: &Caller, query: TokenQuery) -> Result<Page<TokenView>, Error> {
        let list = json!(["enrollment_tokens", query.state.map(TokenState::as_str)]);
        let request = paging::open(&query.page, &list)?;
        let now = self.0.clock.now();
        let page = self
            .0
            .store
            .read()
            .await?
            .enrollment_tokens(&query, now, &request)
            .await?;
        let Page {
            items,
            next_token,
            total,
        } = paging::close(page, &list)?;
        Ok(Page {
            items: items.into_iter().map(|token| view(token, now)).collect(),
            next_token,
            total,
        })
    }

    /// Ends a token. One that has ended by itself or was revoked before stays as it is.
    ///
    /// Errors: `enrollment_token_not_found`, `token_used`.
    pub async fn revoke_enrollment_token(&self, caller: &Caller, id: EnrollmentTokenId) -> Result<(), Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let Some(token) = tx.enrollment_token(id).await? else {
            return Err(Error::refuse(ErrorCode::EnrollmentTokenNotFound));
        };
        match token.life.state(now) {
            TokenState::Expired | TokenState::Revoked => return Ok(()),
            TokenState::Used => return Err(used()),
            TokenState::Active => {}
        }
        if !tx.revoke_enrollment_token(id, now).await? {
            // An enrollment came first while this transaction waited.
            return Err(used());
        }
        record(&tx, caller, about("enrollment_token.revoked", &token), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes tokens that ended more than seven days ago, with the secrets that rode on them. How many there were.
    pub async fn remove_ended_enrollment_tokens(&self) -> Result<u64, Error> {
        let before = self.0.clock.now().saturating_sub(KEPT);
        let tx = self.0.store.begin().await?;
        let removed = tx.delete_ended_enrollment_tokens(before).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// A token that nobody has yet.
    pub(super) fn new_token(&self) -> Result<EnrollmentToken, Error> {
        let id = EnrollmentTokenId::generate(self.0.ids.as_ref());
        Ok(EnrollmentToken::new(id, &Secret::new(random_bytes()), self.pin()?))
    }

    /// Makes the password of a repository that is new here and was given none, and the line that lets the host sign in
    /// with it where that password is its login too.
    async fn fill_in_password(&self, wanted: &mut NewRepository) -> Result<Generated, Error> {
        if wanted.credentials.repo_password.is_some() || self.is_known(wanted).await? {
            return Ok(Generated::default());
        }
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<24>()));
        let password =
            RepositoryPassword::new(secret).map_err(|error| Error::failed("making a repository password", error))?;
        wanted.credentials.repo_password = Some(password.clone());
        let is_login = wanted.url.kind() == RepositoryKind::Rest && wanted.credentials.backend_password.is_none();
        let htpasswd_line = match wanted.credentials.username.clone().filter(|_| is_login) {
            Some(user) => Some(htpasswd_line(user, password.clone()).await?),
            None => None,
        };
        Ok(Generated {
            repo_password: Some(password),
            htpasswd_line,
        })
    }

    async fn is_known(&self, wanted: &NewRepository) -> Result<bool, Error> {
        let tx = self.0.store.read().await?;
        Ok(tx
            .repository_at(&wanted.url, wanted.credentials.username.as_ref())
            .await?
            .is_some())
    }

    /// Checks the repository of a token and seals its secrets for the token's row. A repository that is known there stays
    /// described by its location: which one it is, is decided when the token is used.
    async fn token_repository(
        &self,
        tx: &ReadTx,
        id: EnrollmentTokenId,
        wanted: WantedRepository,
    ) -> Result<TokenRepository, Error> {
        match wanted {
            WantedRepository::None => Ok(TokenRepository::None),
            WantedRepository::Known(repository) => {
                refuse_unknown(tx, repository).await?;
                Ok(TokenRepository::Known(repository))
            }
            WantedRepository::At(wanted) => {
                let NewRepository {
                    name: _,
                    url,
                    credentials,
                } = *wanted;
                if let Some(known) = tx.repository_at(&url, credentials.username.as_ref()).await? {
                    self.refuse_differing(tx, &known, &credentials).await?;
                }
                let credentials = seal(&self.0.keyring, &sealed_credentials(id), &credentials)?;
                Ok(TokenRepository::At { url, credentials })
            }
        }
    }

    /// Errors: `repository_credentials_differ`.
    async fn refuse_differing(&self, tx: &ReadTx, known: &Repository, given: &Credentials) -> Result<(), Error> {
        if self
            .everyday(tx, known)
            .await?
            .agree_with(&given.clone().for_new_repository())
        {
            return Ok(());
        }
        Err(Error::refuse_field(
            ErrorCode::RepositoryCredentialsDiffer,
            "repo_url",
            ErrorCode::RepositoryCredentialsDiffer.meaning(),
        ))
    }

    pub(super) fn shown_once(
        &self,
        stored: &StoredToken,
        token: &EnrollmentToken,
        generated: Generated,
    ) -> CreatedToken {
        let text = token.encode();
        let installation = Installation {
            hostname: &stored.hostname,
            server: &self.0.settings.base_url,
            token: &text,
        };
        CreatedToken {
            id: stored.id,
            expires_at: stored.life.expires_at,
            install_command: installation.linux_command(),
            install_command_windows: installation.windows_command(),
            installer_script: installation.linux_script(),
            pin: token.pin(),
            generated_repo_password: generated.repo_password.map(|password| password.secret().clone()),
            htpasswd_line: generated.htpasswd_line,
            token: text,
        }
    }
}

/// The row of a new token that gives its host nothing yet.
pub(super) fn unused_token(
    token: &EnrollmentToken,
    hostname: Hostname,
    created_by: &str,
    (ttl, source): (TokenTtl, Option<IpNet>),
    now: Timestamp,
) -> StoredToken {
    StoredToken {
        id: token.id(),
        hostname,
        tags: Tags::default(),
        initial_paths: None,
        repository: TokenRepository::None,
        source,
        secret_hash: token.secret_hash(),
        created_by: created_by.to_owned(),
        created_at: now,
        life: TokenLife {
            expires_at: now.saturating_add(ttl.as_duration()),
            used: None,
            revoked_at: None,
        },
        host_id: None,
        replaces: None,
    }
}

/// Where the secrets lie that ride on a token.
pub(super) fn sealed_credentials(id: EnrollmentTokenId) -> Address {
    Address::new("enrollment_tokens", "sealed_credentials", id)
}

/// Errors: `host_exists`.
pub(super) async fn refuse_taken(tx: &ReadTx, hostname: &Hostname) -> Result<(), Error> {
    let Some(host) = tx.host_by_name(hostname).await? else {
        return Ok(());
    };
    Err(Error::refuse_field(
        ErrorCode::HostExists,
        "hostname",
        format!(
            "a host named {} exists; choose another name, or put this machine in that host's place with a token that has \
             `replace_host_id` = {}",
            host.hostname, host.id
        ),
    ))
}

/// Errors: `repository_not_found`.
async fn refuse_unknown(tx: &ReadTx, id: RepositoryId) -> Result<(), Error> {
    match known(tx, id).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(ErrorCode::RepositoryNotFound) => Err(Error::refuse_field(
            ErrorCode::RepositoryNotFound,
            "repository_id",
            ErrorCode::RepositoryNotFound.meaning(),
        )),
        Err(error) => Err(error),
    }
}

/// Hashing takes a moment, so it is done away from the tasks that answer.
async fn htpasswd_line(user: LoginName, password: RepositoryPassword) -> Result<String, Error> {
    let salt = random_bytes();
    let hashed =
        tokio::task::spawn_blocking(move || bcrypt::hash_with_salt(password.secret().expose(), BCRYPT_COST, salt));
    let parts = hashed
        .await
        .map_err(|error| Error::failed("hashing a login password", error))?
        .map_err(|error| Error::failed("hashing a login password", error))?;
    // The prefix of Apache's own htpasswd; it means the same algorithm as the others.
    Ok(format!("{user}:{}", parts.format_for_version(bcrypt::Version::TwoY)))
}

fn used() -> Error {
    Error::refuse_with(
        ErrorCode::TokenUsed,
        "a host has enrolled with this token, so there is nothing to revoke; delete the host if it should not be there",
    )
}

pub(super) fn about(action: &'static str, token: &StoredToken) -> Change {
    Change::new(action).to("enrollment_token", token.id, &token.hostname)
}

/// What the record keeps: never a secret.
fn facts(hostname: &Hostname, repository: &WantedRepository, ttl: Duration) -> Value {
    let (repository_id, repo_url) = match repository {
        WantedRepository::None => (None, None),
        WantedRepository::Known(id) => (Some(id.to_string()), None),
        WantedRepository::At(wanted) => (None, Some(wanted.url.to_string())),
    };
    json!({
        "hostname": hostname.as_str(),
        "ttl_seconds": ttl.as_secs(),
        "repository_id": repository_id,
        "repo_url": repo_url,
    })
}

fn view(token: StoredToken, now: Timestamp) -> TokenView {
    let state = token.life.state(now);
    let StoredToken {
        id,
        hostname,
        tags,
        initial_paths: _,
        repository: _,
        source: _,
        secret_hash: _,
        created_by,
        created_at,
        life,
        host_id,
        replaces,
    } = token;
    TokenView {
        id,
        hostname,
        tags,
        state,
        created_by,
        created_at,
        expires_at: life.expires_at,
        host_id,
        replaces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_htpasswd_line_lets_the_password_in() {
        let password = RepositoryPassword::new(Secret::new("correct horse".to_owned())).unwrap();

        let line = htpasswd_line("web-01".parse().unwrap(), password).await.unwrap();

        let hash = line.strip_prefix("web-01:").unwrap();
        assert!(hash.starts_with("$2y$05$"), "{line}");
        assert!(bcrypt::verify("correct horse", hash).unwrap());
        assert!(!bcrypt::verify("wrong horse", hash).unwrap());
    }
}
