//! What opening a database promises beyond the schema.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sea_orm::{ConnectionTrait as _, Statement};

use super::databases::{drop_postgres, new_postgres, new_sqlite};
use super::fixtures::{add_users, user};
use crate::store::{DatabaseUrl, Error, Options, Store};

#[tokio::test]
async fn a_second_server_on_the_same_file_is_refused() {
    let (_directory, url) = new_sqlite();
    let first = Store::open(&url, Options::default()).await.unwrap();

    let second = Store::open(&url, Options::default()).await;
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");

    first.close().await.unwrap();
    drop(first);
    Store::open(&url, Options::default()).await.unwrap();
}

#[tokio::test]
async fn the_file_keeps_its_rows_and_only_its_owner_reads_it() {
    let (directory, url) = new_sqlite();
    let store = Store::open(&url, Options::default()).await.unwrap();
    add_users(&store, &[&user(1, "anna")]).await;
    store.close().await.unwrap();
    drop(store);

    let store = Store::open(&url, Options::default()).await.unwrap();

    assert_eq!(store.read().await.unwrap().user_count().await.unwrap(), 1);
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.file_name()
        );
    }
}

#[tokio::test]
async fn a_commit_on_sqlite_survives_a_loss_of_power() {
    let (_directory, url) = new_sqlite();
    let store = Store::open(&url, Options::default()).await.unwrap();

    // 2 is FULL: the log is synced with every commit.
    for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
        let ask = Statement::from_string(
            store.0.writer.get_database_backend(),
            format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}"),
        );
        let found: String = store
            .0
            .writer
            .query_one_raw(ask)
            .await
            .unwrap()
            .unwrap()
            .try_get_by_index(0)
            .unwrap();
        assert_eq!(found, expected, "{pragma}");
    }
}

#[tokio::test]
async fn readers_of_sqlite_cannot_write() {
    let (_directory, url) = new_sqlite();
    let store = Store::open(&url, Options::default()).await.unwrap();

    let written = store.0.reader.execute_unprepared("DELETE FROM users").await;

    assert!(written.is_err(), "{written:?}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let url = DatabaseUrl::Sqlite("/nonexistent/restic-manager.db".into());

    let refused = Store::open(&url, Options::default()).await.unwrap_err();

    assert_eq!(
        refused.to_string(),
        "could not open /nonexistent/restic-manager.db; its directory must exist and be writable by the server"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let (directory, url) = new_sqlite();
    fs::write(directory.path().join("restic-manager.db"), "Dear diary, ".repeat(1_000)).unwrap();

    let refused = Store::open(&url, Options::default()).await.unwrap_err();

    assert!(matches!(refused, Error::Connect { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_postgresql_that_does_not_answer_is_named_without_the_login() {
    // The discard port: nothing listens there.
    let url: DatabaseUrl = "postgres://rm:hunter2@127.0.0.1:9/rm".parse().unwrap();

    let refused = Store::open(&url, Options::default()).await.unwrap_err();

    let text = refused.to_string();
    assert!(text.contains("PostgreSQL at 127.0.0.1:9, database rm"), "{text}");
    assert!(!format!("{refused:?}").contains("hunter2"));
}

#[tokio::test]
async fn servers_that_start_together_on_postgresql_migrate_once() {
    let Some(url) = new_postgres().await else {
        return;
    };
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url, Options { max_connections: 2 }).await })
        })
        .collect();

    for start in starts {
        start.await.unwrap().unwrap().close().await.unwrap();
    }
    drop_postgres(&url).await;
}
