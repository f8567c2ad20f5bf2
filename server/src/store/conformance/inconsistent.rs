//! Rows that this server cannot have written: each is an error that names table, column and row, never a panic.

use domain::enrollment::TokenQuery;
use domain::fleet::{HostOrder, HostQuery};
use domain::id::{EnrollmentTokenId, OutboxIncarnation};
use domain::job::JobQuery;
use domain::snapshot_query::SnapshotQuery;
use sea_orm::{ConnectionTrait as _, Statement};

use super::cases;
use super::filled::{audit_query, fill, first_page};
use super::fixtures::{at, command_id, group_id, host_id, id, job_id, page, repository_id, user};
use crate::pki::CaRole;
use crate::store::{Error, Tx};

/// Table, column, and what somebody writes into it, as SQL.
const DAMAGE: [(&str, &str, &str); 47] = [
    ("users", "name", "'not a name'"),
    ("users", "role", "'root'"),
    ("users", "created_at", "9223372036854775807"),
    ("login_sessions", "expires_at", "9223372036854775807"),
    ("audit_log", "actor_kind", "'ghost'"),
    ("audit_log", "ip", "'nowhere'"),
    ("settings", "value", "'{'"),
    ("hosts", "hostname", "'a b'"),
    ("hosts", "status", "'sleeping'"),
    ("hosts", "health", "'fine'"),
    ("hosts", "tags", "'[\"a b\"]'"),
    ("hosts", "tags", "'x'"),
    ("hosts", "inventory", "'[]'"),
    ("hosts", "version", "-1"),
    ("hosts", "limit_upload_kib_s", "4294967296"),
    ("hosts", "last_backup_code", "'well'"),
    ("hosts", "last_backup_code", "NULL"),
    ("hosts", "protocol_version", "-1"),
    ("host_sessions", "applied", "'7'"),
    ("host_sessions", "session_epoch", "-1"),
    ("source_groups", "name", "'A,b'"),
    ("source_groups", "paths", "'[\"relative\"]'"),
    ("ca_certificates", "not_after", "9223372036854775807"),
    ("host_certificates", "public_key_sha256", "{short}"),
    ("repositories", "url", "'relative'"),
    ("repositories", "name", "''"),
    ("repositories", "username", "'a:b'"),
    ("repositories", "restic_id", "'ab'"),
    ("repository_credentials", "slot", "'weekly'"),
    ("host_repositories", "status", "'broken'"),
    ("host_repositories", "snapshot_count", "-1"),
    ("snapshots", "id", "'ab'"),
    ("snapshots", "tags", "'7'"),
    ("snapshots", "size_bytes", "-1"),
    ("enrollment_tokens", "hostname", "'a b'"),
    ("enrollment_tokens", "secret_sha256", "{short}"),
    ("enrollment_tokens", "source_cidr", "'here'"),
    ("enrollment_tokens", "repository_url", "'relative'"),
    ("jobs", "kind", "'defrag'"),
    ("jobs", "phase", "'resting'"),
    ("jobs", "facts", "'{}'"),
    ("jobs", "actor", "'me'"),
    ("jobs", "cancel_requested", "'soon'"),
    ("job_log_chunks", "line_count", "-1"),
    ("commands", "kind", "'dance'"),
    ("commands", "state", "'lost'"),
    ("agent_cursors", "through_seq", "-1"),
];

cases! {
    async fn a_row_that_makes_no_sense_is_named(store: Store) {
        fill(&store).await;
        for (table, column, value) in DAMAGE {
            let tx = store.begin().await.unwrap();
            read(&tx, table).await.unwrap();
            damage(&tx, table, column, value).await;

            let fault = read(&tx, table).await;

            let expected = if table == "host_sessions" { "hosts" } else { table };
            // A state is blamed on its word, whichever of word and facts does not fit.
            let blamed = if (table, column) == ("jobs", "facts") { "phase" } else { column };
            assert!(
                matches!(&fault, Err(Error::Inconsistent { table, column, row, .. })
                    if *table == expected && *column == blamed && !row.is_empty()),
                "{table}.{column} = {value}: {fault:?}"
            );
        }
    }

    async fn half_a_use_and_half_a_repository_of_a_token_are_named(store: Store) {
        fill(&store).await;
        for (column, blamed) in [("used_at", "used_at"), ("used_nonce", "used_at"), ("sealed_credentials", "repository_id")] {
            let tx = store.begin().await.unwrap();
            damage(&tx, "enrollment_tokens", column, "NULL").await;

            let fault = read(&tx, "enrollment_tokens").await;

            assert!(matches!(&fault, Err(Error::Inconsistent { column, .. }) if *column == blamed), "{column}: {fault:?}");
        }
    }
}

async fn damage(tx: &Tx, table: &str, column: &str, value: &str) {
    let backend = tx.on.get_database_backend();
    let short = if backend == sea_orm::DbBackend::Postgres {
        "'\\x00'"
    } else {
        "x'00'"
    };
    let table = if table == "host_sessions" { "hosts" } else { table };
    let sql = format!("UPDATE {table} SET {column} = {}", value.replace("{short}", short));
    tx.on.execute_raw(Statement::from_string(backend, sql)).await.unwrap();
}

/// Reads something from a table; `host_sessions` stands for the part of `hosts` that sessions use.
async fn read(tx: &Tx, table: &str) -> Result<(), Error> {
    let host = host_id(1);
    match table {
        "users" => tx.user(user(1, "anna").id).await.map(drop),
        "login_sessions" => tx.login_session(&[1; 32]).await.map(drop),
        "audit_log" => tx.audit_log(&audit_query(), &page(5, None)).await.map(drop),
        "settings" => tx.setting::<String>("deployment").await.map(drop),
        "hosts" => tx.hosts(&hosts_query(), &page(5, None)).await.map(drop),
        "host_sessions" => tx.host_session(host).await.map(drop),
        "source_groups" => tx.source_group(group_id(1)).await.map(drop),
        "ca_certificates" => tx.ca_certificates(CaRole::Root).await.map(drop),
        "host_certificates" => tx.certificate("01").await.map(drop),
        "repositories" => tx.repository(repository_id(1)).await.map(drop),
        "repository_credentials" => tx.repository_credentials(repository_id(1)).await.map(drop),
        "host_repositories" => tx.host_repository(host).await.map(drop),
        "snapshots" => {
            let query = SnapshotQuery {
                host,
                group: None,
                page: first_page(),
            };
            tx.snapshots(&query, &page(5, None)).await.map(drop)
        }
        "enrollment_tokens" => {
            let query = TokenQuery {
                state: None,
                page: first_page(),
            };
            tx.enrollment_token(id(EnrollmentTokenId::from_uuid, 1)).await?;
            tx.enrollment_tokens(&query, at(0), &page(5, None)).await.map(drop)
        }
        "jobs" => tx.jobs(&jobs_query(), &page(5, None)).await.map(drop),
        "job_log_chunks" => tx.log_tail(job_id(2), 1).await.map(drop),
        "commands" => tx.command(command_id(1)).await.map(drop),
        "agent_cursors" => tx
            .agent_cursor(host, id(OutboxIncarnation::from_uuid, 1))
            .await
            .map(drop),
        other => panic!("{other} is not read here"),
    }
}

fn hosts_query() -> HostQuery {
    HostQuery {
        words: Vec::new(),
        status: None,
        health: None,
        tag: None,
        repo_status: None,
        repository: None,
        order: HostOrder::default(),
        page: first_page(),
    }
}

fn jobs_query() -> JobQuery {
    JobQuery {
        host: None,
        kind: None,
        status: None,
        from: None,
        to: None,
        page: first_page(),
    }
}
