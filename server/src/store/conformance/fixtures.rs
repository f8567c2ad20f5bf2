//! Values for cases.

use domain::id::{LoginSessionId, UserId};
use domain::{Role, Timestamp};
use uuid::Uuid;

use crate::store::{LoginSession, PageRequest, Store, User};

/// A moment in May 2026, some seconds after midnight.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_777_593_600 + seconds, 0).unwrap()
}

/// An id of a kind, told apart by a small number.
pub(super) fn id<T>(from: fn(Uuid) -> T, number: u128) -> T {
    from(Uuid::from_u128(number))
}

pub(super) fn user(number: u128, name: &str) -> User {
    User {
        id: id(UserId::from_uuid, number),
        name: name.parse().unwrap(),
        role: Role::Operator,
        password_hash: format!("$argon2id$of-{name}"),
        enabled: true,
        created_at: at(0),
    }
}

pub(super) fn login_session(number: u128, of: &User) -> LoginSession {
    LoginSession {
        id: id(LoginSessionId::from_uuid, number),
        user_id: of.id,
        created_at: at(10),
        expires_at: at(1_000),
    }
}

/// The first items of a list, or those behind a cursor.
pub(super) fn page<C>(size: u32, after: Option<C>) -> PageRequest<C> {
    PageRequest { size, after }
}

/// Commits users.
pub(super) async fn add_users(store: &Store, users: &[&User]) {
    let tx = store.begin().await.unwrap();
    for user in users {
        tx.insert_user(user).await.unwrap();
    }
    tx.commit().await.unwrap();
}
