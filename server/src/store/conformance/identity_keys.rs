use domain::certificate::IdentityKey;

use super::cases;
use super::fixtures::{at, host, host_id};
use crate::store::Error;

cases! {
    async fn an_identity_key_is_found_by_host_and_by_key_and_can_be_replaced(store: Store) {
        let (first, second) = (IdentityKey::from_bytes([1; 32]), IdentityKey::from_bytes([2; 32]));
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(1, "web-01")).await.unwrap();
        assert_eq!(tx.identity_key(host_id(1)).await.unwrap(), None);

        tx.set_identity_key(host_id(1), &first, at(1)).await.unwrap();
        assert_eq!(tx.host_of_identity_key(&first).await.unwrap(), Some(host_id(1)));
        tx.set_identity_key(host_id(1), &second, at(2)).await.unwrap();

        assert_eq!(tx.identity_key(host_id(1)).await.unwrap(), Some(second));
        assert_eq!(tx.host_of_identity_key(&first).await.unwrap(), None);
        tx.forget_identity_key(host_id(1)).await.unwrap();
        assert_eq!(tx.identity_key(host_id(1)).await.unwrap(), None);
        tx.forget_identity_key(host_id(1)).await.unwrap();
    }

    async fn an_identity_key_belongs_to_one_host_and_goes_with_it(store: Store) {
        let key = IdentityKey::from_bytes([1; 32]);
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(1, "web-01")).await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        tx.set_identity_key(host_id(1), &key, at(1)).await.unwrap();
        tx.commit().await.unwrap();

        let tx = store.begin().await.unwrap();
        let taken = tx.set_identity_key(host_id(2), &key, at(2)).await;
        assert!(matches!(taken, Err(Error::Taken { table: "host_identity_keys", .. })), "{taken:?}");
        drop(tx);

        let tx = store.begin().await.unwrap();
        tx.delete_host(host_id(1)).await.unwrap();
        tx.set_identity_key(host_id(2), &key, at(3)).await.unwrap();
        assert_eq!(tx.host_of_identity_key(&key).await.unwrap(), Some(host_id(2)));
    }
}
