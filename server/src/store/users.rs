//! People who sign in.

use domain::id::UserId;
use domain::name::Username;
use domain::{Role, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::user::{ActiveModel, Column, Entity};
use super::row::must_exist;
use super::{Error, ReadTx, Tx};

const TABLE: &str = "users";

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// Unique without regard to case.
    pub name: Username,
    /// What the user may do.
    pub role: Role,
    /// The argon2id hash in PHC notation.
    pub password_hash: String,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// When the user was made.
    pub created_at: Timestamp,
}

impl ReadTx {
    /// How many users there are, disabled ones included.
    pub async fn user_count(&self) -> Result<u64, Error> {
        Entity::find().count(&self.on).await.map_err(Error::at(TABLE))
    }

    /// Finds a user.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        let found = Entity::find_by_id(id.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(User::try_from).transpose()
    }

    /// Finds a user by name, in any case.
    pub async fn user_by_name(&self, name: &Username) -> Result<Option<User>, Error> {
        let found = Entity::find()
            .filter(Column::NameKey.eq(name.key()))
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(User::try_from).transpose()
    }

    /// Lists all users by name.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let found = Entity::find()
            .order_by_asc(Column::NameKey)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.into_iter().map(User::try_from).collect()
    }
}

impl Tx {
    /// Adds a user. [`Error::Taken`] when the name exists in any case.
    pub async fn insert_user(&self, user: &User) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(user.id.as_uuid()),
            name: Set(user.name.to_string()),
            name_key: Set(user.name.key()),
            role: Set(user.role.as_str().to_owned()),
            password_hash: Set(user.password_hash.clone()),
            enabled: Set(user.enabled),
            created_at: Set(user.created_at.as_micros()),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Sets a user's password.
    pub async fn set_password_hash(&self, id: UserId, hash: &str) -> Result<(), Error> {
        self.set(id, Column::PasswordHash, Expr::value(hash)).await
    }

    /// Lets a user sign in, or not. It ends no session: whoever disables a user deletes the sessions too.
    pub async fn set_user_enabled(&self, id: UserId, enabled: bool) -> Result<(), Error> {
        self.set(id, Column::Enabled, Expr::value(enabled)).await
    }

    async fn set(&self, id: UserId, column: Column, value: Expr) -> Result<(), Error> {
        let done = Entity::update_many()
            .col_expr(column, value)
            .filter(Column::Id.eq(id.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }
}
