use domain::fleet::{Attention, AttentionList, MOST_LINES};
use domain::health::{Cause, Health};
use domain::host::HostStatus;
use domain::job::{FailureCode, ResultCode};
use domain::repository::RepoStatus;

use super::cases;
use super::fixtures::{
    add_job, at, failed, host, host_id, job, move_job, opening, repository, repository_id, succeeded,
};
use crate::store::{Store, Tx};

cases! {
    async fn a_fleet_that_is_well_needs_nobody(store: Store) {
        assert_eq!(attention(&store).await, AttentionList::default());

        let tx = store.begin().await.unwrap();
        add(&tx, 1, Some(1)).await;
        let mut backup = add_job(&tx, job(1, host_id(1))).await;
        move_job(&tx, &mut backup, succeeded(50)).await;
        // Waiting for its first backup is no trouble.
        add(&tx, 2, Some(2)).await;
        tx.commit().await.unwrap();

        assert_eq!(attention(&store).await, AttentionList::default());
    }

    async fn the_worst_comes_first_and_then_the_oldest(store: Store) {
        let tx = store.begin().await.unwrap();
        for number in 1..=4 {
            add(&tx, number, Some(1)).await;
        }
        tx.insert_host(&host(5, "never")).await.unwrap();
        silent(&tx, 1, 900).await;
        fail(&tx, 2, 700, FailureCode::NoSpace).await;
        fail(&tx, 3, 600, FailureCode::WrongPassword).await;
        tx.set_host_status(host_id(4), HostStatus::Revoked, at(650)).await.unwrap();
        tx.commit().await.unwrap();

        let list = attention(&store).await;

        assert_eq!(list.host_count, 5);
        let shown: Vec<_> = list.lines.iter().map(|line| (line.health, names(line), line.since)).collect();
        assert_eq!(shown, [
            (Health::Failing, vec!["host-003"], Some(at(600))),
            (Health::Failing, vec!["host-004"], Some(at(650))),
            (Health::Failing, vec!["host-002"], Some(at(700))),
            (Health::Offline, vec!["host-001"], list.lines[3].since),
            (Health::Pending, vec!["never"], Some(at(0))),
        ]);
        let wrong_password = ResultCode::Failed(FailureCode::WrongPassword);
        assert_eq!(list.lines[0].cause, Cause::BackupFailed(wrong_password));
        assert!(list.lines[0].reason.contains("Set the right password"), "{}", list.lines[0].reason);
        assert_eq!(list.lines[1].cause, Cause::Revoked);
    }

    async fn hosts_with_lines_of_their_own_stand_among_the_others_by_age(store: Store) {
        let tx = store.begin().await.unwrap();
        for (number, ended, code) in [
            (1, 500, FailureCode::NoSpace),
            (2, 300, FailureCode::NoSpace),
            (3, 400, FailureCode::WrongPassword),
        ] {
            add(&tx, number, Some(1)).await;
            fail(&tx, number, ended, code).await;
        }
        tx.commit().await.unwrap();

        let list = attention(&store).await;

        let shown: Vec<_> = list.lines.iter().flat_map(names).collect();
        assert_eq!(shown, ["host-002", "host-003", "host-001"]);
    }

    async fn five_hosts_with_one_trouble_make_one_line(store: Store) {
        let tx = store.begin().await.unwrap();
        for number in 1..=4 {
            add(&tx, number, Some(1)).await;
            fail(&tx, number, 500 + i64::try_from(number).unwrap(), FailureCode::Unreachable).await;
        }
        // The same trouble at another repository is another one.
        add(&tx, 9, Some(2)).await;
        fail(&tx, 9, 400, FailureCode::Unreachable).await;
        tx.commit().await.unwrap();
        let four = attention(&store).await;
        assert_eq!(four.lines.iter().map(|line| line.host_count).collect::<Vec<_>>(), [1; 5]);

        let tx = store.begin().await.unwrap();
        for number in 5..=7 {
            add(&tx, number, Some(1)).await;
            fail(&tx, number, 300, FailureCode::Unreachable).await;
        }
        tx.commit().await.unwrap();

        let list = attention(&store).await;

        assert_eq!((list.lines.len(), list.host_count), (2, 8));
        let together = &list.lines[0];
        assert_eq!((together.host_count, together.since), (7, Some(at(300))));
        assert_eq!(names(together), ["host-001", "host-002", "host-003", "host-004", "host-005"]);
        assert_eq!(together.repository.as_ref().unwrap().id, repository_id(1));
        assert_eq!(together.repository.as_ref().unwrap().name.as_str(), "shelf-1");
        assert_eq!(names(&list.lines[1]), ["host-009"]);
    }

    async fn silent_hosts_are_together_wherever_they_save(store: Store) {
        let tx = store.begin().await.unwrap();
        for number in 1..=5 {
            add(&tx, number, (number > 1).then_some(number)).await;
            silent(&tx, number, 900).await;
        }
        tx.commit().await.unwrap();

        let list = attention(&store).await;

        assert_eq!(list.lines.len(), 1, "{list:?}");
        assert_eq!((list.lines[0].cause, list.lines[0].host_count), (Cause::Silent, 5));
        assert_eq!(list.lines[0].repository, None);
    }

    async fn there_are_never_more_lines_than_somebody_reads(store: Store) {
        let tx = store.begin().await.unwrap();
        for number in 1..=60 {
            add(&tx, number, Some(number)).await;
            fail(&tx, number, i64::try_from(number).unwrap() + 100, FailureCode::NoSpace).await;
        }
        tx.commit().await.unwrap();

        let list = attention(&store).await;

        assert_eq!((list.lines.len(), list.host_count), (MOST_LINES, 60));
        assert_eq!(list.lines[0].since, Some(at(101)));
    }
}

async fn attention(store: &Store) -> AttentionList {
    store.read().await.unwrap().attention().await.unwrap()
}

fn names(line: &Attention) -> Vec<&str> {
    line.hosts.iter().map(|host| host.hostname.as_str()).collect()
}

/// A host that is connected, with a repository that works.
async fn add(tx: &Tx, number: u128, shelf: Option<u128>) {
    let new = host(number, &format!("host-{number:03}"));
    tx.insert_host(&new).await.unwrap();
    tx.open_session(new.id, &opening(10)).await.unwrap();
    let Some(shelf) = shelf else { return };
    if tx.repository(repository_id(shelf)).await.unwrap().is_none() {
        tx.insert_repository(&repository(shelf, &format!("shelf-{shelf}")))
            .await
            .unwrap();
    }
    tx.bind_repository(new.id, repository_id(shelf), RepoStatus::Ready)
        .await
        .unwrap();
}

async fn fail(tx: &Tx, number: u128, ended: i64, code: FailureCode) {
    let mut backup = add_job(tx, job(number, host_id(number))).await;
    move_job(tx, &mut backup, failed(ended, code)).await;
}

async fn silent(tx: &Tx, number: u128, since: i64) {
    tx.set_host_status(host_id(number), HostStatus::Offline, at(since))
        .await
        .unwrap();
}
