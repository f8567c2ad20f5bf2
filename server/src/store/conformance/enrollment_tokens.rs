use domain::enrollment::{TokenHash, TokenLife, TokenQuery, TokenState, TokenUse};
use domain::id::EnrollmentTokenId;
use domain::page::{PageQuery, PageSize};

use super::cases;
use super::fixtures::{at, host, host_id, id, page, paths, repository_id, tags};
use crate::secrets::Sealed;
use crate::store::{Store, StoredToken, TokenRepository};

cases! {
    async fn a_token_comes_back_as_it_went_in(store: Store) {
        let sparse = StoredToken { tags: tags(&[]), initial_paths: None, source: None, ..token(1, 10) };
        let known = StoredToken { repository: TokenRepository::Known(repository_id(7)), ..token(2, 20) };
        let none = StoredToken { repository: TokenRepository::None, ..token(3, 30) };
        // The host need not exist (any more).
        let replacing = StoredToken { repository: TokenRepository::None, replaces: Some(host_id(9)), ..token(4, 40) };
        add(&store, &[&sparse, &known, &none, &replacing]).await;

        let tx = store.read().await.unwrap();

        for token in [sparse, known, none, replacing] {
            assert_eq!(tx.enrollment_token(token.id).await.unwrap(), Some(token));
        }
        assert_eq!(tx.enrollment_token(token_id(9)).await.unwrap(), None);
    }

    async fn of_many_racers_exactly_one_uses_a_token(store: Store) {
        add(&store, &[&token(1, 0)]).await;
        let racers: Vec<_> = (0..20_u8)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let tx = store.begin().await.unwrap();
                    tx.insert_host(&host(u128::from(number) + 1, &format!("racer-{number}"))).await.unwrap();
                    let won = tx.use_enrollment_token(token_id(1), &used(number), host_id(u128::from(number) + 1)).await;
                    if won.unwrap() {
                        tx.commit().await.unwrap();
                        Some(number)
                    } else {
                        None
                    }
                })
            })
            .collect();
        let mut winners = Vec::new();
        for racer in racers {
            winners.extend(racer.await.unwrap());
        }

        let [winner] = winners[..] else { panic!("{winners:?}") };
        let token = find(&store, 1).await;
        assert_eq!(token.life.used, Some(used(winner)));
        assert_eq!(token.host_id, Some(host_id(u128::from(winner) + 1)));
    }

    async fn a_token_that_is_not_active_cannot_be_used_or_revoked(store: Store) {
        let expired = StoredToken { life: life(50), ..token(1, 0) };
        add(&store, &[&expired, &token(2, 0), &token(3, 0)]).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(1, "web-01")).await.unwrap();

        assert!(!tx.use_enrollment_token(token_id(1), &used(1), host_id(1)).await.unwrap());
        assert!(tx.revoke_enrollment_token(token_id(2), at(60)).await.unwrap());
        assert!(!tx.use_enrollment_token(token_id(2), &used(1), host_id(1)).await.unwrap());
        assert!(!tx.revoke_enrollment_token(token_id(2), at(70)).await.unwrap());
        assert!(tx.use_enrollment_token(token_id(3), &used(1), host_id(1)).await.unwrap());
        assert!(!tx.revoke_enrollment_token(token_id(3), at(70)).await.unwrap());
        assert!(!tx.revoke_enrollment_token(token_id(9), at(70)).await.unwrap());
        tx.commit().await.unwrap();

        assert_eq!(find(&store, 2).await.life.revoked_at, Some(at(60)));
        assert_eq!(find(&store, 3).await.life.revoked_at, None);
    }

    async fn the_database_judges_the_state_as_the_domain_does(store: Store) {
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(1, "web-01")).await.unwrap();
        tx.commit().await.unwrap();
        let with = |number, used, revoked_at| StoredToken {
            life: TokenLife { expires_at: at(100), used, revoked_at },
            ..token(number, i64::try_from(number).unwrap())
        };
        let tokens = [with(1, None, None), with(2, Some(used(1)), None), with(3, None, Some(at(60)))];
        add(&store, &[&tokens[0], &tokens[1], &tokens[2]]).await;

        for now in [at(99), at(100), at(101)] {
            for state in [None].into_iter().chain(TokenState::ALL.map(Some)) {
                let found = list(&store, state, now, 50).await;

                let expected: Vec<_> = tokens.iter().rev().filter(|token| state.is_none_or(|s| token.life.state(now) == s)).collect();
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{state:?} at {now}");
            }
        }
    }

    async fn tokens_are_paged_newest_first(store: Store) {
        // Two of one moment come by id.
        let tokens = [token(1, 10), token(2, 20), token(3, 20), token(4, 30)];
        add(&store, &tokens.each_ref()).await;
        let tx = store.read().await.unwrap();

        let first = tx.enrollment_tokens(&query(None), at(0), &page(2, None)).await.unwrap();
        let second = tx.enrollment_tokens(&query(None), at(0), &page(2, first.next)).await.unwrap();

        let numbers = |tokens: &[StoredToken]| tokens.iter().map(|token| token.id.as_uuid().as_u128()).collect::<Vec<_>>();
        assert_eq!((numbers(&first.items), numbers(&second.items)), (vec![4, 3], vec![2, 1]));
        assert_eq!((first.total, second.next), (4, None));
    }

    async fn ended_tokens_are_removed_after_their_time(store: Store) {
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(1, "web-01")).await.unwrap();
        tx.commit().await.unwrap();
        let ended = |number, expires, used, revoked_at| StoredToken {
            life: TokenLife { expires_at: at(expires), used, revoked_at },
            ..token(number, 0)
        };
        add(&store, &[
            &ended(1, 100, None, None),
            &ended(2, 101, None, None),
            // Used and revoked count from then, not from the expiry.
            &ended(3, 50, Some(TokenUse { at: at(100), ..used(1) }), None),
            &ended(4, 50, Some(TokenUse { at: at(101), ..used(1) }), None),
            &ended(5, 900, None, Some(at(100))),
            &ended(6, 50, None, Some(at(101))),
        ]).await;

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.delete_ended_enrollment_tokens(at(100)).await.unwrap(), 3);
        tx.commit().await.unwrap();

        let mut left: Vec<u128> = list(&store, None, at(0), 50).await.iter().map(|token| token.id.as_uuid().as_u128()).collect();
        left.sort_unstable();
        assert_eq!(left, [2, 4, 6]);
    }

    async fn a_token_outlives_the_host_that_used_it(store: Store) {
        add(&store, &[&token(1, 0)]).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(1, "web-01")).await.unwrap();
        assert!(tx.use_enrollment_token(token_id(1), &used(1), host_id(1)).await.unwrap());
        tx.delete_host(host_id(1)).await.unwrap();
        tx.commit().await.unwrap();

        let token = find(&store, 1).await;

        assert_eq!(token.host_id, None);
        assert_eq!(token.life.state(at(70)), TokenState::Used);
    }
}

async fn add(store: &Store, tokens: &[&StoredToken]) {
    let tx = store.begin().await.unwrap();
    for token in tokens {
        tx.insert_enrollment_token(token).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn find(store: &Store, number: u128) -> StoredToken {
    store
        .read()
        .await
        .unwrap()
        .enrollment_token(token_id(number))
        .await
        .unwrap()
        .unwrap()
}

async fn list(store: &Store, state: Option<TokenState>, now: domain::Timestamp, size: u32) -> Vec<StoredToken> {
    let found = store
        .read()
        .await
        .unwrap()
        .enrollment_tokens(&query(state), now, &page(size, None))
        .await
        .unwrap();
    assert_eq!(found.total, u64::try_from(found.items.len()).unwrap());
    found.items
}

fn query(state: Option<TokenState>) -> TokenQuery {
    TokenQuery {
        state,
        page: PageQuery {
            size: PageSize::new(0, 50, 500).unwrap(),
            token: String::new(),
        },
    }
}

fn token_id(number: u128) -> EnrollmentTokenId {
    id(EnrollmentTokenId::from_uuid, number)
}

fn token(number: u128, created: i64) -> StoredToken {
    StoredToken {
        id: token_id(number),
        hostname: format!("web-{number}").parse().unwrap(),
        tags: tags(&["b", "a"]),
        initial_paths: Some(paths(&["/srv"])),
        repository: TokenRepository::At {
            url: "rest:https://backup.example.org/web".parse().unwrap(),
            credentials: Sealed::from_bytes(vec![1, 2, 3]),
        },
        source: Some("192.0.2.0/24".parse().unwrap()),
        secret_hash: TokenHash::from_bytes([7; 32]),
        created_by: "anna".to_owned(),
        created_at: at(created),
        life: life(100),
        host_id: None,
        replaces: None,
    }
}

fn life(expires: i64) -> TokenLife {
    TokenLife {
        expires_at: at(expires),
        used: None,
        revoked_at: None,
    }
}

fn used(key: u8) -> TokenUse {
    TokenUse {
        at: at(60),
        key: [key; 32],
        nonce: format!("{key:032x}"),
    }
}
