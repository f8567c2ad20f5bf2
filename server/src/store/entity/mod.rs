//! The rows as the database has them. Private to the store; each file also says how its row becomes what we work with.
#![expect(
    unreachable_pub,
    reason = "the derives of sea-orm need `pub`, and nothing of this leaves the store"
)]

pub(super) mod audit_entry;
pub(super) mod audit_head;
pub(super) mod login_session;
pub(super) mod setting;
pub(super) mod user;
