use sea_orm::ConnectionTrait as _;

use super::cases;
use super::databases::{on_postgres, on_sqlite};
use super::fixtures::{add_users, at, user};
use crate::store::{Error, Store};

cases! {
    async fn what_is_not_committed_is_not_there(store: Store) {
        let tx = store.begin().await.unwrap();
        tx.insert_user(&user(1, "anna")).await.unwrap();
        assert_eq!(tx.user_count().await.unwrap(), 1);
        drop(tx);

        assert_eq!(store.read().await.unwrap().user_count().await.unwrap(), 0);
    }

    async fn a_reader_sees_one_moment(store: Store) {
        let reader = store.read().await.unwrap();
        assert_eq!(reader.user_count().await.unwrap(), 0);

        add_users(&store, &[&user(1, "anna")]).await;

        assert_eq!(reader.user_count().await.unwrap(), 0);
        assert_eq!(store.read().await.unwrap().user_count().await.unwrap(), 1);
    }

    async fn a_decision_on_what_is_not_there_is_taken_once(store: Store) {
        let racers: Vec<_> = (0..10)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let tx = store.begin().await.unwrap();
                    tx.exclusively("the first user").await.unwrap();
                    if tx.user_count().await.unwrap() == 0 {
                        tx.insert_user(&user(number, &format!("racer-{number}"))).await.unwrap();
                        tx.commit().await.unwrap();
                    }
                })
            })
            .collect();
        for racer in racers {
            racer.await.unwrap();
        }

        assert_eq!(store.read().await.unwrap().user_count().await.unwrap(), 1);
    }

    async fn many_writers_beside_a_long_reader_lose_nothing(store: Store) {
        let reader = store.read().await.unwrap();
        assert_eq!(reader.user_count().await.unwrap(), 0);
        let writers: Vec<_> = (0..200_i64)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let tx = store.begin().await.unwrap();
                    tx.put_setting(&format!("writer {number}"), &number, at(number)).await.unwrap();
                    tx.commit().await.unwrap();
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }

        let tx = store.read().await.unwrap();
        for number in 0..200_i64 {
            assert_eq!(tx.setting(&format!("writer {number}")).await.unwrap(), Some(number));
        }
    }
}

#[tokio::test]
async fn a_turn_that_does_not_come_is_a_busy_database() {
    on_sqlite(async |store: Store| {
        let holder = store.begin().await.unwrap();
        // Time jumps ahead as soon as everybody waits.
        tokio::time::pause();

        let refused = store.begin().await;

        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
        tokio::time::resume();
        drop(holder);
        drop(store.begin().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn what_is_written_after_the_disk_was_full_is_there_for_everybody() {
    on_sqlite(async |store: Store| {
        // As small as what is there; a connection knows its own limit.
        let limit = store.0.writer.execute_unprepared("PRAGMA max_page_count = 1").await;
        limit.unwrap();
        for attempt in 0..3 {
            let tx = store.begin().await.unwrap();
            let refused = tx.put_setting("large", &"x".repeat(100_000), at(attempt)).await;
            if attempt == 0 {
                assert!(matches!(refused, Err(Error::Full { .. })), "{refused:?}");
            }
            drop(tx);
        }

        let tx = store.begin().await.unwrap();
        tx.put_setting("small", &1, at(1)).await.unwrap();
        tx.commit().await.unwrap();

        let read = store.read().await.unwrap().setting("small").await.unwrap();
        assert_eq!(read, Some(1), "a commit was none");
    })
    .await;
}

#[tokio::test]
async fn a_deadlock_on_postgresql_is_a_busy_database() {
    on_postgres(async |store: Store| {
        let (anna, ben) = (user(1, "anna"), user(2, "ben"));
        add_users(&store, &[&anna, &ben]).await;
        let (one, other) = (store.begin().await.unwrap(), store.begin().await.unwrap());
        one.set_user_enabled(anna.id, false).await.unwrap();
        other.set_user_enabled(ben.id, false).await.unwrap();

        let ends = tokio::join!(
            one.set_user_enabled(ben.id, true),
            other.set_user_enabled(anna.id, true)
        );

        assert!(
            matches!(ends, (Err(Error::Busy), Ok(())) | (Ok(()), Err(Error::Busy))),
            "{ends:?}"
        );
    })
    .await;
}
