//! The rows as the database has them. Private to the store; each file also says how its row becomes what we work with.
#![expect(
    unreachable_pub,
    reason = "the derives of sea-orm need `pub`, and nothing of this leaves the store"
)]

pub(super) mod agent_cursor;
pub(super) mod audit_anchor;
pub(super) mod audit_entry;
pub(super) mod audit_head;
pub(super) mod ca_certificate;
pub(super) mod command;
pub(super) mod enrollment_token;
pub(super) mod host;
pub(super) mod host_certificate;
pub(super) mod host_identity_key;
pub(super) mod host_repository;
pub(super) mod idempotency_key;
pub(super) mod job;
pub(super) mod job_log_chunk;
pub(super) mod login_session;
pub(super) mod repository;
pub(super) mod repository_credential;
pub(super) mod repository_stats;
pub(super) mod setting;
pub(super) mod snapshot;
pub(super) mod source_group;
pub(super) mod user;
