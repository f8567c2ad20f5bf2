use domain::ActorKind;
use domain::audit::{ChainHash, first_broken};
use domain::health::Health;
use domain::id::HostId;
use domain::job::{FailureCode, Job, JobEvent, JobKind, ResultCode};
use serde_json::json;

use super::cases;
use super::filled::audit_query;
use super::fixtures::{
    add_host, add_job, at, chunk, command, command_id, failed, group_id, health, host, host_id, job, job_id, move_job,
    page, running, succeeded,
};
use crate::store::{Error, NewAuditEntry, Store, Tx};

cases! {
    async fn jobs_go_when_they_ended_before_the_limit(store: Store) {
        let host = add_host(&store).await;
        ended(&store, host, &[(1, 10), (2, 20), (3, 30), (4, 40)]).await;

        assert_eq!(remove_before(&store, 30).await, 2);

        assert_eq!(left(&store).await, [4, 3]);
        assert_eq!(remove_before(&store, 30).await, 0);
    }

    async fn the_last_job_of_each_sort_stays_and_with_it_what_the_host_shows(store: Store) {
        let host = add_host(&store).await;
        let of_group = |number| Job { source_group_id: Some(group_id(1)), ..job(number, host) };
        let init = |number| Job { kind: JobKind::Init, paths: None, ..job(number, host) };
        let tx = store.begin().await.unwrap();
        for (job, event) in [
            (of_group(1), succeeded(10)),
            (of_group(2), failed(20, FailureCode::NoSpace)),
            (job(3, host), succeeded(15)),
            (job(4, host), succeeded(15)),
            (init(5), succeeded(5)),
        ] {
            let mut job = add_job(&tx, job).await;
            move_job(&tx, &mut job, event).await;
        }
        tx.commit().await.unwrap();
        assert_eq!(health(&store, host).await, Health::Failing);

        // Of two that ended in one moment the one of the higher id is the last, as everywhere.
        assert_eq!(remove_before(&store, 1_000).await, 2);

        assert_eq!(left(&store).await, [5, 4, 2]);
        assert_eq!(health(&store, host).await, Health::Failing);
        let shown = store.read().await.unwrap().host(host).await.unwrap().unwrap();
        let last = shown.last_backup.unwrap();
        assert_eq!((last.at, last.code), (at(20), ResultCode::Failed(FailureCode::NoSpace)));
    }

    async fn a_job_that_has_not_ended_stays_however_old(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let mut runs = add_job(&tx, job(1, host)).await;
        move_job(&tx, &mut runs, running(1)).await;
        add_job(&tx, job(2, host)).await;
        tx.commit().await.unwrap();
        ended(&store, host, &[(3, 5), (4, 6)]).await;

        assert_eq!(remove_before(&store, 1_000).await, 1);

        assert_eq!(left(&store).await, [4, 2, 1]);
        let tx = store.begin().await.unwrap();
        assert_eq!(tx.remove_oldest_jobs(host, 0, 100).await.unwrap(), 0);
        assert_eq!(tx.host(host).await.unwrap().unwrap().running_job_id, Some(job_id(1)));
    }

    async fn a_clock_that_was_wrong_makes_no_job_old(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        for number in [1, 2] {
            let mut job = add_job(&tx, Job { created_at: at(500), ..job(number, host) }).await;
            move_job(&tx, &mut job, succeeded(-1_000_000)).await;
            assert!(tx.append_log(&chunk(number, 1, 1)).await.unwrap());
        }

        assert_eq!(tx.remove_jobs_ended_before(at(400), 10).await.unwrap(), 0);
        assert_eq!(tx.remove_logs_ended_before(at(400), 10, at(600)).await.unwrap(), 0);
        assert_eq!(tx.remove_logs_ended_before(at(501), 10, at(600)).await.unwrap(), 2);
    }

    async fn log_and_commands_go_with_their_job(store: Store) {
        let host = add_host(&store).await;
        ended(&store, host, &[(1, 10), (2, 20)]).await;
        let tx = store.begin().await.unwrap();
        assert!(tx.append_log(&chunk(1, 1, 5)).await.unwrap());
        let job = tx.job(job_id(1)).await.unwrap().unwrap().job;
        tx.insert_command(&command(1, &job)).await.unwrap();

        assert_eq!(tx.remove_jobs_ended_before(at(15), 10).await.unwrap(), 1);

        assert_eq!(tx.log_chunks(job_id(1), 1, 10).await.unwrap(), []);
        assert_eq!(tx.command(command_id(1)).await.unwrap(), None);
    }

    async fn no_more_go_at_once_than_was_asked_for(store: Store) {
        let host = add_host(&store).await;
        ended(&store, host, &[(1, 10), (2, 20), (3, 30), (4, 40)]).await;
        let tx = store.begin().await.unwrap();

        assert_eq!(tx.remove_jobs_ended_before(at(1_000), 2).await.unwrap(), 2);
        assert_eq!(tx.remove_jobs_ended_before(at(1_000), 2).await.unwrap(), 1);
        assert_eq!(tx.remove_jobs_ended_before(at(1_000), 2).await.unwrap(), 0);
    }

    async fn the_oldest_jobs_of_a_host_go_beyond_its_share(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        tx.commit().await.unwrap();
        ended(&store, first, &[(1, 30), (2, 10), (3, 20), (4, 40)]).await;
        ended(&store, host_id(2), &[(5, 5)]).await;
        let tx = store.begin().await.unwrap();
        assert_eq!(tx.hosts_with_more_jobs(3).await.unwrap(), [first]);
        assert_eq!(tx.hosts_with_more_jobs(4).await.unwrap(), []);

        assert_eq!(tx.remove_oldest_jobs(first, 2, 1).await.unwrap(), 1);
        assert_eq!(tx.remove_oldest_jobs(first, 2, 9).await.unwrap(), 1);
        assert_eq!(tx.remove_oldest_jobs(first, 2, 9).await.unwrap(), 0);
        tx.commit().await.unwrap();

        assert_eq!(left(&store).await, [5, 4, 1]);
    }

    async fn old_logs_go_and_their_jobs_say_so(store: Store) {
        let host = add_host(&store).await;
        ended(&store, host, &[(1, 10), (2, 20), (3, 30)]).await;
        let tx = store.begin().await.unwrap();
        let mut runs = add_job(&tx, job(4, host)).await;
        move_job(&tx, &mut runs, running(1)).await;
        for number in [1, 2, 4] {
            assert!(tx.append_log(&chunk(number, 1, 5)).await.unwrap());
        }

        // The third has no log that could be removed, the fourth runs.
        assert_eq!(tx.remove_logs_ended_before(at(1_000), 10, at(99)).await.unwrap(), 2);
        assert_eq!(tx.remove_logs_ended_before(at(1_000), 10, at(99)).await.unwrap(), 0);

        assert_eq!(tx.log_chunks(job_id(1), 1, 10).await.unwrap(), []);
        let log = tx.job(job_id(1)).await.unwrap().unwrap().log;
        assert_eq!((log.lines, log.removed_at), (5, Some(at(99))));
        assert_eq!(tx.job(job_id(3)).await.unwrap().unwrap().log.removed_at, None);
        assert_eq!(tx.log_chunks(job_id(4), 1, 10).await.unwrap().len(), 1);
        assert_eq!(tx.log_bytes_of(host).await.unwrap(), 1024);
    }

    async fn the_oldest_logs_of_a_host_go_beyond_its_share(store: Store) {
        let host = add_host(&store).await;
        ended(&store, host, &[(1, 30), (2, 10), (3, 20)]).await;
        let tx = store.begin().await.unwrap();
        for number in [1, 2, 3] {
            // A chunk counts a KiB at least.
            assert!(tx.append_log(&chunk(number, 1, 10)).await.unwrap());
        }
        assert_eq!(tx.log_bytes_of(host).await.unwrap(), 3 * 1024);
        assert_eq!(tx.hosts_with_more_log(3 * 1024 - 1).await.unwrap(), [host]);
        assert_eq!(tx.hosts_with_more_log(3 * 1024).await.unwrap(), []);

        assert_eq!(tx.shorten_logs(host, 3 * 1024, 9, at(99)).await.unwrap(), 0);
        assert_eq!(tx.shorten_logs(host, 1500, 9, at(99)).await.unwrap(), 2);

        let gone = async |number| tx.job(job_id(number)).await.unwrap().unwrap().log.removed_at.is_some();
        assert_eq!([gone(1).await, gone(2).await, gone(3).await], [false, true, true]);
        assert_eq!(tx.log_bytes_of(host).await.unwrap(), 1024);
        assert_eq!(tx.shorten_logs(host, 0, 0, at(99)).await.unwrap(), 0);
    }

    async fn a_job_that_was_thought_lost_stays_when_it_came_back(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let mut lost = add_job(&tx, job(1, host)).await;
        move_job(&tx, &mut lost, running(1)).await;
        move_job(&tx, &mut lost, JobEvent::Lost { at: at(5) }).await;
        tx.commit().await.unwrap();
        ended(&store, host, &[(2, 9)]).await;
        let tx = store.begin().await.unwrap();
        move_job(&tx, &mut lost, JobEvent::Adopted(domain::job::Stage::Running { started_at: at(1) })).await;
        tx.commit().await.unwrap();

        assert_eq!(remove_before(&store, 1_000).await, 0);
    }

    async fn the_audit_log_is_cut_and_what_is_left_can_be_checked(store: Store) {
        let tx = store.begin().await.unwrap();
        record(&tx, &[0, 10, 20, 30]).await;
        assert_eq!(tx.audit_anchor().await.unwrap(), None);
        assert_eq!(tx.cut_audit(at(0), 10, at(99)).await.unwrap(), None);

        let first = tx.cut_audit(at(15), 10, at(99)).await.unwrap().unwrap();
        assert_eq!((first.through, first.lines), (2, 2));
        assert_eq!(tx.audit_anchor().await.unwrap(), Some((2, first.hash)));
        // The next cut begins where the last one ended, in steps as small as asked for.
        let second = tx.cut_audit(at(99), 1, at(99)).await.unwrap().unwrap();
        assert_eq!((second.through, second.lines), (3, 1));
        record(&tx, &[40]).await;
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        let mut lines = tx.audit_log(&audit_query(), &page(50, None)).await.unwrap().items;
        lines.reverse();
        assert_eq!(lines.iter().map(|line| line.entry.id).collect::<Vec<_>>(), [4, 5]);
        let (through, anchor) = tx.audit_anchor().await.unwrap().unwrap();
        assert_eq!(through, 3);
        let check = |anchor| first_broken(anchor, lines.iter().map(|line| (&line.entry, line.hash)));
        assert_eq!((check(anchor), check(ChainHash::START)), (None, Some(0)));
    }

    async fn a_clock_that_was_set_back_cuts_no_line_behind_a_younger_one(store: Store) {
        let tx = store.begin().await.unwrap();
        record(&tx, &[10, 50, 20]).await;

        let cut = tx.cut_audit(at(30), 10, at(99)).await.unwrap().unwrap();

        assert_eq!((cut.through, cut.lines), (1, 1));
        assert_eq!(tx.cut_audit(at(30), 10, at(99)).await.unwrap(), None);
    }

    async fn a_whole_audit_log_that_is_old_goes_and_goes_on_behind_its_anchor(store: Store) {
        let tx = store.begin().await.unwrap();
        record(&tx, &[10, 20]).await;
        let cut = tx.cut_audit(at(30), 10, at(99)).await.unwrap().unwrap();

        record(&tx, &[40]).await;

        let lines = tx.audit_log(&audit_query(), &page(50, None)).await.unwrap().items;
        assert_eq!(lines[0].entry.id, 3);
        assert_eq!(first_broken(cut.hash, lines.iter().map(|line| (&line.entry, line.hash))), None);
    }

    async fn a_broken_chain_is_not_removed(store: Store) {
        use sea_orm::ConnectionTrait as _;
        let tx = store.begin().await.unwrap();
        record(&tx, &[0, 10, 20]).await;
        tx.on.execute_unprepared("UPDATE audit_log SET action = 'forged' WHERE id = 2").await.unwrap();

        let refused = tx.cut_audit(at(99), 10, at(99)).await;

        assert!(matches!(&refused, Err(Error::Inconsistent { row, .. }) if row == "2"), "{refused:?}");
        assert_eq!(tx.audit_log(&audit_query(), &page(50, None)).await.unwrap().total, 3);
    }
}

/// Adds backups that ended so many seconds after midnight.
async fn ended(store: &Store, host: HostId, ends: &[(u128, i64)]) {
    let tx = store.begin().await.unwrap();
    for (number, seconds) in ends {
        let mut job = add_job(&tx, job(*number, host)).await;
        move_job(&tx, &mut job, succeeded(*seconds)).await;
    }
    tx.commit().await.unwrap();
}

async fn remove_before(store: &Store, seconds: i64) -> u64 {
    let tx = store.begin().await.unwrap();
    let removed = tx.remove_jobs_ended_before(at(seconds), 100).await.unwrap();
    tx.commit().await.unwrap();
    removed
}

/// The jobs that are there, by falling id.
async fn left(store: &Store) -> Vec<u128> {
    let query = domain::job::JobQuery {
        host: None,
        kind: None,
        status: None,
        from: None,
        to: None,
        page: super::filled::first_page(),
    };
    let tx = store.read().await.unwrap();
    let mut ids: Vec<u128> = tx
        .jobs(&query, &page(50, None))
        .await
        .unwrap()
        .items
        .iter()
        .map(|view| view.job.id.as_uuid().as_u128())
        .collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids
}

async fn record(tx: &Tx, seconds: &[i64]) {
    for seconds in seconds {
        let entry = NewAuditEntry {
            ts: at(*seconds),
            actor_kind: ActorKind::System,
            actor_id: None,
            actor_name: "system".into(),
            ip: None,
            action: "job.run_now".to_owned(),
            target_kind: None,
            target_id: None,
            target_name: "".into(),
            payload: json!({}),
        };
        tx.append_audit(entry).await.unwrap();
    }
}
