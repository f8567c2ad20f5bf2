//! The migrations, and whether the entities fit what they make.

use std::collections::BTreeSet;

use migrations::Migrator;
use sea_orm::{
    ColumnTrait as _, ColumnType, ConnectionTrait as _, DatabaseConnection, DbBackend, EntityTrait, Iterable as _,
    PrimaryKeyToColumn as _, Statement,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use super::cases;
use super::filled::fill;
use crate::store::entity::{
    agent_cursor, audit_anchor, audit_entry, audit_head, ca_certificate, command, enrollment_token, host,
    host_certificate, host_identity_key, host_repository, idempotency_key, job, job_log_chunk, login_session,
    repository, repository_credential, repository_stats, setting, snapshot, source_group, user,
};
use crate::store::{Error, Store};

const POSTGRES_COLUMNS: &str =
    "SELECT c.table_name AS t, c.column_name AS c, c.data_type AS sort, c.is_nullable = 'YES' AS is_nullable,
                    EXISTS (SELECT 1 FROM information_schema.key_column_usage k
                            JOIN information_schema.table_constraints p USING (constraint_schema, constraint_name)
                            WHERE p.constraint_type = 'PRIMARY KEY' AND k.table_schema = 'public'
                              AND k.table_name = c.table_name AND k.column_name = c.column_name) AS is_key
             FROM information_schema.columns c
             WHERE c.table_schema = 'public' AND c.table_name <> 'seaql_migrations'";
const SQLITE_COLUMNS: &str = r#"SELECT m.name AS t, c.name AS c, lower(c.type) AS sort, c."notnull" = 0 AS is_nullable, c.pk > 0 AS is_key
               FROM sqlite_master m JOIN pragma_table_info(m.name) c
               WHERE m.type = 'table' AND m.name NOT IN ('seaql_migrations', 'sqlite_sequence')"#;

/// One column: table, name, sort, whether it may be null, whether it is part of the primary key.
type Column = (String, String, &'static str, bool, bool);

cases! {
    async fn entities_fit_the_schema_exactly(store: Store) {
        let found = columns(&store.0.writer).await;

        assert_eq!(found, entities());
    }

    async fn migrations_go_down_and_up_again(store: Store) {
        let before = columns(&store.0.writer).await;

        Migrator::down(&store.0.writer, None).await.unwrap();
        assert_eq!(columns(&store.0.writer).await, BTreeSet::new());
        store.migrate::<Migrator>().await.unwrap();

        assert_eq!(columns(&store.0.writer).await, before);
        fill(&store).await;
    }

    async fn a_server_that_lacks_the_last_migration_refuses_the_schema(store: Store) {
        let refused = store.migrate::<OlderMigrator>().await;

        let last = Migrator::migrations().pop().unwrap().name().to_owned();
        assert!(matches!(&refused, Err(Error::SchemaTooNew { migration }) if *migration == last), "{refused:?}");
    }

    async fn a_second_start_changes_nothing(store: Store) {
        fill(&store).await;

        store.migrate::<Migrator>().await.unwrap();

        assert_eq!(store.read().await.unwrap().user_count().await.unwrap(), 1);
    }

    async fn no_column_lists_its_values_in_a_check(store: Store) {
        let sql = if store.0.writer.get_database_backend() == DbBackend::Postgres {
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        } else {
            "SELECT name FROM sqlite_master WHERE upper(sql) LIKE '%CHECK%'"
        };

        assert_eq!(texts(&store.0.writer, sql).await, Vec::<String>::new());
    }

    async fn every_table_can_be_filled_and_every_column_that_may_be_null_is_seen_set(store: Store) {
        fill(&store).await;

        for (table, column, _, is_nullable, _) in entities() {
            let sql = format!("SELECT CAST(count(\"{column}\") AS TEXT) FROM {table}");
            assert_ne!(texts(&store.0.writer, &sql).await, ["0"], "{table}.{column}, nullable: {is_nullable}");
        }
    }
}

#[tokio::test]
async fn a_filled_sqlite_file_is_whole() {
    super::databases::on_sqlite(async |store: Store| {
        fill(&store).await;

        assert_eq!(texts(&store.0.writer, "PRAGMA integrity_check").await, ["ok"]);
        assert_eq!(
            texts(&store.0.writer, "PRAGMA foreign_key_check").await,
            Vec::<String>::new()
        );
    })
    .await;
}

/// The migrations of a release before.
struct OlderMigrator;

impl MigratorTrait for OlderMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Migrator::migrations();
        migrations.pop();
        migrations
    }
}

fn entities() -> BTreeSet<Column> {
    let all = [
        of::<agent_cursor::Entity>(),
        of::<audit_anchor::Entity>(),
        of::<audit_entry::Entity>(),
        of::<audit_head::Entity>(),
        of::<ca_certificate::Entity>(),
        of::<command::Entity>(),
        of::<enrollment_token::Entity>(),
        of::<host::Entity>(),
        of::<host_certificate::Entity>(),
        of::<host_identity_key::Entity>(),
        of::<host_repository::Entity>(),
        of::<idempotency_key::Entity>(),
        of::<job::Entity>(),
        of::<job_log_chunk::Entity>(),
        of::<login_session::Entity>(),
        of::<repository::Entity>(),
        of::<repository_credential::Entity>(),
        of::<repository_stats::Entity>(),
        of::<setting::Entity>(),
        of::<snapshot::Entity>(),
        of::<source_group::Entity>(),
        of::<user::Entity>(),
    ];
    all.into_iter().flatten().collect()
}

fn of<E: EntityTrait>() -> Vec<Column> {
    let keys: Vec<String> = E::PrimaryKey::iter().map(|key| name(&key.into_column())).collect();
    let column = |column: E::Column| {
        let definition = column.def();
        let kind = definition.get_column_type();
        let sorts: [(&str, bool); 5] = [
            ("uuid", matches!(kind, ColumnType::Uuid)),
            ("bigint", matches!(kind, ColumnType::BigInteger)),
            ("text", matches!(kind, ColumnType::String(_))),
            ("boolean", matches!(kind, ColumnType::Boolean)),
            ("bytes", matches!(kind, ColumnType::VarBinary(_))),
        ];
        let sort = sorts.iter().find(|(_, is_it)| *is_it).map(|(sort, _)| *sort);
        let sort = sort.unwrap_or_else(|| panic!("no column is meant to be {kind:?}"));
        let is_key = keys.contains(&name(&column));
        (
            E::default().table_name().to_owned(),
            name(&column),
            sort,
            definition.is_null(),
            is_key,
        )
    };
    E::Column::iter().map(column).collect()
}

fn name<C: sea_orm::IdenStatic>(column: &C) -> String {
    column.as_str().to_owned()
}

/// All columns of all tables, as the database tells.
async fn columns(on: &DatabaseConnection) -> BTreeSet<Column> {
    let sql = if on.get_database_backend() == DbBackend::Postgres {
        POSTGRES_COLUMNS
    } else {
        SQLITE_COLUMNS
    };
    let rows = on
        .query_all_raw(Statement::from_string(on.get_database_backend(), sql))
        .await
        .unwrap();
    let column = |row: sea_orm::QueryResult| {
        let sort: String = row.try_get("", "sort").unwrap();
        let sort = match sort.as_str() {
            "uuid" | "uuid_text" | "uuid_blob" => "uuid",
            // SQLite has one sort of integer, of up to 64 bits.
            "bigint" | "integer" => "bigint",
            "text" => "text",
            "boolean" => "boolean",
            "blob" | "bytea" => "bytes",
            other => panic!("no column is meant to be {other}"),
        };
        let text = |name: &str| row.try_get::<String>("", name).unwrap();
        let flag = |name: &str| row.try_get::<bool>("", name).unwrap();
        (text("t"), text("c"), sort, flag("is_nullable"), flag("is_key"))
    };
    rows.into_iter().map(column).collect()
}

async fn texts(on: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = on
        .query_all_raw(Statement::from_string(on.get_database_backend(), sql))
        .await
        .unwrap();
    rows.into_iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
