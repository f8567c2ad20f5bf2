use domain::id::UserId;

use super::cases;
use super::fixtures::{add_users, id, user};
use crate::store::Error;

cases! {
    async fn a_user_comes_back_as_it_went_in(store: Store) {
        let anna = user(1, "Anna");
        add_users(&store, &[&anna]).await;

        let tx = store.read().await.unwrap();

        assert_eq!(tx.user(anna.id).await.unwrap().as_ref(), Some(&anna));
        assert_eq!(tx.user_by_name(&"aNNA".parse().unwrap()).await.unwrap().as_ref(), Some(&anna));
        assert_eq!(tx.user(id(UserId::from_uuid, 2)).await.unwrap(), None);
        assert_eq!(tx.user_by_name(&"ann".parse().unwrap()).await.unwrap(), None);
    }

    async fn a_name_is_taken_in_any_case(store: Store) {
        add_users(&store, &[&user(1, "Anna")]).await;

        let tx = store.begin().await.unwrap();
        let refused = tx.insert_user(&user(2, "ANNA")).await;

        assert!(matches!(refused, Err(Error::Taken { table: "users", .. })), "{refused:?}");
    }

    async fn users_are_listed_by_name_and_counted(store: Store) {
        add_users(&store, &[&user(1, "c"), &user(2, "a_x"), &user(3, "B"), &user(4, "a-y")]).await;

        let tx = store.read().await.unwrap();
        let names: Vec<String> = tx.users().await.unwrap().iter().map(|user| user.name.to_string()).collect();

        assert_eq!(names, ["a-y", "a_x", "B", "c"]);
        assert_eq!(tx.user_count().await.unwrap(), 4);
    }

    async fn password_and_enabled_change_alone(store: Store) {
        let (anna, ben) = (user(1, "anna"), user(2, "ben"));
        add_users(&store, &[&anna, &ben]).await;

        let tx = store.begin().await.unwrap();
        tx.set_password_hash(anna.id, "new").await.unwrap();
        tx.set_user_enabled(anna.id, false).await.unwrap();
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        let changed = crate::store::User { password_hash: "new".into(), enabled: false, ..anna };
        assert_eq!(tx.users().await.unwrap(), [changed, ben]);
    }

    async fn a_user_that_is_not_there_cannot_be_changed(store: Store) {
        let tx = store.begin().await.unwrap();

        let refused = tx.set_user_enabled(id(UserId::from_uuid, 1), true).await;

        assert!(matches!(refused, Err(Error::Missing { table: "users", .. })), "{refused:?}");
    }
}
