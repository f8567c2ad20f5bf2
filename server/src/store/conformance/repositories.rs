use domain::id::{HostId, RepositoryId};
use domain::repository::{CredentialSlot, HostState, LoginName, RepoStatus, worst_first};

use super::cases;
use super::fixtures::{add_host, at, host, host_id, page, part, repository, repository_id, snapshot};
use crate::secrets::Sealed;
use crate::store::{CredentialKey, Error, FoundRepository, Repository, Store, StoredCredentials};

cases! {
    async fn a_repository_is_found_by_id_name_and_location(store: Store) {
        let nas = repository(1, "Büro NAS");
        let bare = Repository {
            username: None,
            restic_id: Some("ab".repeat(32).parse().unwrap()),
            url: "/srv/restic".parse().unwrap(),
            ..repository(2, "local")
        };
        add(&store, &[&nas, &bare]).await;
        let tx = store.read().await.unwrap();

        assert_eq!(tx.repository(nas.id).await.unwrap().as_ref(), Some(&nas));
        assert_eq!(tx.repository_by_name(&"bÜRO nas".parse().unwrap()).await.unwrap().as_ref(), Some(&nas));
        assert_eq!(tx.repository_at(&bare.url, None).await.unwrap().as_ref(), Some(&bare));
        let same_place = "rest:https://BACKUP.example.org:443/1/".parse().unwrap();
        assert_eq!(tx.repository_at(&same_place, nas.username.as_ref()).await.unwrap(), Some(nas));
        assert_eq!(tx.repository_at(&same_place, None).await.unwrap(), None);
        assert_eq!(tx.repository(repository_id(9)).await.unwrap(), None);
    }

    async fn a_name_and_a_location_with_its_user_are_taken_once(store: Store) {
        let nas = repository(1, "nas");
        add(&store, &[&nas]).await;
        let refused = async |other: Repository| {
            let tx = store.begin().await.unwrap();
            matches!(tx.insert_repository(&other).await, Err(Error::Taken { table: "repositories", .. }))
        };

        assert!(refused(repository(2, "NAS")).await);
        assert!(refused(Repository { url: nas.url.clone(), ..repository(2, "other") }).await);
        assert!(!refused(Repository { url: nas.url.clone(), username: None, ..repository(2, "other") }).await);
    }

    async fn two_repositories_without_user_cannot_share_a_location(store: Store) {
        let without = |number, name| Repository {
            username: None,
            url: "/srv/restic".parse().unwrap(),
            ..repository(number, name)
        };
        add(&store, &[&without(1, "a")]).await;

        let tx = store.begin().await.unwrap();
        let refused = tx.insert_repository(&without(2, "b")).await;

        assert!(matches!(refused, Err(Error::Taken { .. })), "{refused:?}");
    }

    async fn an_update_needs_the_version_that_was_read(store: Store) {
        let nas = repository(1, "nas");
        add(&store, &[&nas]).await;
        let mut mine = Repository { name: "new".parse().unwrap(), url: "/srv/new".parse().unwrap(), ..nas.clone() };
        let mut theirs = Repository { name: "other".parse().unwrap(), ..nas };

        let tx = store.begin().await.unwrap();
        tx.update_repository(&mut mine).await.unwrap();
        let late = tx.update_repository(&mut theirs).await;
        assert!(matches!(late, Err(Error::Stale { table: "repositories", .. })), "{late:?}");
        tx.commit().await.unwrap();

        assert_eq!(mine.version, 2);
        assert_eq!(theirs.version, 1);
        assert_eq!(store.read().await.unwrap().repository(mine.id).await.unwrap(), Some(mine));
    }

    async fn user_name_and_restic_id_change_without_counting(store: Store) {
        let nas = repository(1, "nas");
        add(&store, &[&nas]).await;
        let (name, restic_id): (LoginName, _) = ("db".parse().unwrap(), "cd".repeat(32).parse().unwrap());

        let tx = store.begin().await.unwrap();
        tx.set_repository_username(nas.id, Some(&name)).await.unwrap();
        tx.set_restic_repository_id(nas.id, Some(restic_id)).await.unwrap();
        let gone = tx.set_restic_repository_id(repository_id(9), None).await;
        assert!(matches!(gone, Err(Error::Missing { .. })), "{gone:?}");
        tx.commit().await.unwrap();

        let expected = Repository { username: Some(name), restic_id: Some(restic_id), ..nas };
        assert_eq!(store.read().await.unwrap().repository(expected.id).await.unwrap(), Some(expected));
    }

    async fn repositories_are_paged_by_name(store: Store) {
        let all = [repository(1, "c"), repository(2, "B"), repository(3, "ä"), repository(4, "a-b"), repository(5, "a b")];
        add(&store, &all.each_ref()).await;
        let tx = store.read().await.unwrap();

        let first = tx.repositories(&page(3, None)).await.unwrap();
        let second = tx.repositories(&page(3, first.next.clone())).await.unwrap();

        let names = |items: &[Repository]| items.iter().map(|item| item.name.to_string()).collect::<Vec<_>>();
        assert_eq!((names(&first.items), names(&second.items)), (vec!["a b".into(), "a-b".into(), "B".into()], vec!["c".into(), "ä".into()]));
        assert_eq!((first.total, second.next), (5, None));
    }

    async fn a_repository_in_use_is_not_deleted(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        assert_eq!(tx.repository_host_count(repository_id(1)).await.unwrap(), 1);

        let refused = tx.delete_repository(repository_id(1)).await;

        assert!(matches!(refused, Err(Error::Dangling { table: "repositories", .. })), "{refused:?}");
        drop(tx);
        let tx = store.begin().await.unwrap();
        tx.delete_host(host).await.unwrap();
        tx.delete_repository(repository_id(1)).await.unwrap();
        let again = tx.delete_repository(repository_id(1)).await;
        assert!(matches!(again, Err(Error::Missing { .. })), "{again:?}");
    }

    async fn each_slot_and_each_host_has_credentials_of_its_own(store: Store) {
        let host = add_host(&store).await;
        let everyday = credentials(CredentialSlot::Everyday, None, 1);
        let admin = credentials(CredentialSlot::Admin, None, 2);
        let own = credentials(CredentialSlot::Everyday, Some(host), 3);
        let replaced = StoredCredentials { sealed: Sealed::from_bytes(vec![9]), updated_at: at(9), ..everyday.clone() };

        let tx = store.begin().await.unwrap();
        for stored in [&everyday, &admin, &own, &replaced] {
            tx.put_credentials(stored).await.unwrap();
        }
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        for stored in [&admin, &own, &replaced] {
            assert_eq!(tx.credentials(stored.key).await.unwrap().as_ref(), Some(stored));
        }
        assert_eq!(tx.repository_credentials(repository_id(1)).await.unwrap(), [admin, replaced, own]);
        assert_eq!(tx.repository_credentials(repository_id(9)).await.unwrap(), []);
    }

    async fn credentials_go_alone_or_with_their_repository(store: Store) {
        add(&store, &[&repository(1, "nas")]).await;
        let (everyday, admin) =
            (credentials(CredentialSlot::Everyday, None, 1), credentials(CredentialSlot::Admin, None, 2));
        let tx = store.begin().await.unwrap();
        tx.put_credentials(&everyday).await.unwrap();
        tx.put_credentials(&admin).await.unwrap();

        assert!(tx.delete_credentials(admin.key).await.unwrap());
        assert!(!tx.delete_credentials(admin.key).await.unwrap());
        assert!(tx.credentials(everyday.key).await.unwrap().is_some());
        tx.delete_repository(repository_id(1)).await.unwrap();

        assert_eq!(tx.credentials(everyday.key).await.unwrap(), None);
    }

    async fn a_key_tells_its_row(store: Store) {
        drop(store);
        let key = credentials(CredentialSlot::Everyday, Some(host_id(2)), 1).key;

        assert_eq!(
            key.to_string(),
            "00000000-0000-0000-0000-000000000001/everyday/00000000-0000-0000-0000-000000000002"
        );
        assert_eq!(CredentialKey { host: None, ..key }.to_string(), "00000000-0000-0000-0000-000000000001/everyday");
    }

    async fn another_repository_takes_the_place_of_the_former_one(store: Store) {
        let host = add_host(&store).await;
        add(&store, &[&repository(2, "other")]).await;
        let own = credentials(CredentialSlot::Everyday, Some(host), 1);
        let tx = store.begin().await.unwrap();
        tx.put_snapshots(host, &part(1, 0, true, vec![snapshot(1, 5, &[])]), at(20)).await.unwrap();
        tx.put_credentials(&own).await.unwrap();
        assert_eq!(tx.host(host).await.unwrap().unwrap().snapshot_count, 1);

        tx.bind_repository(host, repository_id(2), RepoStatus::Pending).await.unwrap();
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        let found = tx.host(host).await.unwrap().unwrap();
        assert_eq!((found.repository_id, found.repo_status), (Some(repository_id(2)), RepoStatus::Pending));
        assert_eq!(found.snapshot_count, 0);
        assert_eq!(tx.credentials(own.key).await.unwrap(), None);
        assert_eq!(hosts_of(&store, repository_id(1)).await, []);
        assert_eq!(hosts_of(&store, repository_id(2)).await, [host]);
    }

    async fn each_host_says_what_it_found_in_the_place_of_the_repository(store: Store) {
        let first = add_host(&store).await;
        let found = FoundRepository { restic_id: "cd".repeat(32).parse().unwrap(), at: at(7) };
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        tx.bind_repository(host_id(2), repository_id(1), RepoStatus::Ready).await.unwrap();
        let of = async |host| tx.host_repository(host).await.unwrap().unwrap().found;

        tx.set_found_repository(first, repository_id(1), Some(found)).await.unwrap();
        let gone = tx.set_found_repository(first, repository_id(9), None).await;

        assert_eq!((of(first).await, of(host_id(2)).await), (Some(found), None));
        assert!(matches!(gone, Err(Error::Missing { .. })), "{gone:?}");
        tx.set_found_repository(first, repository_id(1), None).await.unwrap();
        assert_eq!(of(first).await, None);
        tx.set_found_repository(first, repository_id(1), Some(found)).await.unwrap();
        tx.bind_repository(first, repository_id(1), RepoStatus::Pending).await.unwrap();
        assert_eq!(of(first).await, None);
    }

    async fn the_status_is_per_host(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        tx.bind_repository(host_id(2), repository_id(1), RepoStatus::Initialising).await.unwrap();
        let failed = RepoStatus::from_stored("init_failed", "locked").unwrap();
        tx.set_repo_status(host_id(2), repository_id(1), failed).await.unwrap();
        let gone = tx.set_repo_status(host_id(2), repository_id(9), failed).await;
        assert!(matches!(gone, Err(Error::Missing { .. })), "{gone:?}");
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        assert_eq!(tx.host_repository(first).await.unwrap().unwrap().status, RepoStatus::Ready);
        assert_eq!(tx.host(host_id(2)).await.unwrap().unwrap().repo_status, failed);
        assert_eq!(hosts_of(&store, repository_id(1)).await, [first, host_id(2)]);
        assert_eq!(tx.host_repository(host_id(9)).await.unwrap(), None);
        let mut states = tx.repository_host_states(repository_id(1)).await.unwrap();
        worst_first(&mut states);
        assert_eq!(states, [HostState { status: failed, hosts: 1 }, HostState { status: RepoStatus::Ready, hosts: 1 }]);
        assert_eq!(tx.repository_host_states(repository_id(9)).await.unwrap(), []);
    }
}

async fn add(store: &Store, repositories: &[&Repository]) {
    let tx = store.begin().await.unwrap();
    for repository in repositories {
        tx.insert_repository(repository).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn hosts_of(store: &Store, id: RepositoryId) -> Vec<HostId> {
    let bindings = store.read().await.unwrap().repository_hosts(id).await.unwrap();
    bindings.into_iter().map(|binding| binding.host_id).collect()
}

fn credentials(slot: CredentialSlot, host: Option<HostId>, number: u8) -> StoredCredentials {
    StoredCredentials {
        key: CredentialKey {
            repository: repository_id(1),
            slot,
            host,
        },
        sealed: Sealed::from_bytes(vec![number, 0, 255]),
        updated_at: at(i64::from(number)),
    }
}
