use super::cases;
use super::fixtures::{group_id, host, host_id, source_group};
use crate::store::{Error, Store};

cases! {
    async fn groups_are_found_by_id_and_by_name_of_their_host(store: Store) {
        add_hosts(&store).await;
        let (etc, db, other) =
            (source_group(1, host_id(1), "etc"), source_group(2, host_id(1), "db"), source_group(3, host_id(2), "etc"));
        let tx = store.begin().await.unwrap();
        for group in [&etc, &db, &other] {
            tx.insert_source_group(group).await.unwrap();
        }
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();

        assert_eq!(tx.source_group(etc.id).await.unwrap().as_ref(), Some(&etc));
        assert_eq!(tx.source_group(group_id(9)).await.unwrap(), None);
        assert_eq!(tx.source_group_by_name(host_id(2), &"etc".parse().unwrap()).await.unwrap(), Some(other));
        assert_eq!(tx.source_group_by_name(host_id(2), &"db".parse().unwrap()).await.unwrap(), None);
        assert_eq!(tx.source_groups(host_id(1)).await.unwrap(), [db, etc]);
    }

    async fn a_name_is_taken_once_per_host(store: Store) {
        add_hosts(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_source_group(&source_group(1, host_id(1), "etc")).await.unwrap();

        let refused = tx.insert_source_group(&source_group(2, host_id(1), "etc")).await;

        assert!(matches!(refused, Err(Error::Taken { table: "source_groups", .. })), "{refused:?}");
    }

    async fn a_group_needs_its_host(store: Store) {
        let tx = store.begin().await.unwrap();

        let refused = tx.insert_source_group(&source_group(1, host_id(1), "etc")).await;

        assert!(matches!(refused, Err(Error::Dangling { table: "source_groups", .. })), "{refused:?}");
    }
}

async fn add_hosts(store: &Store) {
    let tx = store.begin().await.unwrap();
    tx.insert_host(&host(1, "web-01")).await.unwrap();
    tx.insert_host(&host(2, "web-02")).await.unwrap();
    tx.commit().await.unwrap();
}
