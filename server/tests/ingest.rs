//! What many agents deliver at the same time is written together, told to nobody before it is committed, and one batch
//! that cannot be written harms nobody but its own session.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::id::JobId;
use domain::job::Phase;
use domain::session::{AgentEvent, Fact};
use domain::{ErrorCode, Role};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend};
use serde_json::json;
use server::app::{Error, IngestFigures};
use server::clock::SystemClock;
use server::sessions::Ingested;
use support::host::Connected;
use support::{As, TestServer, postgres, system, until};
use tokio::task::JoinHandle;
use tokio::time::Instant;

const HOSTS: usize = 16;

type Delivery = JoinHandle<Result<Ingested, Error>>;

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_wait_at_the_same_time_share_a_commit() {
    share_a_commit(Stand::on_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_wait_at_the_same_time_share_a_commit_on_postgres_too() {
    let Some(stand) = Stand::on_postgres().await else {
        return;
    };
    share_a_commit(stand).await;
}

async fn share_a_commit(stand: Stand) {
    let (before, held) = (stand.figures(), stand.hold().await);

    let deliveries = stand.deliver_all().await;

    // Everything has been sent, nothing is committed, so nobody has been told.
    assert!(deliveries.iter().all(|delivery| !delivery.is_finished()));
    assert_eq!(stand.phases().await, vec![Phase::Accepted; HOSTS]);
    held.let_go("").await;
    for delivery in deliveries {
        assert!(matches!(delivery.await.unwrap().unwrap(), Ingested::Through(_)));
    }
    let now = stand.figures();
    assert_eq!(stand.phases().await, vec![Phase::Running; HOSTS]);
    assert_eq!(
        (
            now.batches - before.batches,
            now.events - before.events,
            now.given_up,
            now.waiting
        ),
        (HOSTS as u64, 2 * HOSTS as u64, 0, 0)
    );
    // The first of each writer may have been on its way before the others came.
    let most = 2 * stand.writers;
    let commits = now.commits - before.commits;
    assert!(commits <= most, "{commits} commits, at most {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_wait_while_the_database_takes_no_writes_are_all_refused_at_once() {
    let stand = Stand::on_sqlite().await;
    let held = stand.hold().await;
    let begun = Instant::now();

    let deliveries = stand.deliver_all().await;
    for delivery in deliveries {
        let refused = delivery.await.unwrap().unwrap_err();
        assert_eq!(refused.passing(), Some(ErrorCode::Unavailable), "{refused}");
    }
    let waited = begun.elapsed();
    let phases = stand.phases().await;
    held.let_go("").await;

    // The first one waits for the lock and speaks for all: one after the other they would wait for more than a minute.
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    assert_eq!(phases, vec![Phase::Accepted; HOSTS]);
    for (host, job) in &stand.hosts {
        host.begin(*job).await;
    }
    assert_eq!(stand.phases().await, vec![Phase::Running; HOSTS]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_written_harms_only_its_own_session() {
    let stand = Stand::on_sqlite().await;

    let given_up = harm_only_its_own_session(&stand).await;

    assert_eq!(given_up, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_written_harms_only_its_own_session_on_postgres_too() {
    let Some(stand) = Stand::on_postgres().await else {
        return;
    };

    // Whether anything shared the transaction with it depends on who came first.
    harm_only_its_own_session(&stand).await;
}

/// How many transactions were given up.
async fn harm_only_its_own_session(stand: &Stand) -> u64 {
    let (before, held) = (stand.figures(), stand.hold().await);
    let mut deliveries = stand.deliver_all().await;
    let spoilt = stand.hosts.last().unwrap().1;

    held.let_go(&format!(
        "UPDATE jobs SET phase = 'bogus' WHERE id = {}",
        stand.literal(spoilt)
    ))
    .await;

    let refused = deliveries.pop().unwrap().await.unwrap();
    assert!(matches!(refused, Err(Error::Store(_))), "{refused:?}");
    for delivery in deliveries {
        assert!(matches!(delivery.await.unwrap().unwrap(), Ingested::Through(_)));
    }
    for (_, job) in &stand.hosts[..HOSTS - 1] {
        assert_eq!(stand.phase(*job).await, Phase::Running);
    }
    let now = stand.figures();
    assert_eq!(now.batches - before.batches, HOSTS as u64 - 1);
    now.given_up - before.given_up
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_takes_back_what_had_no_turn_yet() {
    let stand = Stand::on_sqlite().await;
    let held = stand.hold().await;
    let mut deliveries = stand.deliver_all().await;

    let taken_back = deliveries.pop().unwrap();
    taken_back.abort();
    assert!(taken_back.await.unwrap_err().is_cancelled());
    held.let_go("").await;

    for delivery in deliveries {
        delivery.await.unwrap().unwrap();
    }
    let (host, job) = stand.hosts.last().unwrap();
    assert_eq!(stand.phase(*job).await, Phase::Accepted);
    // It is sent again, and nothing is missing.
    host.begin(*job).await;
    assert_eq!(stand.phase(*job).await, Phase::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_and_events_share_commits_and_admins_see_how_many() {
    let stand = Stand::on_sqlite().await;
    let (before, held) = (stand.figures(), stand.hold().await);
    let (loud, told) = stand.hosts.split_at(HOSTS / 2);
    let mut deliveries = Vec::new();
    for (host, job) in loud {
        let (host, job) = (Arc::clone(host), *job);
        deliveries.push(tokio::spawn(async move { host.log(job, 1, &["one", "two"]).await }));
    }
    for (host, job) in told {
        let (host, job) = (Arc::clone(host), *job);
        deliveries.push(tokio::spawn(async move { host.begin(job).await }));
    }
    stand.until_waiting(HOSTS as u64).await;

    held.let_go("").await;
    for delivery in deliveries {
        delivery.await.unwrap();
    }

    for (_, job) in loud {
        let log = stand.server.app.get_job(&system(), *job).await.unwrap().0.log;
        assert_eq!(log.lines, 2);
    }
    let admin = stand.server.rest(As::User(Role::Admin)).await;
    let shown = admin.get("/api/system/ingest").await.ok();
    let number = |name: &str| shown[name].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(number("log_chunks") - before.log_chunks, HOSTS as u64 / 2);
    assert_eq!(number("events") - before.events, HOSTS as u64);
    // The jobs that began told so in two batches each, the second after the answer to the first.
    assert_eq!(number("batches") - before.batches, HOSTS as u64 / 2 * 3);
    assert!(number("commits") - before.commits < HOSTS as u64 / 2 * 3, "{shown}");
}

/// A server with hosts that each have accepted a backup, and another way into its database.
struct Stand {
    server: TestServer,
    hosts: Vec<(Arc<Connected>, JobId)>,
    database: DatabaseConnection,
    /// How many transactions the server writes side by side.
    writers: u64,
}

/// Keeps the server from writing.
struct Held<'a>(&'a DatabaseConnection);

impl Stand {
    async fn on_sqlite() -> Self {
        let server = TestServer::start().await;
        let file = server.data_dir().join("restic-manager.db");
        let url = format!("sqlite://{}", file.display());
        Self::of(server, url, 1).await
    }

    async fn on_postgres() -> Option<Self> {
        let url = postgres::new_database().await?;
        let server = TestServer::start_with(&[("RM_DATABASE_URL", &url)], Arc::new(SystemClock)).await;
        Some(Self::of(server, url, 4).await)
    }

    async fn of(server: TestServer, url: String, writers: u64) -> Self {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1);
        let database = Database::connect(options).await.unwrap();
        let operator = server.rest(As::User(Role::Operator)).await;
        let mut hosts = Vec::new();
        for number in 0..HOSTS {
            let host = server.ready_host(&format!("web-{number:02}")).await;
            let body = json!({"kind": "backup", "args": ["/etc"]});
            operator.post(&format!("/api/hosts/{}/jobs", host.id), body).await.ok();
            let job = host.accept().await.remove(0);
            hosts.push((Arc::new(host), job));
        }
        Self {
            server,
            hosts,
            database,
            writers,
        }
    }

    /// Keeps the server from writing what agents deliver.
    async fn hold(&self) -> Held<'_> {
        let begin: &[&str] = if self.is_postgres() {
            &["BEGIN", "LOCK TABLE agent_cursors IN ACCESS EXCLUSIVE MODE"]
        } else {
            &["BEGIN IMMEDIATE"]
        };
        for statement in begin {
            self.database.execute_unprepared(statement).await.unwrap();
        }
        Held(&self.database)
    }

    /// Each host tells in one batch that its job runs. Returns when all of them wait.
    async fn deliver_all(&self) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for (number, (host, job)) in (1..).zip(&self.hosts) {
            let (app, host, job) = (self.server.app.clone(), Arc::clone(host), *job);
            let facts = [Fact::JobStarted { job, work: None }, Fact::JobRunning { job }];
            let events = (host.next_seq()..).zip(facts).map(|(seq, fact)| AgentEvent {
                seq,
                occurred_at: None,
                fact,
            });
            let events: Vec<AgentEvent> = events.collect();
            deliveries.push(tokio::spawn(async move { app.ingest(&host.session, events).await }));
            // One after the other, so that the first one is not the one that fails.
            self.until_waiting(number).await;
        }
        deliveries
    }

    async fn until_waiting(&self, count: u64) {
        until(async || self.figures().waiting == count).await;
    }

    fn figures(&self) -> IngestFigures {
        self.server.app.ingest_figures()
    }

    async fn phase(&self, job: JobId) -> Phase {
        self.server
            .app
            .get_job(&system(), job)
            .await
            .unwrap()
            .0
            .job
            .state
            .phase()
    }

    async fn phases(&self) -> Vec<Phase> {
        let mut phases = Vec::new();
        for (_, job) in &self.hosts {
            phases.push(self.phase(*job).await);
        }
        phases
    }

    /// An id as the database's own statements write it.
    fn literal(&self, job: JobId) -> String {
        let id = job.as_uuid();
        if self.is_postgres() {
            format!("'{id}'")
        } else {
            format!("x'{}'", id.simple())
        }
    }

    fn is_postgres(&self) -> bool {
        self.database.get_database_backend() == DbBackend::Postgres
    }
}

impl Held<'_> {
    /// Lets the server write, after a statement of the test's own if there is one.
    async fn let_go(self, statement: &str) {
        if !statement.is_empty() {
            self.0.execute_unprepared(statement).await.unwrap();
        }
        self.0.execute_unprepared("COMMIT").await.unwrap();
    }
}
