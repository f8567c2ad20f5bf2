//! Values for cases. Ids are told apart by small numbers, names by short words.

use std::time::Duration;

use domain::health::Health;
use domain::host::{HostStatus, Inventory};
use domain::id::{
    CommandId, HostId, IdempotencyKey, JobId, LoginSessionId, RepositoryId, RequestId, SourceGroupId, UserId,
};
use domain::job::{
    BackupSummary, FailureCause, FailureCode, Job, JobEvent, JobKind, JobState, Mode, Outcome, Stage, Summary, next,
};
use domain::name::Tags;
use domain::path::BackupPaths;
use domain::repository::RepoStatus;
use domain::session::{Applied, LogChunk, SnapshotPart};
use domain::snapshot::Snapshot;
use domain::{Actor, ByteSize, Role, SnapshotId, Timestamp};
use uuid::Uuid;

use crate::secrets::Sealed;
use crate::store::{
    Claim, CommandKind, CommandState, LoginSession, NewHost, PageRequest, Repository, SessionOpening, SourceGroup,
    Store, StoredCommand, Tx, User,
};

/// A moment in May 2026, some seconds after midnight.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_777_593_600 + seconds, 0).unwrap()
}

pub(super) fn id<T>(from: fn(Uuid) -> T, number: u128) -> T {
    from(Uuid::from_u128(number))
}

pub(super) fn host_id(number: u128) -> HostId {
    id(HostId::from_uuid, number)
}

pub(super) fn job_id(number: u128) -> JobId {
    id(JobId::from_uuid, number)
}

pub(super) fn repository_id(number: u128) -> RepositoryId {
    id(RepositoryId::from_uuid, number)
}

pub(super) fn group_id(number: u128) -> SourceGroupId {
    id(SourceGroupId::from_uuid, number)
}

pub(super) fn command_id(number: u128) -> CommandId {
    id(CommandId::from_uuid, number)
}

pub(super) fn snapshot_id(number: u8) -> SnapshotId {
    format!("{number:02x}").repeat(32).parse().unwrap()
}

/// A request under a key.
pub(super) fn claim(user: UserId, key: u128, request: u128) -> Claim {
    Claim {
        user,
        key: id(IdempotencyKey::from_uuid, key),
        request: id(RequestId::from_uuid, request),
        asked: Sealed::from_bytes(vec![1]),
    }
}

/// The first items of a list, or those behind a cursor.
pub(super) fn page<C>(size: u32, after: Option<C>) -> PageRequest<C> {
    PageRequest { size, after }
}

pub(super) fn tags(texts: &[&str]) -> Tags {
    Tags::parse(texts).unwrap()
}

pub(super) fn paths(texts: &[&str]) -> BackupPaths {
    BackupPaths::parse(texts).unwrap()
}

pub(super) fn user(number: u128, name: &str) -> User {
    User {
        id: id(UserId::from_uuid, number),
        name: name.parse().unwrap(),
        role: Role::Operator,
        password_hash: format!("$argon2id$of-{name}"),
        enabled: true,
        created_at: at(0),
    }
}

pub(super) fn login_session(number: u128, of: &User) -> LoginSession {
    LoginSession {
        id: id(LoginSessionId::from_uuid, number),
        user_id: of.id,
        created_at: at(10),
        expires_at: at(1_000),
    }
}

pub(super) fn inventory() -> Inventory {
    Inventory {
        hostname: "machine".into(),
        os: "linux".into(),
        arch: "x86_64".into(),
        agent_version: "0.1.0".into(),
        restic_version: Some("0.18.0".into()),
        memory: ByteSize::from_mib(512),
        ..Inventory::default()
    }
}

pub(super) fn host(number: u128, name: &str) -> NewHost {
    NewHost {
        id: host_id(number),
        hostname: name.parse().unwrap(),
        restic_host: name.parse().unwrap(),
        tags: tags(&["linux", "env:prod"]),
        is_always_on: true,
        inventory: inventory(),
        enrolled_at: at(0),
    }
}

pub(super) fn opening(seconds: i64) -> SessionOpening {
    SessionOpening {
        status: HostStatus::Online,
        at: at(seconds),
        boot_id: "boot-1".into(),
        protocol_version: 1,
        clock_skew: Duration::from_millis(250),
        inventory: inventory(),
        applied: Applied::default(),
        last_epoch: 0,
    }
}

pub(super) fn repository(number: u128, name: &str) -> Repository {
    Repository {
        id: repository_id(number),
        name: name.parse().unwrap(),
        url: format!("rest:https://backup.example.org/{number}").parse().unwrap(),
        username: Some("web".parse().unwrap()),
        restic_id: None,
        created_at: at(0),
        version: 1,
    }
}

pub(super) fn source_group(number: u128, host: HostId, name: &str) -> SourceGroup {
    SourceGroup {
        id: group_id(number),
        host_id: host,
        name: name.parse().unwrap(),
        paths: paths(&["/etc", "/home"]),
        created_at: at(0),
    }
}

/// A queued backup of named paths.
pub(super) fn job(number: u128, host: HostId) -> Job {
    Job {
        id: job_id(number),
        host_id: host,
        repository_id: repository_id(1),
        kind: JobKind::Backup,
        mode: Mode::Usual,
        source_group_id: None,
        paths: Some(paths(&["/etc"])),
        actor: Actor::User(id(UserId::from_uuid, 1)),
        attempt: 1,
        created_at: at(0),
        cancel_requested: None,
        state: JobState::Queued,
        version: 1,
    }
}

pub(super) fn command(number: u128, job: &Job) -> StoredCommand {
    StoredCommand {
        id: command_id(number),
        host_id: job.host_id,
        job_id: job.id,
        kind: CommandKind::Run,
        state: CommandState::Queued,
        created_at: at(0),
        expires_at: at(900),
    }
}

pub(super) fn running(seconds: i64) -> JobEvent {
    JobEvent::Reached(Stage::Running {
        started_at: at(seconds),
    })
}

pub(super) fn succeeded(seconds: i64) -> JobEvent {
    let summary = Summary::Backup(BackupSummary {
        snapshot: Some(snapshot_id(1)),
        ..BackupSummary::default()
    });
    JobEvent::Finished {
        at: at(seconds),
        outcome: Outcome::Succeeded {
            started_at: at(0),
            summary,
        },
    }
}

pub(super) fn failed(seconds: i64, code: FailureCode) -> JobEvent {
    let cause = FailureCause {
        code,
        exit_code: Some(1),
        message: "no".into(),
    };
    JobEvent::Finished {
        at: at(seconds),
        outcome: Outcome::Failed {
            started_at: None,
            cause,
        },
    }
}

pub(super) fn snapshot(number: u8, seconds: i64, tags: &[&str]) -> Snapshot {
    Snapshot {
        id: snapshot_id(number),
        time: at(seconds),
        restic_host: "web-01".into(),
        paths: vec!["/etc".into(), "/o\"dd".into()],
        tags: tags.iter().map(|tag| (*tag).into()).collect(),
        size: Some(ByteSize::from_mib(7)),
        file_count: Some(3),
        program_version: Some("restic 0.18.0".into()),
    }
}

/// A part of the list that the job of this number made.
pub(super) fn part(job: u128, number: u32, last: bool, snapshots: Vec<Snapshot>) -> SnapshotPart {
    SnapshotPart {
        job: job_id(job),
        repository: repository_id(1),
        part: number,
        last,
        snapshots,
    }
}

/// Lines of a log; the bytes stand for the compressed text.
pub(super) fn chunk(job: u128, first_line: u64, line_count: u32) -> LogChunk {
    LogChunk {
        job: job_id(job),
        first_line,
        line_count,
        text_bytes: u64::from(line_count) * 10,
        follows_line: None,
        lines_zstd: format!("{first_line}+{line_count}").into_bytes(),
    }
}

/// Commits users.
pub(super) async fn add_users(store: &Store, users: &[&User]) {
    let tx = store.begin().await.unwrap();
    for user in users {
        tx.insert_user(user).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Commits the host `web-01` (1) that was online once, with the source group `default` (1) and the repository `nas` (1),
/// which is ready.
pub(super) async fn add_host(store: &Store) -> HostId {
    let host = host(1, "web-01");
    let tx = store.begin().await.unwrap();
    tx.insert_host(&host).await.unwrap();
    tx.insert_source_group(&source_group(1, host.id, "default"))
        .await
        .unwrap();
    tx.insert_repository(&repository(1, "nas")).await.unwrap();
    tx.bind_repository(host.id, repository_id(1), RepoStatus::Ready)
        .await
        .unwrap();
    tx.open_session(host.id, &opening(10)).await.unwrap();
    tx.commit().await.unwrap();
    host.id
}

/// Adds a job and returns it.
pub(super) async fn add_job(tx: &Tx, job: Job) -> Job {
    tx.insert_job(&job, &"anna".into()).await.unwrap();
    job
}

/// Moves a job as the domain says.
pub(super) async fn move_job(tx: &Tx, job: &mut Job, event: JobEvent) {
    job.state = next(job.state.clone(), event).unwrap();
    tx.update_job(job).await.unwrap();
}

/// The host's verdict.
pub(super) async fn health(store: &Store, host: HostId) -> Health {
    store.read().await.unwrap().host(host).await.unwrap().unwrap().health
}
