use domain::ByteSize;
use domain::repository::{RepositoryLock, RepositoryStats, RepositoryStatsView};

use super::cases;
use super::fixtures::{at, repository, repository_id};
use crate::store::Error;

cases! {
    async fn numbers_are_kept_whole_and_go_with_their_repository(store: Store) {
        let view = numbers(7);
        let tx = store.begin().await.unwrap();
        tx.insert_repository(&repository(1, "nas")).await.unwrap();
        assert_eq!(tx.repository_stats(repository_id(1)).await.unwrap(), None);

        tx.put_repository_stats(&numbers(5)).await.unwrap();
        tx.put_repository_stats(&view).await.unwrap();

        assert_eq!(tx.repository_stats(repository_id(1)).await.unwrap(), Some(view));
        tx.delete_repository(repository_id(1)).await.unwrap();
        assert_eq!(tx.repository_stats(repository_id(1)).await.unwrap(), None);
    }

    async fn numbers_of_no_repository_are_refused(store: Store) {
        let tx = store.begin().await.unwrap();

        let refused = tx.put_repository_stats(&numbers(5)).await;

        assert!(matches!(refused, Err(Error::Dangling { .. })), "{refused:?}");
    }
}

/// The numbers of a repository that holds a lock.
pub(super) fn numbers(size: u64) -> RepositoryStatsView {
    let lock = RepositoryLock {
        id: "ab".repeat(32).as_str().into(),
        exclusive: true,
        hostname: "web-01".into(),
        username: "root".into(),
        pid: 7,
        since: at(3),
    };
    RepositoryStatsView {
        repository: repository_id(1),
        stats: RepositoryStats {
            raw_size: Some(ByteSize::from_bytes(size)),
            locks: Some(vec![lock]),
            ..RepositoryStats::default()
        },
        sizes_at: Some(at(4)),
        locks_at: Some(at(5)),
    }
}
