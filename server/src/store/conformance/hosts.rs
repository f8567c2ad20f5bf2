use std::time::Duration;

use domain::fleet::{HostOrder, HostQuery, HostView, LastEndedBackup, RecentRuns, UpdateHost};
use domain::health::{Cause, Health};
use domain::host::HostStatus;
use domain::id::HostId;
use domain::job::{FailureCode, ResultCode};
use domain::page::{PageQuery, PageSize};
use domain::repository::RepoStatus;
use sea_orm::ConnectionTrait as _;

use super::cases;
use super::fixtures::{
    add_host, add_job, at, failed, host, host_id, inventory, job, move_job, opening, page, part, repository,
    repository_id, running, snapshot, succeeded, tags,
};
use crate::store::{Error, NewHost, Replacement, SessionOpening, Store};

cases! {
    async fn a_new_host_waits_for_its_agent(store: Store) {
        let new = host(1, "Web-01");
        add(&store, &[&new]).await;

        let found = get(&store, new.id).await;

        let expected = HostView {
            id: new.id,
            hostname: new.hostname.clone(),
            restic_host: new.restic_host,
            inventory: inventory(),
            protocol_version: None,
            status: HostStatus::Pending,
            status_since: at(0),
            last_seen_at: None,
            enrolled_at: at(0),
            certificate_ends_at: None,
            tags: tags(&["env:prod", "linux"]),
            repository_id: None,
            repo_status: RepoStatus::Unset,
            snapshot_count: 0,
            last_backup: None,
            last_success_at: None,
            recent_runs: RecentRuns::default(),
            running_job_id: None,
            desired_version: 1,
            applied_version: 0,
            is_always_on: true,
            health: Health::Pending,
            health_reason: found.health_reason.clone(),
            health_cause: Some(Cause::NeverConnected),
            health_since: Some(at(0)),
            limit_upload_kib_per_s: 0,
            limit_download_kib_per_s: 0,
            version: 1,
        };
        assert_eq!(found, expected);
        assert!(found.health_reason.starts_with("The agent has not connected yet"), "{}", found.health_reason);
    }

    async fn a_host_is_found_by_name_in_any_case(store: Store) {
        add(&store, &[&host(1, "Web-01")]).await;
        let tx = store.read().await.unwrap();

        let found = tx.host_by_name(&"wEB-01".parse().unwrap()).await.unwrap().map(|host| host.id);

        assert_eq!(found, Some(host_id(1)));
        assert_eq!(tx.host_by_name(&"web-0".parse().unwrap()).await.unwrap(), None);
        assert_eq!(tx.host(host_id(2)).await.unwrap(), None);
    }

    async fn the_desired_version_goes_on_above_what_an_agent_holds(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let version = async || tx.host_session(host).await.unwrap().unwrap().desired_version;
        let before = version().await;
        tx.raise_desired_version_above(host, 0).await.unwrap();
        assert_eq!(version().await, before + 1);
        tx.raise_desired_version_above(host, 70).await.unwrap();
        assert_eq!(version().await, 71);
        let gone = tx.raise_desired_version_above(host_id(9), 70).await;
        assert!(matches!(gone, Err(Error::Missing { .. })), "{gone:?}");
    }

    async fn hosts_that_are_there_and_have_an_untried_repository_are_found(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        for (number, name, online) in [(2, "web-02", true), (3, "web-03", false), (4, "web-04", true)] {
            let other = host(number, name);
            tx.insert_host(&other).await.unwrap();
            if number != 4 {
                tx.bind_repository(other.id, repository_id(1), RepoStatus::Pending).await.unwrap();
            }
            if online {
                tx.open_session(other.id, &opening(20)).await.unwrap();
            }
        }
        // The first has tried it, the third is not there, the fourth has none.
        assert_eq!(tx.hosts_with_untried_repository().await.unwrap(), [host_id(2)]);

        tx.set_repo_status(first, repository_id(1), RepoStatus::Pending).await.unwrap();
        assert_eq!(tx.hosts_with_untried_repository().await.unwrap(), [first, host_id(2)]);
    }

    async fn a_name_is_taken_in_any_case(store: Store) {
        add(&store, &[&host(1, "web-01"), &host(2, "web-02")]).await;
        let tx = store.begin().await.unwrap();

        let inserted = tx.insert_host(&host(3, "WEB-01")).await;

        assert!(matches!(inserted, Err(Error::Taken { table: "hosts", .. })), "{inserted:?}");
        drop(tx);
        let tx = store.begin().await.unwrap();
        let renamed = tx.update_host(&UpdateHost { hostname: Some("WEB-01".parse().unwrap()), ..change(2, 1) }).await;
        assert!(matches!(renamed, Err(Error::Taken { table: "hosts", .. })), "{renamed:?}");
    }

    async fn a_change_touches_only_what_it_names_and_counts(store: Store) {
        add(&store, &[&host(1, "web-01"), &host(2, "web-02")]).await;
        let before = get(&store, host_id(1)).await;

        let tx = store.begin().await.unwrap();
        tx.update_host(&UpdateHost { hostname: Some("Db-01".parse().unwrap()), ..change(1, 1) }).await.unwrap();
        tx.update_host(&UpdateHost { tags: Some(tags(&["x"])), is_always_on: Some(false), ..change(1, 2) }).await.unwrap();
        let limits = UpdateHost {
            limit_upload_kib_per_s: Some(u32::MAX),
            limit_download_kib_per_s: Some(7),
            ..change(1, 3)
        };
        tx.update_host(&limits).await.unwrap();
        tx.commit().await.unwrap();

        let after = HostView {
            hostname: "Db-01".parse().unwrap(),
            tags: tags(&["x"]),
            is_always_on: false,
            limit_upload_kib_per_s: u32::MAX,
            limit_download_kib_per_s: 7,
            version: 4,
            ..before
        };
        assert_eq!(get(&store, host_id(1)).await, after);
        assert_eq!(get(&store, host_id(2)).await.version, 1);
    }

    async fn of_two_changes_of_one_version_the_second_is_stale(store: Store) {
        add(&store, &[&host(1, "web-01")]).await;
        let tx = store.begin().await.unwrap();
        tx.update_host(&change(1, 1)).await.unwrap();

        let late = tx.update_host(&change(1, 1)).await;
        let gone = tx.update_host(&change(9, 1)).await;

        assert!(matches!(late, Err(Error::Stale { table: "hosts", .. })), "{late:?}");
        assert!(matches!(gone, Err(Error::Stale { table: "hosts", .. })), "{gone:?}");
    }

    async fn filters_are_combined(store: Store) {
        let with_tags = |number, name, texts: &[&str]| NewHost { tags: tags(texts), ..host(number, name) };
        add(&store, &[
            &with_tags(1, "web-01", &["Prod", "web"]),
            &with_tags(2, "web-02", &["Test"]),
            &with_tags(3, "db_01", &["Prod", "Production"]),
        ]).await;
        let tx = store.begin().await.unwrap();
        tx.insert_repository(&repository(1, "nas")).await.unwrap();
        tx.bind_repository(host_id(2), repository_id(1), RepoStatus::Ready).await.unwrap();
        let failed: RepoStatus = RepoStatus::from_stored("error", "unreachable").unwrap();
        tx.bind_repository(host_id(3), repository_id(1), failed).await.unwrap();
        tx.open_session(host_id(2), &opening(1)).await.unwrap();
        tx.open_session(host_id(3), &opening(1)).await.unwrap();
        tx.set_host_status(host_id(3), HostStatus::Offline, at(2)).await.unwrap();
        tx.commit().await.unwrap();
        let words = |words: &[&str]| HostQuery { words: words.iter().map(|word| (*word).to_owned()).collect(), ..query() };

        check(&store, query(), &[3, 1, 2]).await;
        check(&store, words(&["web"]), &[1, 2]).await;
        check(&store, words(&["01"]), &[3, 1]).await;
        check(&store, words(&["prod"]), &[3, 1]).await;
        check(&store, words(&["produ"]), &[]).await;
        check(&store, words(&["01", "web"]), &[1]).await;
        check(&store, words(&["b_0"]), &[3]).await;
        check(&store, words(&["%"]), &[]).await;
        check(&store, words(&["prod\",\"web"]), &[]).await;
        check(&store, words(&["a\0"]), &[]).await;
        check(&store, HostQuery { tag: Some("Prod".parse().unwrap()), ..query() }, &[3, 1]).await;
        check(&store, HostQuery { tag: Some("prod".parse().unwrap()), ..query() }, &[]).await;
        check(&store, HostQuery { status: Some(HostStatus::Pending), ..query() }, &[1]).await;
        check(&store, HostQuery { status: Some(HostStatus::Online), ..query() }, &[2]).await;
        check(&store, HostQuery { health: Some(Health::Waiting), ..query() }, &[2]).await;
        check(&store, HostQuery { health: Some(Health::Failing), ..query() }, &[3]).await;
        check(&store, HostQuery { repo_status: Some("unset"), ..query() }, &[1]).await;
        check(&store, HostQuery { repo_status: Some("ready"), ..query() }, &[2]).await;
        check(&store, HostQuery { repo_status: Some("error"), ..query() }, &[3]).await;
        check(&store, HostQuery { tag: Some("Prod".parse().unwrap()), ..words(&["web"]) }, &[1]).await;
        check(&store, HostQuery { repository: Some(repository_id(1)), ..query() }, &[3, 2]).await;
        check(&store, HostQuery { repository: Some(repository_id(9)), ..query() }, &[]).await;
    }

    async fn every_order_goes_both_ways_and_pages_without_gap(store: Store) {
        let enrolled = |number, name, seconds| NewHost { enrolled_at: at(seconds), ..host(number, name) };
        add(&store, &[
            &enrolled(1, "C", 30),
            &enrolled(2, "b_x", 20),
            &enrolled(3, "b-y", 20),
            &enrolled(4, "a", 40),
            &enrolled(5, "d", 10),
        ]).await;
        let tx = store.begin().await.unwrap();
        for (number, seen) in [(1, 200), (2, 100), (4, 200)] {
            tx.open_session(host_id(number), &opening(seen)).await.unwrap();
        }
        for (number, ended) in [(5, 500), (2, 400)] {
            let mut backup = add_job(&tx, job(number, host_id(number))).await;
            move_job(&tx, &mut backup, failed(ended, FailureCode::NoSpace)).await;
        }
        tx.commit().await.unwrap();

        for (order, expected) in [
            ("hostname", [4, 3, 2, 1, 5]),
            ("hostname desc", [5, 1, 2, 3, 4]),
            // 2 fails, 3 and 5 never connected, 1 and 4 wait for a backup.
            ("health", [2, 3, 5, 1, 4]),
            ("health desc", [1, 4, 3, 5, 2]),
            ("enrolled_at", [5, 2, 3, 1, 4]),
            ("enrolled_at desc", [4, 1, 2, 3, 5]),
            // What lacks the value comes last in either direction, and equals come by id.
            ("last_seen_at", [2, 1, 4, 3, 5]),
            ("last_seen_at desc", [1, 4, 2, 3, 5]),
            ("last_backup_at", [2, 5, 1, 3, 4]),
            ("last_backup_at desc", [5, 2, 1, 3, 4]),
        ] {
            for size in 1..=5 {
                let query = HostQuery { order: order.parse::<HostOrder>().unwrap(), ..query() };
                assert_eq!(walk(&store, &query, size).await, expected, "{order} by {size}");
            }
        }
    }

    async fn what_a_migration_added_is_computed_for_the_hosts_there_are(store: Store) {
        let id = add_host(&store).await;
        add(&store, &[&host(2, "pending")]).await;
        let tx = store.begin().await.unwrap();
        let mut backup = add_job(&tx, job(1, id)).await;
        move_job(&tx, &mut backup, succeeded(300)).await;
        tx.commit().await.unwrap();
        let computed = [get(&store, id).await, get(&store, host_id(2)).await];
        assert_eq!((computed[0].health, computed[1].health), (Health::Ok, Health::Pending));

        let added = "UPDATE hosts SET health_cause = '', health_since = NULL, recent_runs = '', last_success_at = NULL";
        store.0.writer.execute_unprepared(added).await.unwrap();
        store.complete_projections().await.unwrap();

        assert_eq!([get(&store, id).await, get(&store, host_id(2)).await], computed);
    }

    async fn deleting_a_host_takes_along_what_belongs_to_it(store: Store) {
        let id = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        add_job(&tx, job(1, id)).await;
        tx.commit().await.unwrap();

        let tx = store.begin().await.unwrap();
        tx.delete_host(id).await.unwrap();
        let again = tx.delete_host(id).await;
        assert!(matches!(again, Err(Error::Missing { table: "hosts", .. })), "{again:?}");
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        assert_eq!(tx.host(id).await.unwrap(), None);
        assert_eq!(tx.source_groups(id).await.unwrap(), []);
        assert_eq!(tx.live_jobs(id).await.unwrap(), []);
        assert_eq!(tx.repository_host_count(repository_id(1)).await.unwrap(), 0);
        assert!(tx.repository(repository_id(1)).await.unwrap().is_some());
    }

    async fn a_session_keeps_what_the_agent_said_and_raises_the_epoch(store: Store) {
        add(&store, &[&host(1, "web-01")]).await;
        let mut machine = inventory();
        machine.kernel = "6.1".into();
        let said = SessionOpening { inventory: machine.clone(), ..opening(10) };

        let tx = store.begin().await.unwrap();
        let first = tx.open_session(host_id(1), &said).await.unwrap();
        let second = tx.open_session(host_id(1), &SessionOpening { boot_id: "boot-2".into(), ..opening(20) }).await.unwrap();
        tx.commit().await.unwrap();

        assert_eq!((first, second), (1, 2));
        let found = get(&store, host_id(1)).await;
        assert_eq!((found.status, found.status_since), (HostStatus::Online, at(10)));
        assert_eq!((found.last_seen_at, found.protocol_version), (Some(at(20)), Some(1)));
        let session = store.read().await.unwrap().host_session(host_id(1)).await.unwrap().unwrap();
        assert_eq!((session.epoch, session.last_seen_at), (2, Some(at(20))));
        assert_eq!(session.boot_id.as_ref().map(domain::ReportedText::as_str), Some("boot-2"));
        assert_eq!(store.read().await.unwrap().host_session(host_id(9)).await.unwrap(), None);
    }

    async fn a_session_has_a_higher_epoch_than_the_agent_remembers(store: Store) {
        add(&store, &[&host(1, "web-01")]).await;

        let tx = store.begin().await.unwrap();
        let mut epochs = Vec::new();
        for last_epoch in [0, 7, 7, 3] {
            epochs.push(tx.open_session(host_id(1), &SessionOpening { last_epoch, ..opening(10) }).await.unwrap());
        }
        tx.commit().await.unwrap();

        assert_eq!(epochs, [1, 8, 9, 10]);
    }

    async fn a_replaced_agent_is_forgotten_and_the_host_stays(store: Store) {
        let id = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let applied = tx.host_session(id).await.unwrap().unwrap().applied;
        tx.set_applied(id, &applied, 1).await.unwrap();
        tx.commit().await.unwrap();
        let before = get(&store, id).await;
        let session = |store: Store| async move { store.read().await.unwrap().host_session(id).await.unwrap().unwrap() };
        let former = session(store.clone()).await;
        let mut machine = inventory();
        machine.hostname = "another".into();
        let replacement = Replacement { status: HostStatus::Pending, at: at(500), inventory: machine.clone() };

        let tx = store.begin().await.unwrap();
        tx.replace_agent(id, &replacement).await.unwrap();
        let of_nobody = tx.replace_agent(host_id(9), &replacement).await;
        tx.commit().await.unwrap();

        assert!(matches!(of_nobody, Err(Error::Missing { table: "hosts", .. })), "{of_nobody:?}");
        let after = get(&store, id).await;
        assert_eq!((after.status, after.status_since, after.health), (HostStatus::Pending, at(500), Health::Pending));
        assert_eq!((after.last_seen_at, after.protocol_version, after.applied_version), (None, None, 0));
        assert_eq!(after.inventory, machine);
        assert_eq!((&after.hostname, &after.restic_host, &after.tags), (&before.hostname, &before.restic_host, &before.tags));
        assert_eq!((after.enrolled_at, after.version, after.repository_id), (before.enrolled_at, before.version, before.repository_id));
        assert_eq!((after.snapshot_count, after.last_backup), (before.snapshot_count, before.last_backup));
        let now = session(store.clone()).await;
        assert_eq!((now.epoch, now.boot_id, now.applied), (former.epoch + 1, None, domain::session::Applied::default()));
    }

    async fn a_session_of_a_host_that_is_gone_is_refused(store: Store) {
        let tx = store.begin().await.unwrap();

        let refused = tx.open_session(host_id(9), &opening(0)).await;

        assert!(matches!(refused, Err(Error::Missing { table: "hosts", .. })), "{refused:?}");
    }

    async fn a_status_keeps_its_time_until_it_changes(store: Store) {
        let id = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.set_host_status(id, HostStatus::Offline, at(100)).await.unwrap();
        tx.set_host_status(id, HostStatus::Offline, at(200)).await.unwrap();
        tx.commit().await.unwrap();

        let found = get(&store, id).await;

        assert_eq!((found.status, found.status_since, found.health), (HostStatus::Offline, at(100), Health::Offline));
        let last_seen = at(10).to_string();
        assert!(found.health_reason.contains(&last_seen), "{}", found.health_reason);
    }

    async fn signs_of_life_are_written_in_one_go_and_never_go_back(store: Store) {
        add(&store, &[&host(1, "a"), &host(2, "b"), &host(3, "c")]).await;
        let tx = store.begin().await.unwrap();
        tx.open_session(host_id(1), &opening(50)).await.unwrap();
        tx.open_session(host_id(2), &opening(50)).await.unwrap();
        // More than fit into one statement, most of them of hosts that are gone.
        let mut heard: Vec<_> = (100..2_600).map(|number| (host_id(number), at(70))).collect();
        heard.extend([(host_id(1), at(60)), (host_id(2), at(40)), (host_id(3), at(70))]);
        tx.record_signs_of_life(&heard).await.unwrap();
        tx.record_signs_of_life(&[]).await.unwrap();
        tx.commit().await.unwrap();

        for (number, seen) in [(1, 60), (2, 50), (3, 70)] {
            assert_eq!(get(&store, host_id(number)).await.last_seen_at, Some(at(seen)), "{number}");
        }
    }

    async fn only_online_hosts_fall_silent(store: Store) {
        add(&store, &[&host(1, "a"), &host(2, "b"), &host(3, "c"), &host(4, "d")]).await;
        let tx = store.begin().await.unwrap();
        for (number, seen) in [(1, 50), (2, 51), (3, 50)] {
            tx.open_session(host_id(number), &opening(seen)).await.unwrap();
        }
        tx.set_host_status(host_id(3), HostStatus::Offline, at(60)).await.unwrap();
        tx.commit().await.unwrap();

        let silent = store.read().await.unwrap().silent_hosts(at(51)).await.unwrap();

        assert_eq!(silent, [(host_id(1), at(50))]);
    }

    async fn desired_and_applied_versions_are_kept(store: Store) {
        let id = add_host(&store).await;
        add(&store, &[&host(2, "db")]).await;
        let tx = store.begin().await.unwrap();

        assert_eq!(tx.raise_desired_version(id).await.unwrap(), 2);
        assert_eq!(tx.raise_desired_versions_of(repository_id(1)).await.unwrap(), [id]);
        let applied = tx.host_session(id).await.unwrap().unwrap().applied;
        tx.set_applied(id, &applied, 3).await.unwrap();
        tx.commit().await.unwrap();

        let found = get(&store, id).await;
        assert_eq!((found.desired_version, found.applied_version), (3, 3));
        assert_eq!(get(&store, host_id(2)).await.desired_version, 1);
    }

    async fn what_an_agent_holds_comes_back(store: Store) {
        use domain::session::{Applied, DesiredKind, Stamp};
        let id = add_host(&store).await;
        let mut applied = Applied::default();
        applied.set(DesiredKind::Settings, Stamp { version: 2, hash: "aa".into() });

        let tx = store.begin().await.unwrap();
        tx.open_session(id, &SessionOpening { applied: applied.clone(), ..opening(20) }).await.unwrap();
        assert_eq!(tx.host_session(id).await.unwrap().unwrap().applied, applied);
        applied.set(DesiredKind::Credentials, Stamp { version: 3, hash: "bb".into() });
        tx.set_applied(id, &applied, 2).await.unwrap();

        assert_eq!(tx.host_session(id).await.unwrap().unwrap().applied, applied);
    }

    async fn a_machine_without_restic_or_with_a_wrong_clock_is_judged(store: Store) {
        let id = add_host(&store).await;
        let mut bare = inventory();
        bare.restic_version = None;
        let tx = store.begin().await.unwrap();
        tx.open_session(id, &SessionOpening { inventory: bare, ..opening(20) }).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(get(&store, id).await.health, Health::Failing);

        let tx = store.begin().await.unwrap();
        tx.open_session(id, &SessionOpening { clock_skew: Duration::from_mins(5), ..opening(30) }).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(get(&store, id).await.health, Health::Warning);
    }

    async fn the_fleet_is_summed_up(store: Store) {
        let empty = store.read().await.unwrap().fleet_summary().await.unwrap();
        assert_eq!(empty, domain::fleet::FleetSummary::default());

        let id = add_host(&store).await;
        add(&store, &[&host(2, "pending"), &host(3, "offline"), &host(4, "quarantined"), &host(5, "revoked")]).await;
        let tx = store.begin().await.unwrap();
        tx.set_host_status(host_id(4), HostStatus::Quarantined, at(200)).await.unwrap();
        tx.set_host_status(host_id(5), HostStatus::Revoked, at(200)).await.unwrap();
        tx.open_session(host_id(3), &opening(10)).await.unwrap();
        tx.set_host_status(host_id(3), HostStatus::Offline, at(200)).await.unwrap();
        let mut backup = add_job(&tx, job(1, id)).await;
        move_job(&tx, &mut backup, failed(300, FailureCode::NoSpace)).await;
        let mut second = add_job(&tx, job(2, id)).await;
        move_job(&tx, &mut second, running(310)).await;
        let listed = part(3, 0, true, vec![snapshot(1, 5, &[])]);
        tx.put_snapshots(id, &listed, at(320)).await.unwrap();
        tx.commit().await.unwrap();

        let summary = store.read().await.unwrap().fleet_summary().await.unwrap();

        assert_eq!((summary.hosts, summary.pending, summary.online, summary.offline), (5, 1, 1, 1));
        assert_eq!((summary.quarantined, summary.revoked), (1, 1));
        assert_eq!((summary.ok, summary.warning, summary.failing, summary.waiting), (0, 0, 3, 1));
        assert_eq!((summary.health_pending, summary.health_offline, summary.health_asleep), (1, 1, 0));
        assert_eq!((summary.running_jobs, summary.snapshot_count), (1, 1));
        assert_eq!(summary.last_backup_at, Some(at(300)));
        let ended = LastEndedBackup { at: at(300), code: ResultCode::Failed(FailureCode::NoSpace) };
        assert_eq!(get(&store, id).await.last_backup, Some(ended));
    }
}

async fn add(store: &Store, hosts: &[&NewHost]) {
    let tx = store.begin().await.unwrap();
    for host in hosts {
        tx.insert_host(host).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn get(store: &Store, id: HostId) -> HostView {
    store.read().await.unwrap().host(id).await.unwrap().unwrap()
}

fn change(number: u128, version: u64) -> UpdateHost {
    UpdateHost {
        id: host_id(number),
        hostname: None,
        tags: None,
        is_always_on: None,
        limit_upload_kib_per_s: None,
        limit_download_kib_per_s: None,
        version,
    }
}

fn query() -> HostQuery {
    HostQuery {
        words: Vec::new(),
        status: None,
        health: None,
        tag: None,
        repo_status: None,
        repository: None,
        order: HostOrder::default(),
        page: PageQuery {
            size: PageSize::new(0, 50, 500).unwrap(),
            token: String::new(),
        },
    }
}

async fn check(store: &Store, query: HostQuery, expected: &[u128]) {
    let found = store
        .read()
        .await
        .unwrap()
        .hosts(&query, &page(50, None))
        .await
        .unwrap();

    let numbers: Vec<u128> = found.items.iter().map(|host| host.id.as_uuid().as_u128()).collect();
    assert_eq!(numbers, expected, "{query:?}");
    assert_eq!(found.total, u64::try_from(expected.len()).unwrap(), "{query:?}");
}

/// Walks all pages of this size.
async fn walk(store: &Store, query: &HostQuery, size: u32) -> Vec<u128> {
    let tx = store.read().await.unwrap();
    let mut numbers = Vec::new();
    let mut after = None;
    loop {
        let found = tx.hosts(query, &page(size, after)).await.unwrap();
        numbers.extend(found.items.iter().map(|host| host.id.as_uuid().as_u128()));
        after = found.next;
        if after.is_none() {
            return numbers;
        }
    }
}
