use domain::id::{HostId, SourceGroupId};
use domain::page::{PageQuery, PageSize};
use domain::session::SnapshotPart;
use domain::snapshot::Snapshot;
use domain::snapshot_query::{SnapshotQuery, SnapshotView};

use super::cases;
use super::fixtures::{
    add_host, at, group_id, host, host_id, page, part, repository_id, snapshot, snapshot_id, source_group,
};
use crate::store::Store;

cases! {
    async fn a_list_takes_effect_with_its_last_part(store: Store) {
        let host = add_host(&store).await;
        put(&store, host, &part(1, 0, true, vec![snapshot(1, 5, &[])])).await;

        assert!(!put(&store, host, &part(2, 0, false, vec![snapshot(2, 10, &[]), snapshot(3, 30, &[])])).await);
        assert_eq!(listed(&store, host).await, [snapshot(1, 5, &[])]);
        assert_eq!(count(&store, host).await, 1);

        assert!(put(&store, host, &part(2, 1, true, vec![snapshot(4, 20, &[])])).await);
        assert_eq!(listed(&store, host).await, [snapshot(3, 30, &[]), snapshot(4, 20, &[]), snapshot(2, 10, &[])]);
        assert_eq!(count(&store, host).await, 3);
    }

    async fn of_two_lists_the_one_that_is_complete_last_counts(store: Store) {
        let host = add_host(&store).await;
        put(&store, host, &part(1, 0, false, vec![snapshot(1, 5, &[])])).await;
        put(&store, host, &part(2, 0, true, vec![snapshot(2, 5, &[])])).await;
        assert_eq!(listed(&store, host).await, [snapshot(2, 5, &[])]);

        put(&store, host, &part(3, 0, true, vec![snapshot(2, 5, &[]), snapshot(3, 6, &[])])).await;

        assert_eq!(listed(&store, host).await, [snapshot(3, 6, &[]), snapshot(2, 5, &[])]);
    }

    async fn lists_that_never_came_to_their_end_go_when_another_begins(store: Store) {
        let host = add_host(&store).await;
        let in_force = part(1, 0, true, vec![snapshot(1, 5, &[])]);
        let unfinished = part(2, 0, false, vec![snapshot(2, 10, &[]), snapshot(3, 30, &[])]);
        let begins = part(3, 0, false, vec![snapshot(4, 20, &[])]);
        for part in [&in_force, &unfinished, &begins] {
            put(&store, host, part).await;
        }

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.snapshots_listed(host, &unfinished).await.unwrap(), 2);
        tx.drop_unfinished_snapshots(host, &begins).await.unwrap();

        for (part, left) in [(&in_force, 1), (&unfinished, 0), (&begins, 1)] {
            assert_eq!(tx.snapshots_listed(host, part).await.unwrap(), left, "{:?}", part.job);
        }
    }

    async fn an_empty_list_empties(store: Store) {
        let host = add_host(&store).await;
        put(&store, host, &part(1, 0, true, vec![snapshot(1, 5, &[])])).await;

        put(&store, host, &part(2, 0, true, vec![])).await;

        assert_eq!(listed(&store, host).await, []);
        assert_eq!(count(&store, host).await, 0);
    }

    async fn a_snapshot_without_summary_comes_back_and_a_repeated_one_counts_once(store: Store) {
        let host = add_host(&store).await;
        let sparse = Snapshot { size: None, file_count: None, program_version: None, tags: vec![], ..snapshot(1, 5, &[]) };

        put(&store, host, &part(1, 0, true, vec![sparse.clone(), sparse.clone()])).await;

        assert_eq!(listed(&store, host).await, [sparse]);
        assert_eq!(count(&store, host).await, 1);
    }

    async fn a_list_of_a_repository_that_is_not_used_changes_nothing(store: Store) {
        let host = add_host(&store).await;
        let foreign = SnapshotPart { repository: repository_id(9), ..part(1, 0, true, vec![snapshot(1, 5, &[])]) };

        assert!(!put(&store, host, &foreign).await);
        assert!(!put(&store, host_id(9), &part(1, 0, true, vec![])).await);

        assert_eq!(listed(&store, host).await, []);
        assert_eq!(listed(&store, host_id(9)).await, []);
    }

    async fn hosts_that_share_a_repository_have_lists_of_their_own(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        tx.bind_repository(host_id(2), repository_id(1), domain::repository::RepoStatus::Ready).await.unwrap();
        tx.commit().await.unwrap();
        put(&store, first, &part(1, 0, true, vec![snapshot(1, 5, &[])])).await;
        put(&store, host_id(2), &part(2, 0, true, vec![snapshot(2, 5, &[])])).await;

        put(&store, first, &part(3, 0, true, vec![snapshot(3, 5, &[])])).await;

        assert_eq!(listed(&store, first).await, [snapshot(3, 5, &[])]);
        assert_eq!(listed(&store, host_id(2)).await, [snapshot(2, 5, &[])]);
    }

    async fn snapshots_belong_to_the_group_that_their_tag_names(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_source_group(&source_group(2, host, "db")).await.unwrap();
        tx.commit().await.unwrap();
        let all = vec![
            snapshot(1, 1, &["default"]),
            snapshot(2, 2, &["nightly", "db"]),
            snapshot(3, 3, &["db-old"]),
            snapshot(4, 4, &[]),
        ];
        put(&store, host, &part(1, 0, true, all)).await;

        let numbers = async |group| {
            let found = list(&store, host, group).await;
            found.iter().map(|view| (view.snapshot.id, view.group)).collect::<Vec<_>>()
        };

        let (default, db) = (Some(group_id(1)), Some(group_id(2)));
        let expected = [(4, None), (3, None), (2, db), (1, default)].map(|(number, group)| (snapshot_id(number), group));
        assert_eq!(numbers(None).await, expected);
        assert_eq!(numbers(db).await, [(snapshot_id(2), db)]);
        assert_eq!(numbers(default).await, [(snapshot_id(1), default)]);
        assert_eq!(numbers(Some(group_id(9))).await, []);
    }

    async fn snapshots_are_paged_newest_first(store: Store) {
        let host = add_host(&store).await;
        // Two of one moment come by id.
        let times = [(1, 10), (2, 20), (3, 20), (4, 30), (5, 5)];
        let all = times.map(|(number, seconds)| snapshot(number, seconds, &[])).to_vec();
        put(&store, host, &part(1, 0, true, all)).await;
        let tx = store.read().await.unwrap();

        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let found = tx.snapshots(&query(host, None), &page(2, after)).await.unwrap();
            assert_eq!(found.total, 5);
            assert!(found.items.iter().all(|view| view.refreshed_at == at(100)));
            pages.push(found.items.iter().map(|view| view.snapshot.id).collect::<Vec<_>>());
            after = found.next;
            if after.is_none() {
                break;
            }
        }

        assert_eq!(pages, [[4, 3].map(snapshot_id).to_vec(), [2, 1].map(snapshot_id).to_vec(), vec![snapshot_id(5)]]);
    }

    async fn a_long_list_is_written_in_several_statements(store: Store) {
        let host = add_host(&store).await;
        let many = (0..2_500_u32)
            .map(|number| Snapshot { id: format!("{number:064x}").parse().unwrap(), ..snapshot(1, i64::from(number), &[]) })
            .collect();

        put(&store, host, &part(1, 0, true, many)).await;

        assert_eq!(count(&store, host).await, 2_500);
    }
}

async fn put(store: &Store, host: HostId, part: &SnapshotPart) -> bool {
    let tx = store.begin().await.unwrap();
    let effective = tx.put_snapshots(host, part, at(100)).await.unwrap();
    tx.commit().await.unwrap();
    effective
}

async fn list(store: &Store, host: HostId, group: Option<SourceGroupId>) -> Vec<SnapshotView> {
    let tx = store.read().await.unwrap();
    let found = tx.snapshots(&query(host, group), &page(500, None)).await.unwrap();
    assert_eq!(found.total, u64::try_from(found.items.len()).unwrap());
    found.items
}

async fn listed(store: &Store, host: HostId) -> Vec<Snapshot> {
    list(store, host, None)
        .await
        .into_iter()
        .map(|view| view.snapshot)
        .collect()
}

async fn count(store: &Store, host: HostId) -> u64 {
    store
        .read()
        .await
        .unwrap()
        .host(host)
        .await
        .unwrap()
        .unwrap()
        .snapshot_count
}

fn query(host: HostId, group: Option<SourceGroupId>) -> SnapshotQuery {
    SnapshotQuery {
        host,
        group,
        page: PageQuery {
            size: PageSize::new(0, 50, 500).unwrap(),
            token: String::new(),
        },
    }
}
