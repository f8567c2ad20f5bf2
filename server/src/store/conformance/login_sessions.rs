use super::cases;
use super::fixtures::{add_users, at, login_session, user};
use crate::store::{LoginSession, Store};

cases! {
    async fn a_session_is_found_with_its_user_by_the_hash_of_its_cookie(store: Store) {
        let (anna, ben) = (user(1, "anna"), user(2, "ben"));
        add_users(&store, &[&anna, &ben]).await;
        let (of_anna, of_ben) = (login_session(1, &anna), login_session(2, &ben));
        add(&store, &[(&of_anna, 11), (&of_ben, 22)]).await;

        let tx = store.read().await.unwrap();

        assert_eq!(tx.login_session(&[22; 32]).await.unwrap(), Some((of_ben, ben)));
        assert_eq!(tx.login_session(&[33; 32]).await.unwrap(), None);
    }

    async fn ending_one_session_leaves_the_others(store: Store) {
        let anna = user(1, "anna");
        add_users(&store, &[&anna]).await;
        let (first, second) = (login_session(1, &anna), login_session(2, &anna));
        add(&store, &[(&first, 11), (&second, 22)]).await;

        let tx = store.begin().await.unwrap();
        assert!(tx.delete_login_session(first.id).await.unwrap());
        assert!(!tx.delete_login_session(first.id).await.unwrap());
        tx.commit().await.unwrap();

        assert_eq!(left(&store).await, [22]);
    }

    async fn all_other_sessions_of_a_user_can_be_ended(store: Store) {
        let (anna, ben) = (user(1, "anna"), user(2, "ben"));
        add_users(&store, &[&anna, &ben]).await;
        let mine = login_session(1, &anna);
        add(&store, &[(&mine, 11), (&login_session(2, &anna), 22), (&login_session(3, &ben), 33)]).await;

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.delete_login_sessions(anna.id, Some(mine.id)).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(left(&store).await, [11, 33]);

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.delete_login_sessions(anna.id, None).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(left(&store).await, [33]);
    }

    async fn sessions_that_have_ended_are_removed(store: Store) {
        let anna = user(1, "anna");
        add_users(&store, &[&anna]).await;
        let ends_at = |number, end| LoginSession { expires_at: at(end), ..login_session(number, &anna) };
        add(&store, &[(&ends_at(1, 99), 11), (&ends_at(2, 100), 22), (&ends_at(3, 101), 33)]).await;

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.delete_expired_login_sessions(at(100)).await.unwrap(), 2);
        tx.commit().await.unwrap();

        assert_eq!(left(&store).await, [33]);
    }
}

async fn add(store: &Store, sessions: &[(&LoginSession, u8)]) {
    let tx = store.begin().await.unwrap();
    for (session, token) in sessions {
        tx.insert_login_session(session, &[*token; 32]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The tokens, of those that the cases use, that still open a session.
async fn left(store: &Store) -> Vec<u8> {
    let tx = store.read().await.unwrap();
    let mut left = Vec::new();
    for token in [11, 22, 33] {
        if tx.login_session(&[token; 32]).await.unwrap().is_some() {
            left.push(token);
        }
    }
    left
}
