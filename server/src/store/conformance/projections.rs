//! Whatever happens on a host: what the store keeps of it is what its rows say.

use std::cell::Cell;
use std::time::Duration;

use domain::Timestamp;
use domain::fleet::{HostView, LastEndedBackup, RecentRuns, UpdateHost};
use domain::health::{HostFacts, LastBackup, judge};
use domain::host::{HostEvent, Silence};
use domain::id::{HostId, JobId, SourceGroupId};
use domain::job::{FailureCode, Job, JobEvent, JobKind, JobQuery, Phase, ResultCode, Stage, Status, next};
use domain::repository::RepoStatus;
use domain::session::SnapshotPart;
use domain::snapshot_query::SnapshotQuery;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::databases::{on_postgres, on_sqlite};
use super::filled::first_page;
use super::fixtures::{
    at, failed, group_id, host, host_id, inventory, job, job_id, opening, page, part, repository, repository_id,
    running, snapshot, source_group, succeeded,
};
use crate::store::{NewHost, SessionOpening, SourceGroup, Store, Tx};

#[tokio::test(flavor = "multi_thread")]
async fn projections_equal_their_recomputation_sqlite() {
    on_sqlite(async |store| check_many(&store, 48)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projections_equal_their_recomputation_postgres() {
    on_postgres(async |store| check_many(&store, 12)).await;
}

/// Something that happens to a host.
#[derive(Debug, Clone)]
enum Step {
    NewJob {
        kind: JobKind,
        group: Option<u128>,
    },
    /// The event reaches one of the jobs, if there is any.
    Move {
        job: usize,
        event: JobEvent,
    },
    List {
        snapshots: u8,
        last: bool,
    },
    Bind {
        repository: u128,
    },
    Repository {
        status: RepoStatus,
    },
    Session {
        has_restic: bool,
        skew: Duration,
    },
    Silent,
    AlwaysOn(bool),
}

fn check_many(store: &Store, cases: u32) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let number = Cell::new(0);
    let handle = Handle::current();
    tokio::task::block_in_place(|| {
        let result = runner.run(&proptest::collection::vec(step(), 1..25), |steps| {
            number.set(number.get() + 1);
            handle.block_on(check(store, number.get(), &steps));
            Ok(())
        });
        if let Err(fault) = result {
            panic!("{fault}");
        }
    });
}

/// What is known of the host besides its rows.
#[derive(Default)]
struct Known {
    jobs: Vec<Job>,
    skew: Option<Duration>,
}

/// Lets the steps happen to a new host, each in a transaction of its own.
async fn check(store: &Store, number: u128, steps: &[Step]) {
    let host = add(store, number).await;
    let mut known = Known::default();
    for (position, step) in steps.iter().enumerate() {
        let seconds = i64::try_from(position).unwrap() + 100;
        let tx = store.begin().await.unwrap();
        happen(&tx, host, &mut known, step, seconds).await;
        tx.commit().await.unwrap();

        let kept = store.read().await.unwrap().host(host).await.unwrap().unwrap();
        assert_eq!(
            kept,
            recomputed(store, kept.clone(), known.skew).await,
            "after {step:?}"
        );
    }
}

async fn happen(tx: &Tx, host: HostId, known: &mut Known, step: &Step, seconds: i64) {
    let Known { jobs, skew: known_skew } = known;
    match step.clone() {
        Step::NewJob { kind, group } => {
            let id = job_id(host.as_uuid().as_u128() * 1_000 + u128::try_from(jobs.len()).unwrap());
            let group = group.map(|group| own_group(host, group));
            let new = Job {
                id,
                kind,
                source_group_id: group,
                created_at: at(seconds),
                ..job(0, host)
            };
            tx.insert_job(&new, &"anna".into()).await.unwrap();
            jobs.push(new);
        }
        Step::Move { job, event } => {
            let count = jobs.len();
            let Some(job) = jobs.get_mut(job % count.max(1)) else {
                return;
            };
            if let Ok(state) = next(job.state.clone(), event) {
                job.state = state;
                tx.update_job(job).await.unwrap();
            }
        }
        Step::List { snapshots, last } => {
            let repository = tx.host(host).await.unwrap().unwrap().repository_id;
            let Some(repository) = repository else { return };
            let listed = (0..snapshots)
                .map(|number| snapshot(number, i64::from(number), &[]))
                .collect();
            let list = u128::try_from(seconds).unwrap();
            tx.put_snapshots(
                host,
                &SnapshotPart {
                    repository,
                    ..part(list, 0, last, listed)
                },
                at(seconds),
            )
            .await
            .unwrap();
        }
        Step::Bind { repository } => {
            tx.bind_repository(host, repository_id(repository), RepoStatus::Pending)
                .await
                .unwrap();
        }
        Step::Repository { status } => {
            let repository = tx.host(host).await.unwrap().unwrap().repository_id;
            let Some(repository) = repository else { return };
            tx.set_repo_status(host, repository, status).await.unwrap();
        }
        Step::Session { has_restic, skew } => {
            let mut machine = inventory();
            machine.restic_version = has_restic.then(|| "0.18.0".into());
            let opening = SessionOpening {
                inventory: machine,
                clock_skew: skew,
                ..opening(seconds)
            };
            tx.open_session(host, &opening).await.unwrap();
            *known_skew = Some(skew);
        }
        Step::Silent => {
            let status = tx.host(host).await.unwrap().unwrap().status.next(HostEvent::FellSilent);
            tx.set_host_status(host, status, at(seconds)).await.unwrap();
        }
        Step::AlwaysOn(always_on) => {
            let version = tx.host(host).await.unwrap().unwrap().version;
            let change = UpdateHost {
                id: host,
                hostname: None,
                tags: None,
                is_always_on: Some(always_on),
                limit_upload_kib_per_s: None,
                limit_download_kib_per_s: None,
                version,
            };
            tx.update_host(&change).await.unwrap();
        }
    }
}

/// The host with its projections computed here, from what the lists say.
async fn recomputed(store: &Store, host: HostView, clock_skew: Option<Duration>) -> HostView {
    let tx = store.read().await.unwrap();
    let query = JobQuery {
        host: Some(host.id),
        kind: None,
        status: None,
        from: None,
        to: None,
        page: first_page(),
    };
    let found = tx.jobs(&query, &page(500, None)).await.unwrap().items;
    let jobs: Vec<&Job> = found.iter().map(|view| &view.job).collect();
    let snapshots = SnapshotQuery {
        host: host.id,
        group: None,
        page: first_page(),
    };
    let last = last_ended(&jobs, |_| true);
    let groups: Vec<SourceGroup> = tx.source_groups(host.id).await.unwrap();
    let mut last_backups: Vec<LastBackup> = Vec::new();
    for group in groups {
        let ended = last_ended(&jobs, |job| job.source_group_id == Some(group.id) && tells(job));
        last_backups.extend(ended.map(|ended| LastBackup {
            group: Some(group.name),
            code: ended.code,
            at: ended.at,
        }));
    }
    let by_hand = last_ended(&jobs, |job| job.source_group_id.is_none() && tells(job));
    last_backups.extend(by_hand.map(|ended| LastBackup {
        group: None,
        code: ended.code,
        at: ended.at,
    }));
    let verdict = judge(&HostFacts {
        status: host.status,
        status_since: host.status_since,
        silence: host.last_seen_at.map(|since| Silence {
            since,
            lasting: host.status_since.since(since),
            limit: host.status_since.since(since),
        }),
        is_always_on: host.is_always_on,
        has_restic: host.last_seen_at.map(|_| host.inventory.restic_version.is_some()),
        repository: host.repo_status,
        last_backups,
        clock_skew,
    });
    HostView {
        last_backup: last,
        running_job_id: longest_running(&jobs),
        snapshot_count: tx.snapshots(&snapshots, &page(1, None)).await.unwrap().total,
        health: verdict.health,
        health_reason: verdict.reason().unwrap_or_default(),
        health_cause: verdict.cause(),
        health_since: verdict.since,
        recent_runs: recent_runs(&jobs),
        last_success_at: last_ended(&jobs, |job| {
            matches!(job.state.result_code(), Some(ResultCode::Ok | ResultCode::Issues))
        })
        .map(|ended| ended.at),
        ..host
    }
}

fn last_ended(jobs: &[&Job], which: impl Fn(&Job) -> bool) -> Option<LastEndedBackup> {
    let last = ended(jobs, which).pop();
    last.map(|(at, _, code)| LastEndedBackup { at, code })
}

/// Whether it says something about the host: one that somebody cancelled does not.
fn tells(job: &Job) -> bool {
    job.state.phase() != Phase::Cancelled
}

fn recent_runs(jobs: &[&Job]) -> RecentRuns {
    RecentRuns::of(ended(jobs, |_| true).into_iter().map(|(_, _, code)| code.into()))
}

/// The backups that have ended, the last one last.
fn ended(jobs: &[&Job], which: impl Fn(&Job) -> bool) -> Vec<(Timestamp, JobId, ResultCode)> {
    let backups = jobs.iter().filter(|job| job.kind == JobKind::Backup && which(job));
    let mut ended: Vec<_> = backups
        .filter_map(|job| Some((job.state.finished_at()?, job.id, job.state.result_code()?)))
        .collect();
    ended.sort_by_key(|(at, id, _)| (*at, *id));
    ended
}

fn longest_running(jobs: &[&Job]) -> Option<JobId> {
    let running = jobs.iter().filter(|job| job.state.status() == Status::Running);
    running
        .min_by_key(|job| (job.state.started_at(), job.id))
        .map(|job| job.id)
}

/// A host with two source groups and no repository yet.
async fn add(store: &Store, number: u128) -> HostId {
    let host = NewHost {
        id: host_id(number),
        ..host(number, &format!("host-{number}"))
    };
    let tx = store.begin().await.unwrap();
    if number == 1 {
        tx.insert_repository(&repository(1, "nas")).await.unwrap();
        tx.insert_repository(&repository(2, "other")).await.unwrap();
    }
    tx.insert_host(&host).await.unwrap();
    for (group, name) in [(1, "default"), (2, "db")] {
        let group = SourceGroup {
            id: own_group(host.id, group),
            ..source_group(0, host.id, name)
        };
        tx.insert_source_group(&group).await.unwrap();
    }
    tx.commit().await.unwrap();
    host.id
}

fn own_group(host: HostId, number: u128) -> SourceGroupId {
    group_id(host.as_uuid().as_u128() * 10 + number)
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![3 => Just(JobKind::Backup), 1 => Just(JobKind::Probe)];
    prop_oneof![
        3 => (kind, proptest::option::of(1..=2_u128)).prop_map(|(kind, group)| Step::NewJob { kind, group }),
        8 => (any::<usize>(), event()).prop_map(|(job, event)| Step::Move { job, event }),
        2 => (0..4_u8, any::<bool>()).prop_map(|(snapshots, last)| Step::List { snapshots, last }),
        1 => (1..=2_u128).prop_map(|repository| Step::Bind { repository }),
        1 => status().prop_map(|status| Step::Repository { status }),
        2 => (any::<bool>(), 0..300_u64)
            .prop_map(|(has_restic, skew)| Step::Session { has_restic, skew: Duration::from_secs(skew) }),
        1 => Just(Step::Silent),
        1 => any::<bool>().prop_map(Step::AlwaysOn),
    ]
}

/// Times repeat and go back, as those of hosts do.
fn event() -> impl Strategy<Value = JobEvent> {
    (0..8_i64).prop_flat_map(|seconds| {
        prop_oneof![
            Just(JobEvent::Sent { at: at(seconds) }),
            Just(JobEvent::Reached(Stage::Accepted { at: at(seconds) })),
            Just(running(seconds)),
            Just(JobEvent::Reached(Stage::Finalizing {
                started_at: at(seconds)
            })),
            Just(succeeded(seconds)),
            Just(failed(seconds, FailureCode::NoSpace)),
            Just(JobEvent::Refused {
                at: at(seconds),
                message: "no".into()
            }),
            Just(JobEvent::Expired { at: at(seconds) }),
            Just(JobEvent::Lost { at: at(seconds) }),
        ]
    })
}

fn status() -> impl Strategy<Value = RepoStatus> {
    proptest::sample::select(vec![
        RepoStatus::Pending,
        RepoStatus::Ready,
        RepoStatus::from_stored("init_failed", "locked").unwrap(),
        RepoStatus::from_stored("error", "unreachable").unwrap(),
    ])
}
