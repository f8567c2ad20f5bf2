//! The first admin.

use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use domain::id::{Id as _, UserId};
use domain::sign_in::Bootstrap;
use domain::user::NewPassword;
use domain::{ErrorCode, Role, Secret};
use subtle::ConstantTimeEq as _;

use super::auth::weak_password;
use super::record::{Change, record};
use super::{App, Caller, Error, SignedIn};
use crate::random::random_bytes;
use crate::store::User;
use crate::throttle::Purpose;

/// The one-time token that makes the first admin. It lives in memory only: a restart voids it.
#[derive(Debug, Default)]
pub struct SetupToken(Mutex<Option<Secret<String>>>);

impl SetupToken {
    fn mint(&self) -> Secret<String> {
        let token = Secret::new(HEXLOWER.encode(&random_bytes::<16>()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        token
    }

    fn matches(&self, tried: &Secret<String>) -> bool {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        token
            .as_ref()
            .is_some_and(|token| token.expose().as_bytes().ct_eq(tried.expose().as_bytes()).into())
    }

    fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl App {
    /// Whether the first admin still has to be made.
    pub async fn bootstrap_required(&self) -> Result<bool, Error> {
        Ok(self.0.store.read().await?.user_count().await? == 0)
    }

    /// Makes a setup token when there is no user yet; it voids the one before.
    pub async fn mint_setup_token(&self) -> Result<Option<Secret<String>>, Error> {
        Ok(self.bootstrap_required().await?.then(|| self.0.setup_token.mint()))
    }

    /// Makes the first admin and signs them in.
    ///
    /// Errors: `already_bootstrapped` once there is a user, `invalid_token`, `weak_password`, `rate_limited`.
    pub async fn bootstrap(&self, caller: &Caller, wanted: Bootstrap) -> Result<SignedIn, Error> {
        self.take_turn(caller, Purpose::SignIn)?;
        if !self.bootstrap_required().await? {
            return Err(Error::refuse(ErrorCode::AlreadyBootstrapped));
        }
        let Bootstrap {
            token,
            username,
            password,
        } = wanted;
        if !self.0.setup_token.matches(&token) {
            return Err(Error::refuse_field(
                ErrorCode::InvalidToken,
                "token",
                "this is not the setup token that the server printed when it started; a restart makes a new one",
            ));
        }
        let password = NewPassword::new(password, &username).map_err(|weak| weak_password("password", &weak))?;
        let password_hash = self.0.hasher.hash(password.secret()).await?;
        let now = self.0.clock.now();
        let user = User {
            id: UserId::generate(self.0.ids.as_ref()),
            name: username,
            role: Role::Admin,
            password_hash,
            enabled: true,
            created_at: now,
        };
        let tx = self.0.store.begin().await?;
        // Two requests with the right token may have come this far together.
        tx.exclusively("first user").await?;
        if tx.user_count().await? > 0 {
            return Err(Error::refuse(ErrorCode::AlreadyBootstrapped));
        }
        tx.insert_user(&user).await?;
        let signed_in = self.open_login_session(&tx, &user, now).await?;
        let caller = signed_in.caller(caller, &user);
        record(
            &tx,
            &caller,
            Change::new("auth.bootstrap").to("user", user.id, &user.name),
            now,
        )
        .await?;
        tx.commit().await?;
        self.0.setup_token.clear();
        tracing::info!(user.id = %user.id, "first admin made");
        Ok(signed_in)
    }
}
