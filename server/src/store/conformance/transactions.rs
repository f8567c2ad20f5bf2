use super::cases;
use super::fixtures::{add_users, at, user};

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

    async fn many_writers_at_once_lose_nothing(store: Store) {
        let writers: Vec<_> = (0..40_i64)
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
        for number in 0..40_i64 {
            assert_eq!(tx.setting(&format!("writer {number}")).await.unwrap(), Some(number));
        }
    }
}
