use super::cases;
use super::fixtures::at;
use crate::secrets::Sealed;
use crate::store::{Error, Store};

cases! {
    async fn a_setting_is_absent_until_put_and_then_the_last_one_counts(store: Store) {
        assert_eq!(read(&store).await.unwrap(), None);

        for value in ["first", "second"] {
            let tx = store.begin().await.unwrap();
            tx.put_setting("deployment", &value, at(0)).await.unwrap();
            tx.commit().await.unwrap();
        }

        assert_eq!(read(&store).await.unwrap().as_deref(), Some("second"));
    }

    async fn a_sealed_setting_comes_back_byte_by_byte(store: Store) {
        let sealed = Sealed::from_bytes(vec![0, 1, 254, 255]);

        let tx = store.begin().await.unwrap();
        tx.put_sealed_setting("key_probe", &sealed, at(0)).await.unwrap();

        assert_eq!(tx.sealed_setting("key_probe").await.unwrap(), Some(sealed));
        assert_eq!(tx.sealed_setting("other").await.unwrap(), None);
    }

    async fn a_setting_of_another_shape_is_inconsistent(store: Store) {
        let tx = store.begin().await.unwrap();
        tx.put_setting("deployment", &7, at(0)).await.unwrap();
        tx.commit().await.unwrap();

        let fault = read(&store).await.unwrap_err();

        assert!(
            matches!(&fault, Error::Inconsistent { table: "settings", column: "value", row, .. } if row == "deployment"),
            "{fault:?}"
        );
    }
}

async fn read(store: &Store) -> Result<Option<String>, Error> {
    store.read().await.unwrap().setting("deployment").await
}
