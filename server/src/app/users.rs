//! Users, as the command line on the server's host manages them when nobody can sign in any more.

use domain::id::{Id as _, UserId};
use domain::name::Username;
use domain::user::NewPassword;
use domain::{ErrorCode, Role, Secret};
use serde_json::json;

use super::auth::weak_password;
use super::record::{Change, record};
use super::{App, Caller, Error};
use crate::store::{self, User};

impl App {
    /// Makes a user. Errors: `user_exists`, `weak_password`.
    pub async fn create_user(
        &self,
        caller: &Caller,
        name: Username,
        role: Role,
        password: Secret<String>,
    ) -> Result<UserId, Error> {
        let password = NewPassword::new(password, &name).map_err(|weak| weak_password("password", &weak))?;
        let password_hash = self.0.hasher.hash(password.secret()).await?;
        let now = self.0.clock.now();
        let id = UserId::generate(self.0.ids.as_ref());
        let user = User {
            id,
            name,
            role,
            password_hash,
            enabled: true,
            created_at: now,
        };
        let tx = self.0.store.begin().await?;
        match tx.insert_user(&user).await {
            Err(store::Error::Taken { .. }) => {
                return Err(Error::refuse_field(
                    ErrorCode::UserExists,
                    "username",
                    "a user with this name exists; choose another name",
                ));
            }
            other => other?,
        }
        let change = Change::new("user.created")
            .to("user", id, &user.name)
            .with(json!({ "role": role.as_str() }));
        record(&tx, caller, change, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Lists all users by name.
    pub async fn list_users(&self, _: &Caller) -> Result<Vec<User>, Error> {
        Ok(self.0.store.read().await?.users().await?)
    }

    /// Gives a user a new password, lets the user sign in again and ends all of the user's sessions.
    ///
    /// Errors: `user_not_found`, `weak_password`.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        name: &Username,
        password: Secret<String>,
    ) -> Result<(), Error> {
        let Some(user) = self.0.store.read().await?.user_by_name(name).await? else {
            return Err(Error::refuse_field(
                ErrorCode::UserNotFound,
                "username",
                "there is no user with this name",
            ));
        };
        let password = NewPassword::new(password, &user.name).map_err(|weak| weak_password("password", &weak))?;
        let hash = self.0.hasher.hash(password.secret()).await?;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        tx.set_password_hash(user.id, &hash).await?;
        tx.set_user_enabled(user.id, true).await?;
        tx.delete_login_sessions(user.id, None).await?;
        record(
            &tx,
            caller,
            Change::new("user.password_set").to("user", user.id, &user.name),
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
