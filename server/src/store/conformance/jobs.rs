use domain::id::{HostId, JobId};
use domain::job::{
    CancelRequest, FailureCode, Job, JobEvent, JobKind, JobQuery, JobState, Mode, Progress, ResultCode, Stage, Status,
};
use domain::page::{PageQuery, PageSize};
use domain::repository::Tried;
use domain::{Actor, Timestamp};

use super::cases;
use super::fixtures::{
    add_host, add_job, at, failed, group_id, health, host, host_id, job, job_id, move_job, opening, page,
    repository_id, running, succeeded,
};
use crate::store::{Error, Store};

cases! {
    async fn jobs_under_way_are_those_that_hosts_were_sent(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let mut ended = add_job(&tx, job(1, host)).await;
        move_job(&tx, &mut ended, failed(30, FailureCode::NoSpace)).await;
        let mut runs = add_job(&tx, Job { mode: Mode::All, ..job(2, host) }).await;
        move_job(&tx, &mut runs, running(31)).await;
        add_job(&tx, job(3, host)).await;

        let under_way = tx.jobs_under_way(repository_id(1)).await.unwrap();

        assert_eq!(under_way.iter().map(|view| &view.job).collect::<Vec<_>>(), [&runs]);
        assert_eq!(under_way[0].job.mode, Mode::All);
        assert_eq!(tx.jobs_under_way(repository_id(9)).await.unwrap(), []);
    }

    async fn a_job_comes_back_as_it_went_in(store: Store) {
        let host = add_host(&store).await;
        let by_group = Job { source_group_id: Some(group_id(1)), attempt: 3, ..job(1, host) };
        let probe = Job { kind: JobKind::Probe, paths: None, actor: Actor::System, ..job(2, host) };
        let tx = store.begin().await.unwrap();
        add_job(&tx, by_group.clone()).await;
        add_job(&tx, probe.clone()).await;
        tx.commit().await.unwrap();

        let found = store.read().await.unwrap().job(by_group.id).await.unwrap().unwrap();

        assert_eq!(found.job, by_group);
        assert_eq!((found.hostname.as_str(), found.actor_name.as_str()), ("web-01", "anna"));
        assert_eq!((found.log.lines, found.log.truncated, found.progress), (0, false, None));
        assert_eq!(get(&store, 2).await, probe);
        assert_eq!(store.read().await.unwrap().job(job_id(9)).await.unwrap(), None);
    }

    async fn every_state_survives_being_stored(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let mut number = 0;
        for event in [
            None,
            Some(JobEvent::Sent { at: at(1) }),
            Some(JobEvent::Reached(Stage::Accepted { at: at(1) })),
            Some(running(1)),
            Some(succeeded(2)),
            Some(failed(2, FailureCode::Exit(130))),
            Some(JobEvent::Expired { at: at(2) }),
            Some(JobEvent::Refused { at: at(2), message: "queue_full".into() }),
            Some(JobEvent::Withdrawn { at: at(2), by: Actor::System }),
        ] {
            number += 1;
            let mut moved = add_job(&tx, job(number, host)).await;
            if let Some(event) = event {
                move_job(&tx, &mut moved, event).await;
            }
            assert_eq!(tx.job(moved.id).await.unwrap().unwrap().job, moved);
        }
    }

    async fn of_two_changes_of_one_version_the_second_is_stale(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let mut mine = add_job(&tx, job(1, host)).await;
        let mut theirs = mine.clone();
        move_job(&tx, &mut mine, running(1)).await;
        assert_eq!(mine.version, 2);

        theirs.state = JobState::Expired { finished_at: at(5) };
        let late = tx.update_job(&mut theirs).await;

        assert!(matches!(late, Err(Error::Stale { table: "jobs", .. })), "{late:?}");
        assert_eq!(theirs.version, 1);
        assert_eq!(tx.job(mine.id).await.unwrap().unwrap().job, mine);
        let mut gone = job(9, host);
        assert!(matches!(tx.update_job(&mut gone).await, Err(Error::Stale { .. })));
    }

    async fn a_wish_to_cancel_and_the_latest_numbers_are_kept(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let mut job = add_job(&tx, job(1, host)).await;
        move_job(&tx, &mut job, running(1)).await;
        let progress = Progress { files_done: 7, ..Progress::default() };
        move_job(&tx, &mut job, JobEvent::Progressed { at: at(2), progress: progress.clone() }).await;
        job.cancel_requested = Some(CancelRequest { at: at(3), by: Actor::System });
        tx.update_job(&mut job).await.unwrap();

        let found = tx.job(job.id).await.unwrap().unwrap();

        assert_eq!(found.job, job);
        assert_eq!(found.progress, Some(progress));
    }

    async fn an_id_is_taken_once(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        add_job(&tx, job(1, host)).await;

        let refused = tx.insert_job(&job(1, host), &"anna".into()).await;

        assert!(matches!(refused, Err(Error::Taken { table: "jobs", .. })), "{refused:?}");
    }

    async fn filters_are_combined(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        let made = |number, host, seconds| Job { created_at: at(seconds), ..job(number, host) };
        let mut ended = add_job(&tx, made(1, first, 10)).await;
        move_job(&tx, &mut ended, succeeded(20)).await;
        let mut runs = add_job(&tx, made(2, first, 20)).await;
        move_job(&tx, &mut runs, running(20)).await;
        add_job(&tx, Job { kind: JobKind::Probe, ..made(3, first, 30) }).await;
        let mut lost = add_job(&tx, made(4, host_id(2), 40)).await;
        move_job(&tx, &mut lost, running(40)).await;
        move_job(&tx, &mut lost, JobEvent::Lost { at: at(50) }).await;
        tx.commit().await.unwrap();

        check(&store, query(), &[4, 3, 2, 1]).await;
        check(&store, JobQuery { host: Some(first), ..query() }, &[3, 2, 1]).await;
        check(&store, JobQuery { kind: Some(JobKind::Probe), ..query() }, &[3]).await;
        check(&store, JobQuery { status: Some(Status::Queued), ..query() }, &[3]).await;
        check(&store, JobQuery { status: Some(Status::Running), ..query() }, &[2]).await;
        check(&store, JobQuery { status: Some(Status::Succeeded), ..query() }, &[1]).await;
        check(&store, JobQuery { status: Some(Status::Failed), ..query() }, &[4]).await;
        check(&store, JobQuery { from: Some(at(20)), to: Some(at(40)), ..query() }, &[3, 2]).await;
        check(&store, JobQuery { host: Some(first), status: Some(Status::Failed), ..query() }, &[]).await;
        check(&store, JobQuery { host: Some(host_id(9)), ..query() }, &[]).await;
    }

    async fn jobs_are_paged_newest_first(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        // Two of one moment come by id.
        for (number, seconds) in [(1, 10), (2, 20), (3, 20), (4, 30), (5, 5)] {
            add_job(&tx, Job { created_at: at(seconds), ..job(number, host) }).await;
        }
        tx.commit().await.unwrap();
        let tx = store.read().await.unwrap();

        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let found = tx.jobs(&query(), &page(2, after)).await.unwrap();
            assert_eq!(found.total, 5);
            pages.push(found.items.iter().map(|view| view.job.id.as_uuid().as_u128()).collect::<Vec<_>>());
            after = found.next;
            if after.is_none() {
                break;
            }
        }

        assert_eq!(pages, [vec![4, 3], vec![2, 1], vec![5]]);
    }

    async fn live_jobs_are_those_that_have_not_ended(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        let queued = add_job(&tx, Job { created_at: at(5), ..job(1, first) }).await;
        let mut runs = add_job(&tx, job(2, first)).await;
        move_job(&tx, &mut runs, running(1)).await;
        let mut ended = add_job(&tx, job(3, first)).await;
        move_job(&tx, &mut ended, succeeded(1)).await;
        add_job(&tx, job(4, host_id(2))).await;

        assert_eq!(tx.live_jobs(first).await.unwrap(), [runs, queued]);
        let made = async |since| tx.jobs_made_since(first, at(since)).await.unwrap();
        assert_eq!([made(0).await, made(1).await, made(5).await, made(6).await], [3, 1, 1, 0]);
    }

    async fn jobs_that_silent_hosts_have_are_found(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let others = [host(2, "web-02"), host(3, "web-03")];
        for other in &others {
            tx.insert_host(other).await.unwrap();
        }
        // The third has never been heard.
        tx.open_session(others[0].id, &opening(500)).await.unwrap();
        for (number, host, event) in [
            (1, first, Some(running(11))),
            (2, first, Some(JobEvent::Reached(Stage::Accepted { at: at(11) }))),
            (3, first, Some(JobEvent::Sent { at: at(11) })),
            (4, first, None),
            (5, first, Some(succeeded(12))),
            (6, others[0].id, Some(running(501))),
            (7, others[1].id, Some(running(501))),
        ] {
            let mut job = add_job(&tx, job(number, host)).await;
            if let Some(event) = event {
                move_job(&tx, &mut job, event).await;
            }
        }
        let silent = async |limit| {
            let found = tx.jobs_of_silent_hosts(at(limit)).await.unwrap();
            found.into_iter().map(|(job, heard)| (job.id.as_uuid().as_u128(), heard)).collect::<Vec<_>>()
        };

        assert_eq!(silent(10).await, []);
        assert_eq!(silent(11).await, [(1, at(10)), (2, at(10))]);
        assert_eq!(silent(501).await, [(1, at(10)), (2, at(10)), (6, at(500))]);
    }

    async fn how_long_the_last_jobs_of_a_sort_took_is_found(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        for number in 1..=7_u8 {
            let mut job = add_job(&tx, job(number.into(), host)).await;
            move_job(&tx, &mut job, succeeded(i64::from(number) * 10)).await;
        }
        let mut bad = add_job(&tx, job(8, host)).await;
        move_job(&tx, &mut bad, failed(900, FailureCode::NoSpace)).await;
        let of_group = |number| Job { source_group_id: Some(group_id(1)), ..job(number, host) };
        let mut grouped = add_job(&tx, of_group(9)).await;
        move_job(&tx, &mut grouped, succeeded(77)).await;

        let took = async |job: &Job| -> Vec<u64> {
            tx.durations_like(job).await.unwrap().iter().map(std::time::Duration::as_secs).collect()
        };

        assert_eq!(took(&job(99, host)).await, [70, 60, 50, 40, 30]);
        assert_eq!(took(&of_group(99)).await, [77]);
        assert_eq!(took(&Job { kind: JobKind::Init, ..job(99, host) }).await, [0; 0]);
        assert_eq!(took(&job(99, host_id(9))).await, [0; 0]);
    }

    async fn a_job_is_unreachable_while_its_host_has_it_and_is_away(store: Store) {
        use domain::host::HostStatus;
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        for (number, event) in [
            (1, Some(running(11))),
            (2, Some(JobEvent::Reached(Stage::Accepted { at: at(11) }))),
            (3, Some(JobEvent::Sent { at: at(11) })),
            (4, None),
            (5, Some(succeeded(12))),
        ] {
            let mut job = add_job(&tx, job(number, host)).await;
            if let Some(event) = event {
                move_job(&tx, &mut job, event).await;
            }
        }
        let unreachable = async || {
            let page = tx.jobs(&query(), &page(50, None)).await.unwrap();
            let mut found: Vec<u128> =
                page.items.iter().filter(|view| view.unreachable).map(|view| view.job.id.as_uuid().as_u128()).collect();
            found.sort_unstable();
            found
        };

        assert_eq!(unreachable().await, [0; 0]);
        tx.set_host_status(host, HostStatus::Offline, at(100)).await.unwrap();
        assert_eq!(unreachable().await, [1, 2]);
    }

    async fn what_was_tried_on_a_repository_is_found(store: Store) {
        let here = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let there = host(2, "web-02").id;
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        let of_kind = |number, host, kind| Job { kind, paths: None, ..job(number, host) };
        let tried = async || tx.tried(here, repository_id(1)).await.unwrap();
        assert_eq!(tried().await, Tried::Nothing);

        // A backup is no attempt to make it, nor is a probe elsewhere.
        add_job(&tx, job(1, here)).await;
        add_job(&tx, of_kind(2, there, JobKind::Probe)).await;
        assert_eq!(tried().await, Tried::Nothing);

        let mut init = add_job(&tx, of_kind(3, here, JobKind::Init)).await;
        assert_eq!(tried().await, Tried::Underway);
        move_job(&tx, &mut init, failed(5, FailureCode::NoSpace)).await;
        assert_eq!(tried().await, Tried::Init);

        let mut other = add_job(&tx, of_kind(4, there, JobKind::Init)).await;
        assert_eq!(tried().await, Tried::InitElsewhere);
        assert_eq!(tx.tried(there, repository_id(1)).await.unwrap(), Tried::Underway);
        assert_eq!(tx.tried(here, repository_id(9)).await.unwrap(), Tried::Nothing);
        move_job(&tx, &mut other, failed(6, FailureCode::NoSpace)).await;
        assert_eq!(tried().await, Tried::Init);

        add_job(&tx, of_kind(5, here, JobKind::Probe)).await;
        assert_eq!(tried().await, Tried::Underway);

        // That another host failed to make it says nothing; that it was made there does.
        let third = host(3, "web-03").id;
        tx.insert_host(&host(3, "web-03")).await.unwrap();
        assert_eq!(tx.tried(third, repository_id(1)).await.unwrap(), Tried::Nothing);
        let mut made = add_job(&tx, of_kind(6, there, JobKind::Init)).await;
        move_job(&tx, &mut made, succeeded(7)).await;
        assert_eq!(tx.tried(third, repository_id(1)).await.unwrap(), Tried::Init);
    }

    async fn the_host_follows_its_jobs(store: Store) {
        use domain::health::Health;
        let host = add_host(&store).await;
        assert_eq!(health(&store, host).await, Health::Waiting);

        let tx = store.begin().await.unwrap();
        let mut first = add_job(&tx, job(1, host)).await;
        move_job(&tx, &mut first, running(20)).await;
        assert_eq!(running_job(&tx, host).await, Some(job_id(1)));
        move_job(&tx, &mut first, succeeded(30)).await;
        assert_eq!(running_job(&tx, host).await, None);
        assert_eq!(last_backup(&tx, host).await, Some((at(30), ResultCode::Ok)));
        tx.commit().await.unwrap();
        assert_eq!(health(&store, host).await, Health::Ok);

        let tx = store.begin().await.unwrap();
        let mut second = add_job(&tx, job(2, host)).await;
        move_job(&tx, &mut second, failed(40, FailureCode::WrongPassword)).await;
        assert_eq!(last_backup(&tx, host).await, Some((at(40), ResultCode::Failed(FailureCode::WrongPassword))));
        // A probe is no backup.
        let mut probe = add_job(&tx, Job { kind: JobKind::Probe, paths: None, ..job(3, host) }).await;
        move_job(&tx, &mut probe, failed(50, FailureCode::Unreachable)).await;
        assert_eq!(last_backup(&tx, host).await, Some((at(40), ResultCode::Failed(FailureCode::WrongPassword))));
        tx.commit().await.unwrap();
        assert_eq!(health(&store, host).await, Health::Failing);
    }

    async fn a_backup_that_somebody_cancelled_says_nothing_about_the_host(store: Store) {
        use domain::health::Health;
        let host = add_host(&store).await;
        let cancel = |seconds| JobEvent::Withdrawn { at: at(seconds), by: Actor::System };
        let tx = store.begin().await.unwrap();
        let mut none = add_job(&tx, job(1, host)).await;
        move_job(&tx, &mut none, cancel(20)).await;
        tx.commit().await.unwrap();
        assert_eq!(health(&store, host).await, Health::Waiting);

        for (number, end, expected) in [
            (2, succeeded(30), Health::Ok),
            (4, failed(50, FailureCode::NoSpace), Health::Failing),
        ] {
            let tx = store.begin().await.unwrap();
            let mut backup = add_job(&tx, job(number, host)).await;
            move_job(&tx, &mut backup, end).await;
            let mut cancelled = add_job(&tx, job(number + 1, host)).await;
            move_job(&tx, &mut cancelled, cancel(i64::try_from(number).unwrap() * 10 + 15)).await;
            tx.commit().await.unwrap();

            assert_eq!(health(&store, host).await, expected);
        }
    }

    async fn each_source_group_counts_for_the_verdict(store: Store) {
        use domain::health::Health;
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let mut of_group = add_job(&tx, Job { source_group_id: Some(group_id(1)), ..job(1, host) }).await;
        move_job(&tx, &mut of_group, failed(20, FailureCode::NoSpace)).await;
        let mut by_hand = add_job(&tx, job(2, host)).await;
        move_job(&tx, &mut by_hand, succeeded(30)).await;
        tx.commit().await.unwrap();
        assert_eq!(health(&store, host).await, Health::Failing);

        let tx = store.begin().await.unwrap();
        let mut again = add_job(&tx, Job { source_group_id: Some(group_id(1)), ..job(3, host) }).await;
        move_job(&tx, &mut again, succeeded(40)).await;
        tx.commit().await.unwrap();
        assert_eq!(health(&store, host).await, Health::Ok);
    }
}

async fn get(store: &Store, number: u128) -> Job {
    store
        .read()
        .await
        .unwrap()
        .job(job_id(number))
        .await
        .unwrap()
        .unwrap()
        .job
}

async fn running_job(tx: &crate::store::Tx, host: HostId) -> Option<JobId> {
    tx.host(host).await.unwrap().unwrap().running_job_id
}

async fn last_backup(tx: &crate::store::Tx, host: HostId) -> Option<(Timestamp, ResultCode)> {
    tx.host(host)
        .await
        .unwrap()
        .unwrap()
        .last_backup
        .map(|backup| (backup.at, backup.code))
}

fn query() -> JobQuery {
    JobQuery {
        host: None,
        kind: None,
        status: None,
        from: None,
        to: None,
        page: PageQuery {
            size: PageSize::new(0, 50, 500).unwrap(),
            token: String::new(),
        },
    }
}

async fn check(store: &Store, query: JobQuery, expected: &[u128]) {
    let found = store.read().await.unwrap().jobs(&query, &page(50, None)).await.unwrap();

    let numbers: Vec<u128> = found.items.iter().map(|view| view.job.id.as_uuid().as_u128()).collect();
    assert_eq!(numbers, expected, "{query:?}");
    assert_eq!(found.total, u64::try_from(expected.len()).unwrap(), "{query:?}");
}
