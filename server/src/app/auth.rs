//! Signing in and out.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{HostId, Id as _, LoginSessionId, UserId};
use domain::name::Username;
use domain::sign_in::{ChangePassword, Login};
use domain::user::{NewPassword, WeakPassword};
use domain::{ErrorCode, Role, Secret, Timestamp};
use sha2::{Digest as _, Sha256};

use super::record::{Change, record};
use super::{App, Caller, Error, SignedInUser, Who};
use crate::pki::peer::PeerIdentity;
use crate::random::random_bytes;
use crate::store::{LoginSession, Tx, User};
use crate::throttle::Purpose;

/// A sign-in that went well. The token is in this value and in the cookie, nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    /// The user.
    pub user: UserId,
    /// What the user may do.
    pub role: Role,
    /// The session's value: base64url of 32 random bytes.
    pub token: Secret<String>,
    session: LoginSessionId,
    expires_at: Timestamp,
}

impl SignedIn {
    /// The caller that the sign-in made of nobody, for the record.
    pub(super) fn caller(&self, before: &Caller, user: &User) -> Caller {
        let who = Who::User(SignedInUser {
            id: user.id,
            name: user.name.to_string(),
            role: user.role,
            session: self.session,
            expires_at: self.expires_at,
        });
        Caller {
            who,
            origin: before.origin.clone(),
        }
    }
}

impl App {
    /// Signs a person in. Unknown user, wrong password and disabled user get the same answer at the same cost.
    ///
    /// Errors: `invalid_credentials`, `rate_limited`; `unavailable` when too many are signing in at once.
    pub async fn login(&self, caller: &Caller, login: Login) -> Result<SignedIn, Error> {
        let Login { username, password } = login;
        let now = self.0.clock.now();
        self.take_turn(caller, Purpose::SignIn)?;
        self.0
            .throttle
            .check_failures(caller.origin.address, &username, now)
            .map_err(|wait| Error::rate_limited(wait.0))?;
        let user = match username.parse::<Username>() {
            Ok(name) => self.0.store.read().await?.user_by_name(&name).await?,
            Err(_) => None,
        };
        let enabled = user.filter(|user| user.enabled);
        let hash = enabled.as_ref().map(|user| user.password_hash.as_str());
        let matches = self.0.hasher.verify(hash, &password).await?;
        let Some(user) = enabled.filter(|_| matches) else {
            self.failed_login(caller, &username, now).await?;
            return Err(Error::refuse(ErrorCode::InvalidCredentials));
        };
        self.0.throttle.forget_failures(caller.origin.address, &username);
        let tx = self.0.store.begin().await?;
        // Checking the password takes its time: meanwhile it may have been changed, or the user disabled.
        if tx.user(user.id).await?.as_ref() != Some(&user) {
            return Err(Error::refuse(ErrorCode::InvalidCredentials));
        }
        let signed_in = self.open_login_session(&tx, &user, now).await?;
        let caller = signed_in.caller(caller, &user);
        record(
            &tx,
            &caller,
            Change::new("auth.login").to("user", user.id, &user.name),
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// One entry per address, name and minute: a guessing machine shall not fill the record.
    async fn failed_login(&self, caller: &Caller, username: &str, now: Timestamp) -> Result<(), Error> {
        if !self.0.throttle.count_failure(caller.origin.address, username, now) {
            return Ok(());
        }
        let shown: String = username.chars().take(64).collect();
        let tx = self.0.store.begin().await?;
        record(&tx, caller, Change::new("auth.login_failed").tried_by(shown), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends the calling session.
    pub async fn logout(&self, caller: &Caller) -> Result<(), Error> {
        let user = self.signed_in_user(caller)?;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        tx.delete_login_session(user.session).await?;
        record(
            &tx,
            caller,
            Change::new("auth.logout").to("user", user.id, &user.name),
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The signed-in user behind a call.
    pub fn signed_in_user<'a>(&self, caller: &'a Caller) -> Result<&'a SignedInUser, Error> {
        caller.user().ok_or_else(|| Error::refuse(ErrorCode::Unauthorized))
    }

    /// Replaces the caller's password and ends all of the caller's other sessions.
    ///
    /// Errors: `invalid_credentials` when the current password is wrong, `weak_password`, `rate_limited`.
    pub async fn change_password(&self, caller: &Caller, change: ChangePassword) -> Result<(), Error> {
        let ChangePassword { current, new } = change;
        let signed_in = self.signed_in_user(caller)?;
        let now = self.0.clock.now();
        self.take_turn(caller, Purpose::SignIn)?;
        let Some(user) = self.0.store.read().await?.user(signed_in.id).await? else {
            return Err(Error::refuse(ErrorCode::Unauthorized));
        };
        if !self.0.hasher.verify(Some(&user.password_hash), &current).await? {
            return Err(Error::refuse_field(
                ErrorCode::InvalidCredentials,
                "current_password",
                "the current password is wrong",
            ));
        }
        let new = NewPassword::new(new, &user.name).map_err(|weak| weak_password("new_password", &weak))?;
        let hash = self.0.hasher.hash(new.secret()).await?;
        let tx = self.0.store.begin().await?;
        tx.set_password_hash(user.id, &hash).await?;
        tx.delete_login_sessions(user.id, Some(signed_in.session)).await?;
        record(
            &tx,
            caller,
            Change::new("auth.password_changed").to("user", user.id, &user.name),
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Finds the user behind a session token. `None` when the session is unknown or over, or the user disabled. Session,
    /// user and role are read anew each time, so that every change works at once.
    pub async fn authenticate_user(&self, token: &Secret<String>) -> Result<Option<SignedInUser>, Error> {
        let found = self.0.store.read().await?.login_session(&digest(token)).await?;
        let now = self.0.clock.now();
        Ok(found
            .filter(|(session, user)| session.expires_at > now && user.enabled)
            .map(|(session, user)| SignedInUser {
                id: user.id,
                name: user.name.to_string(),
                role: user.role,
                session: session.id,
                expires_at: session.expires_at,
            }))
    }

    /// Finds the host behind a client certificate. `None` when the certificate is not in force: unknown, revoked, or of a
    /// host that was deleted. The handshake checks the chain only, and not even that when a session is resumed.
    pub async fn authenticate_agent(&self, peer: &PeerIdentity) -> Result<Option<HostId>, Error> {
        let known = self.0.store.read().await?.certificate(&peer.serial).await?;
        let now = self.0.clock.now();
        Ok(known
            .filter(|known| known.host_id == peer.host && known.revoked_at.is_none() && known.not_after > now)
            .map(|known| known.host_id))
    }

    /// Writes to the record that a signed-in caller was refused, once per minute for the same method.
    pub async fn record_denied(&self, caller: &Caller, method: &str) {
        let Some(user) = caller.user() else { return };
        let now = self.0.clock.now();
        if !self.0.denied.is_new(user.id, method, now) {
            return;
        }
        let change = Change::new("auth.denied").with(serde_json::json!({ "method": method }));
        let recorded = async {
            let tx = self.0.store.begin().await?;
            record(&tx, caller, change, now).await?;
            tx.commit().await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = recorded.await {
            // The refusal stands; that it could not be recorded is for the server's own log.
            tracing::error!(%error, user.id = %user.id, method, "a denied call could not be recorded");
        }
    }

    /// Removes sessions that are over. How many there were.
    pub async fn remove_expired_sessions(&self) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let removed = tx.delete_expired_login_sessions(now).await?;
        tx.commit().await?;
        Ok(removed)
    }

    pub(super) fn take_turn(&self, caller: &Caller, purpose: Purpose) -> Result<(), Error> {
        let now = self.0.clock.now();
        self.0
            .throttle
            .take_turn(caller.origin.address, purpose, now)
            .map_err(|wait| Error::rate_limited(wait.0))
    }

    pub(super) async fn open_login_session(&self, tx: &Tx, user: &User, now: Timestamp) -> Result<SignedIn, Error> {
        let token = Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
        let ttl: Duration = self.0.settings.session_ttl;
        let session = LoginSession {
            id: LoginSessionId::generate(self.0.ids.as_ref()),
            user_id: user.id,
            created_at: now,
            expires_at: now.saturating_add(ttl),
        };
        tx.insert_login_session(&session, &digest(&token)).await?;
        Ok(SignedIn {
            user: user.id,
            role: user.role,
            token,
            session: session.id,
            expires_at: session.expires_at,
        })
    }
}

/// Says what is wrong with a password, beside the field it was given in.
pub(super) fn weak_password(field: &str, weak: &WeakPassword) -> Error {
    Error::refuse_field(ErrorCode::WeakPassword, field, weak.to_string())
}

fn digest(token: &Secret<String>) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}
