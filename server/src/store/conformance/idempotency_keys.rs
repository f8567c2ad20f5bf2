use super::cases;
use super::fixtures::{add_users, at, claim, user};
use crate::store::{Claim, Store};

cases! {
    async fn a_key_belongs_to_the_request_that_claims_it_first(store: Store) {
        let anna = user(1, "anna");
        add_users(&store, &[&anna]).await;
        let (first, second) = (claim(anna.id, 1, 1), claim(anna.id, 1, 2));

        assert!(claims(&store, &first).await);

        assert!(!claims(&store, &second).await);
        assert!(claims(&store, &first).await, "the same request may say so twice");
        let found = store.read().await.unwrap().claimed(anna.id, first.key).await.unwrap().unwrap();
        assert_eq!((found.claim, found.answer), (first, None));
    }

    async fn keys_of_different_users_are_different_keys(store: Store) {
        let (anna, ben) = (user(1, "anna"), user(2, "ben"));
        add_users(&store, &[&anna, &ben]).await;

        assert!(claims(&store, &claim(anna.id, 1, 1)).await);
        assert!(claims(&store, &claim(ben.id, 1, 2)).await);
    }

    async fn a_claim_whose_transaction_is_given_up_leaves_the_key_free(store: Store) {
        let anna = user(1, "anna");
        add_users(&store, &[&anna]).await;
        let tx = store.begin().await.unwrap();
        assert!(tx.claim(&claim(anna.id, 1, 1), at(0), at(10)).await.unwrap());
        drop(tx);

        assert!(claims(&store, &claim(anna.id, 1, 2)).await);
    }

    async fn only_one_of_two_at_once_gets_the_key(store: Store) {
        let anna = user(1, "anna");
        add_users(&store, &[&anna]).await;

        let (first, second) = (claim(anna.id, 1, 1), claim(anna.id, 1, 2));
        let (first, second) = tokio::join!(claims(&store, &first), claims(&store, &second));

        assert!(first != second, "{first} {second}");
    }

    async fn the_answer_is_kept_for_the_request_that_has_the_key(store: Store) {
        let anna = user(1, "anna");
        add_users(&store, &[&anna]).await;
        let first = claim(anna.id, 1, 1);
        assert!(claims(&store, &first).await);

        let tx = store.begin().await.unwrap();
        tx.keep_answer(&first, vec![1, 2]).await.unwrap();
        tx.keep_answer(&claim(anna.id, 1, 2), vec![3]).await.unwrap();
        tx.commit().await.unwrap();

        let found = store.read().await.unwrap().claimed(anna.id, first.key).await.unwrap().unwrap();
        assert_eq!(found.answer, Some(vec![1, 2]));
    }

    async fn an_old_claim_counts_no_more_and_is_removed(store: Store) {
        let anna = user(1, "anna");
        add_users(&store, &[&anna]).await;
        assert!(claims(&store, &claim(anna.id, 1, 1)).await);
        assert!(claims(&store, &claim(anna.id, 2, 2)).await);

        let tx = store.begin().await.unwrap();
        assert!(tx.claim(&claim(anna.id, 1, 3), at(11), at(20)).await.unwrap());
        assert_eq!(tx.forget_claims(at(11)).await.unwrap(), 1);
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        let left = tx.claimed(anna.id, claim(anna.id, 1, 3).key).await.unwrap().unwrap();
        assert_eq!((left.claim.request, left.created_at), (claim(anna.id, 1, 3).request, at(20)));
        assert_eq!(tx.claimed(anna.id, claim(anna.id, 2, 2).key).await.unwrap(), None);
    }
}

async fn claims(store: &Store, claim: &Claim) -> bool {
    let tx = store.begin().await.unwrap();
    let claimed = tx.claim(claim, at(0), at(10)).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}
