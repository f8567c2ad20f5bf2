//! Whether what the server believes of jobs is true: greetings that list jobs and do not, hosts that fall silent, a server
//! whose memory was set back, cancelling, and events in any order.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::clock::MockClock;
use domain::id::{Id as _, JobId, OutboxIncarnation, RepositoryId};
use domain::job::{JobKind, JobState, JobView, Phase};
use domain::session::{AgentEvent, CommandAck, CommandOutcome, DesiredKind, Ending, Fact, LiveJob, LiveStep, Stamp};
use domain::{Actor, Clock as _, IdSource as _, Role, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use server::clock::{SystemClock, SystemIds};
use support::host::{Connected, Host, end, local_repository};
use support::rest::Client;
use support::{As, TestServer, system};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_agent_does_not_have_is_lost_only_when_all_is_in_that_came_before() {
    let stand = Stand::new().await;
    let first = stand.connected().await;
    let (ends, gone) = (stand.running(&first).await, stand.running(&first).await);
    drop(first);

    // Two events wait in the outbox; one of them is the end of the first job. Neither job is listed.
    let next_seq = stand.next_seq().await;
    let session = stand.host.connect_with(|hello| hello.next_seq = next_seq + 2).await;
    assert_eq!(
        [stand.phase(ends).await, stand.phase(gone).await],
        [Phase::Running, Phase::Running]
    );
    session.report(Fact::JobFinalizing { job: ends }).await;
    assert_eq!(
        [stand.phase(ends).await, stand.phase(gone).await],
        [Phase::Finalizing, Phase::Running]
    );
    session.succeed(ends).await;

    assert_eq!(
        [stand.phase(ends).await, stand.phase(gone).await],
        [Phase::Succeeded, Phase::Lost]
    );
    let shown = stand.show(gone).await;
    assert_eq!(
        (&shown["status"], &shown["result_code"]),
        (&json!("failed"), &json!("lost"))
    );
    assert_eq!(stand.recorded(gone).await, ["job.lost system"]);

    // The host knew better, and it is written down.
    session.succeed(gone).await;
    assert_eq!(stand.phase(gone).await, Phase::Succeeded);
    assert_eq!(stand.recorded(gone).await, ["job.found host", "job.lost system"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_agent_never_had_is_delivered_again_and_not_lost() {
    let stand = Stand::new().await;
    let session = stand.connected().await;
    let job = stand.order().await;
    assert_eq!(session.commands().await.len(), 1);
    assert_eq!(stand.phase(job).await, Phase::Sent);
    drop(session);

    let session = stand.connected().await;

    assert_eq!(stand.phase(job).await, Phase::Sent);
    assert_eq!(session.accept().await, [job]);
    assert_eq!(stand.phase(job).await, Phase::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_listed_is_alive_whatever_was_believed() {
    let stand = Stand::new().await;
    let session = stand.connected().await;
    let running = stand.running(&session).await;
    let sent = stand.order().await;
    assert_eq!(session.commands().await.len(), 1);
    assert_eq!(stand.phase(sent).await, Phase::Sent);
    drop(session);
    drop(stand.connected().await);
    assert_eq!(stand.phase(running).await, Phase::Lost);

    let next_seq = stand.next_seq().await;
    let listed = [live(sent, LiveStep::Preparing), live(running, LiveStep::Running)];
    let session = stand
        .host
        .connect_with(|hello| {
            hello.next_seq = next_seq;
            hello.live = listed.to_vec();
        })
        .await;

    assert_eq!(
        [stand.phase(sent).await, stand.phase(running).await],
        [Phase::Preparing, Phase::Running]
    );
    assert_eq!(stand.recorded(running).await, ["job.found host", "job.lost system"]);
    session.succeed(running).await;
    assert_eq!(stand.phase(running).await, Phase::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_only_its_agent_knows_is_adopted_where_it_stands() {
    let stand = Stand::new().await;
    let next_seq = stand.next_seq().await;
    let unknown = live(stand.id(), LiveStep::Running);

    let session = stand
        .host
        .connect_with(|hello| {
            hello.next_seq = next_seq;
            hello.live = vec![unknown];
        })
        .await;

    let adopted = stand.job(unknown.job).await;
    assert_eq!(
        (adopted.job.state.phase(), adopted.job.kind),
        (Phase::Running, JobKind::Backup)
    );
    assert_eq!(adopted.job.state.started_at(), unknown.started_at);
    assert_eq!(stand.recorded(unknown.job).await, ["job.adopted host"]);
    let shown = stand.show(unknown.job).await;
    assert_eq!(
        (&shown["actor_kind"], &shown["actor_name"], &shown["hostname"]),
        (&json!("host"), &json!("web-01"), &json!("web-01"))
    );
    // What it had said before is missing, and that is said.
    session.log(unknown.job, 7, &["files: 3"]).await;
    session.succeed(unknown.job).await;
    let shown = stand.show(unknown.job).await;
    assert_eq!(
        (&shown["status"], &shown["log_lines"], &shown["log_truncated"]),
        (&json!("succeeded"), &json!("7"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_told_of_once_and_forgotten_here_comes_back_with_its_story() {
    let stand = Stand::new().await;
    let session = stand.connected().await;
    let (job, repository) = (stand.id(), stand.repository().await);

    session
        .report(Fact::JobStarted {
            job,
            work: Some((JobKind::Backup, repository)),
        })
        .await;
    session.succeed(job).await;

    let view = stand.job(job).await;
    assert_eq!(view.job.state.phase(), Phase::Succeeded);
    assert_eq!(view.job.actor, Actor::Host(stand.host.id));
    assert_eq!(stand.recorded(job).await, ["job.adopted host"]);
    // Without knowing what it does there is nothing to take up.
    let nameless = stand.id();
    session
        .report(Fact::JobStarted {
            job: nameless,
            work: None,
        })
        .await;
    assert!(stand.server.app.get_job(&system(), nameless).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_cannot_list_the_job_of_another() {
    let stand = Stand::new().await;
    let _victim = stand.connected().await;
    let job = stand.order().await;
    let attacker = stand.server.enroll("web-02", local_repository("web-02")).await;
    let before = stand.job(job).await;

    let listed = live(job, LiveStep::Finalizing);
    let session = attacker.connect_with(|hello| hello.live = vec![listed]).await;
    session
        .report(Fact::JobStarted {
            job,
            work: Some((JobKind::Backup, stand.repository().await)),
        })
        .await;

    assert_eq!(stand.job(job).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_set_back_counts_on_from_what_the_agent_has_seen() {
    let stand = Stand::new().await;
    let stamp = Stamp {
        version: 70,
        hash: "aa".into(),
    };

    let session = stand
        .host
        .connect_with(|hello| {
            hello.last_epoch = 41;
            hello.applied.set(DesiredKind::Settings, stamp);
        })
        .await;

    assert_eq!(session.session.epoch, 42);
    let job = stand.order().await;
    let commands = session.commands().await;
    assert_eq!(commands.iter().map(|command| command.epoch).collect::<Vec<_>>(), [42]);
    assert_eq!(stand.phase(job).await, Phase::Sent);
    let host = stand.server.app.get_host(&system(), stand.host.id).await.unwrap();
    assert_eq!(
        (host.desired_version, host.applied_version),
        (71, 0),
        "newer than what it holds"
    );
    // A greeting that has seen less does not pull it down again.
    assert_eq!(stand.host.connect().await.session.epoch, 43);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_silent_host_runs_on_unreachable_and_is_given_up_after_long() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let stand = Stand::with(clock.clone()).await;
    let started_at = clock.now();
    let session = stand.connected().await;
    let (waits, job) = (stand.order_waiting(&session).await, stand.running(&session).await);
    assert_eq!(stand.show(job).await["unreachable"], false);
    let next_seq = stand.next_seq().await;
    drop(session);

    clock.advance(Duration::from_mins(2));
    assert_eq!(stand.server.app.sweep_silent_hosts(started_at).await.unwrap(), 1);
    let shown = stand.show(job).await;
    assert_eq!(
        (&shown["status"], &shown["unreachable"]),
        (&json!("running"), &json!(true))
    );
    assert_eq!(stand.server.app.give_up_silent_jobs(started_at).await.unwrap(), 0);

    clock.advance(Duration::from_hours(25));
    // A server that has just started gives nothing up before the host had time to come back.
    assert_eq!(stand.server.app.give_up_silent_jobs(clock.now()).await.unwrap(), 0);
    assert_eq!(stand.phase(job).await, Phase::Running);
    assert_eq!(stand.server.app.give_up_silent_jobs(started_at).await.unwrap(), 2);

    assert_eq!(
        [stand.phase(job).await, stand.phase(waits).await],
        [Phase::Lost, Phase::Lost]
    );
    let shown = stand.show(job).await;
    assert_eq!(
        (&shown["result_code"], &shown["unreachable"]),
        (&json!("lost"), &json!(false))
    );
    assert_eq!(stand.recorded(job).await, ["job.lost system"]);
    assert_eq!(stand.server.app.give_up_silent_jobs(started_at).await.unwrap(), 0);

    // It was only away, and the job has ended meanwhile.
    let session = stand.host.connect_with(|hello| hello.next_seq = next_seq + 1).await;
    session.succeed(job).await;
    assert_eq!(stand.phase(job).await, Phase::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_host_that_is_there_is_never_given_up_for_its_length() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let stand = Stand::with(clock.clone()).await;
    let started_at = clock.now();
    let session = stand.connected().await;
    let job = stand.running(&session).await;

    clock.advance(Duration::from_hours(24 * 9));

    assert_eq!(stand.server.app.give_up_silent_jobs(started_at).await.unwrap(), 0);
    assert_eq!(stand.phase(job).await, Phase::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_cancelled_in_every_phase_but_the_last() {
    let stand = Stand::new().await;
    let client = stand.client().await;
    let cancel = async |job: JobId| client.post(&format!("/api/jobs/{job}/cancel"), json!({})).await;
    let session = stand.connected().await;

    let queued = stand.order().await;
    assert_eq!(cancel(queued).await.ok()["status"], "cancelled");
    let sent = stand.order().await;
    let run = session.commands().await.remove(0);
    assert_eq!(stand.phase(sent).await, Phase::Sent);
    assert_eq!(cancel(sent).await.ok()["status"], "cancelled");
    // The acceptance was under way: the host has it, and is told to end it.
    let ack = CommandAck {
        command: run.id,
        outcome: CommandOutcome::Accepted,
    };
    stand.server.app.settle_command(&session.session, ack).await.unwrap();
    let shown = stand.show(sent).await;
    assert_eq!(
        (&shown["phase"], &shown["cancel_requested"]),
        (&json!("accepted"), &json!(true))
    );
    assert_eq!(session.commands().await.len(), 1, "a wish to end it");
    session.end(sent, end(Ending::Cancelled)).await;
    assert_cancelled_by_a_user(&stand.job(sent).await.job.state);

    for (phase, facts) in [
        (Phase::Accepted, 0),
        (Phase::Preparing, 1),
        (Phase::Running, 2),
        (Phase::Finalizing, 3),
    ] {
        let job = stand.order().await;
        assert_eq!(session.accept().await, [job]);
        for fact in &story(job)[..facts] {
            session.report(fact.clone()).await;
        }
        assert_eq!(stand.phase(job).await, phase);

        let asked = cancel(job).await.ok();
        assert_eq!(
            (&asked["phase"], &asked["cancel_requested"]),
            (&json!(phase.as_str()), &json!(true))
        );
        assert_eq!(
            cancel(job).await.ok()["cancel_requested"],
            true,
            "asking again is harmless"
        );
        assert_eq!(
            session.commands().await.len(),
            1,
            "{phase}: one wish, however often it is uttered"
        );

        // Behind its result a job ends well in spite of the wish: its snapshot exists.
        if phase == Phase::Finalizing {
            session.succeed(job).await;
        } else {
            session.end(job, end(Ending::Cancelled)).await;
        }
        let ended = stand.show(job).await;
        let status = if phase == Phase::Finalizing {
            "succeeded"
        } else {
            "cancelled"
        };
        assert_eq!(
            (&ended["status"], &ended["cancel_requested"]),
            (&json!(status), &json!(false)),
            "{phase}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_has_ended_in_whatever_way_cannot_be_cancelled() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let stand = Stand::with(clock.clone()).await;
    let session = stand.connected().await;
    let mut ended = Vec::new();
    for ending in [
        Ending::Succeeded,
        Ending::Warning,
        Ending::Failed,
        Ending::Cancelled,
        Ending::TimedOut,
        Ending::Interrupted,
    ] {
        let job = stand.running(&session).await;
        session.end(job, end(ending)).await;
        ended.push(job);
    }
    let refused = stand.order().await;
    let run = session.commands().await.remove(0);
    let ack = CommandAck {
        command: run.id,
        outcome: CommandOutcome::Refused {
            reason: "queue_full".into(),
        },
    };
    stand.server.app.settle_command(&session.session, ack).await.unwrap();
    let lost = stand.running(&session).await;
    drop(session);
    drop(stand.connected().await);
    let expired = stand.order().await;
    clock.advance(Duration::from_mins(16));
    stand.server.app.expire_commands().await.unwrap();
    ended.extend([refused, lost, expired]);
    let client = stand.client().await;

    let mut phases = Vec::new();
    for job in ended {
        let before = stand.job(job).await;
        phases.push(before.job.state.phase());
        let answer = client.post(&format!("/api/jobs/{job}/cancel"), json!({})).await;

        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].clone()),
            (409, json!("job_already_finished")),
            "{}",
            before.job.state.phase()
        );
        assert_eq!(stand.job(job).await, before);
    }
    let terminal: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| phase.is_terminal()).collect();
    phases.sort_unstable();
    assert_eq!(phases, terminal, "every way to end was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_cancel_waits_for_a_host_that_is_offline() {
    let stand = Stand::new().await;
    let session = stand.connected().await;
    let job = stand.running(&session).await;
    let next_seq = stand.next_seq().await;
    drop(session);
    let client = stand.client().await;

    let asked = client.post(&format!("/api/jobs/{job}/cancel"), json!({})).await.ok();

    assert_eq!(
        (&asked["status"], &asked["cancel_requested"]),
        (&json!("running"), &json!(true))
    );
    let live = live(job, LiveStep::Running);
    let session = stand
        .host
        .connect_with(|hello| {
            hello.next_seq = next_seq;
            hello.live = vec![live];
        })
        .await;
    let commands = session.commands().await;
    assert!(
        matches!(&commands[..], [only] if only.instruction == domain::session::Instruction::Cancel { job }),
        "{commands:?}"
    );
    session.end(job, end(Ending::Cancelled)).await;
    assert_cancelled_by_a_user(&stand.job(job).await.job.state);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_cancel_outlives_that_the_job_was_thought_lost() {
    let stand = Stand::new().await;
    let session = stand.connected().await;
    let job = stand.running(&session).await;
    drop(session);
    let client = stand.client().await;
    client.post(&format!("/api/jobs/{job}/cancel"), json!({})).await.ok();
    drop(stand.connected().await);
    assert_eq!(stand.phase(job).await, Phase::Lost);

    let live = live(job, LiveStep::Running);
    let session = stand.host.connect_with(|hello| hello.live = vec![live]).await;

    assert_eq!(stand.show(job).await["cancel_requested"], true);
    let commands = session.commands().await;
    assert!(
        matches!(&commands[..], [only] if only.instruction == domain::session::Instruction::Cancel { job }),
        "{commands:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_makes_up_jobs_without_end_is_not_believed_for_ever() {
    let stand = Stand::new().await;
    let session = stand.connected().await;
    let repository = stand.repository().await;
    let told = |job| Fact::JobStarted {
        job,
        work: Some((JobKind::Snapshots, repository)),
    };
    let first = session.next_seq();
    let made_up: Vec<JobId> = (0..1_000).map(|_| stand.id()).collect();
    let events: Vec<AgentEvent> = (first..)
        .zip(&made_up)
        .map(|(seq, job)| AgentEvent {
            seq,
            occurred_at: None,
            fact: told(*job),
        })
        .collect();

    stand.server.app.ingest(&session.session, events).await.unwrap();

    assert!(stand.server.app.get_job(&system(), made_up[0]).await.is_ok());
    assert!(stand.server.app.get_job(&system(), made_up[999]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_waited_for_another_to_make_the_repository_is_looked_at_by_the_task() {
    let stand = Stand::new().await;
    let repository = stand.repository().await;
    let second = stand
        .server
        .enroll("web-02", domain::enrollment::WantedRepository::Known(repository))
        .await;
    let session = second.connect().await;
    let first = session.accept().await;
    assert_eq!(
        first.len(),
        1,
        "the repository is known to be made, so it is probed when the session opens"
    );

    assert_eq!(
        stand.server.app.order_first_jobs().await.unwrap(),
        0,
        "repeating it is harmless"
    );
}

/// What becomes of a job does not depend on the order in which its reports come, on how they are cut, or on how often
/// they come: through the database, with the cursor.
#[test]
fn any_order_and_repetition_of_reports_ends_in_the_same_state() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stand = runtime.block_on(Stand::new());
    let endings = prop::sample::select(vec![
        Ending::Succeeded,
        Ending::Warning,
        Ending::Failed,
        Ending::Cancelled,
        Ending::TimedOut,
        Ending::Interrupted,
    ]);
    // Which reports come in which order, some of them twice; and which pieces of that are sent in which order.
    let order = prop::collection::vec(0_usize..4, 4..10);
    let pieces = prop::collection::vec((0_usize..12, 1_usize..6), 0..10);
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });

    let result = runner.run(&(endings, order, pieces), |(ending, order, pieces)| {
        runtime.block_on(async {
            let mut reports: Vec<usize> = order;
            // Each at least once.
            reports.extend(0..4);
            let states = [
                stand.play(ending, &[0, 1, 2, 3], &[]).await,
                stand.play(ending, &reports, &pieces).await,
            ];
            prop_assert_eq!(&states[0], &states[1], "{:?} {:?} {:?}", ending, reports, pieces);
            Ok(())
        })
    });

    result.unwrap();
}

/// A server with one enrolled host whose repository is made.
struct Stand {
    server: TestServer,
    host: Host,
    ids: SystemIds,
}

impl Stand {
    async fn new() -> Self {
        Self::with(Arc::new(SystemClock)).await
    }

    async fn with(clock: Arc<dyn domain::Clock>) -> Self {
        let server = TestServer::start_with(&[], clock).await;
        let host = server.enroll("web-01", local_repository("web-01")).await;
        host.connect().await.make_repository().await;
        Self {
            server,
            host,
            ids: SystemIds::new(Arc::new(SystemClock)),
        }
    }

    /// The number that the next event of the host bears.
    async fn next_seq(&self) -> u64 {
        // A greeting that claims nothing: all that it might have to tell is still to come.
        self.host
            .connect_with(|hello| hello.next_seq = u64::MAX)
            .await
            .next_seq()
    }

    /// A session of a host that has told everything and has no jobs.
    async fn connected(&self) -> Connected {
        let next_seq = self.next_seq().await;
        self.host.connect_with(|hello| hello.next_seq = next_seq).await
    }

    /// Orders a backup.
    async fn order(&self) -> JobId {
        // Another path each time, or it would be the one that waits.
        let body = json!({"kind": "backup", "args": [format!("/srv/{}", self.id())]});
        let path = format!("/api/hosts/{}/jobs", self.host.id);
        let ordered = self.client().await.post(&path, body).await.ok();
        ordered["id"].as_str().unwrap().parse().unwrap()
    }

    /// Orders a backup that the host accepts.
    async fn order_waiting(&self, session: &Connected) -> JobId {
        let job = self.order().await;
        assert_eq!(session.accept().await, [job]);
        job
    }

    /// Orders a backup that runs.
    async fn running(&self, session: &Connected) -> JobId {
        let job = self.order_waiting(session).await;
        session.begin(job).await;
        job
    }

    /// Tells the story of a backup in reports of this order, sent in these pieces and then from where the server stands.
    /// How it ends, without what tells jobs apart.
    async fn play(&self, ending: Ending, order: &[usize], pieces: &[(usize, usize)]) -> JobState {
        let job = self.order().await;
        let outbox = OutboxIncarnation::from_uuid(self.ids.next_uuid());
        let session = self
            .host
            .connect_with(|hello| {
                hello.outbox = outbox;
                hello.next_seq = u64::MAX;
            })
            .await;
        session.accept().await;
        let facts = ended_story(job, ending);
        let events: Vec<AgentEvent> = (1..)
            .zip(order)
            .map(|(seq, which)| AgentEvent {
                seq,
                occurred_at: Some(moment(*which)),
                fact: facts[*which].clone(),
            })
            .collect();
        for (from, length) in pieces {
            let from = from % events.len();
            let piece = events[from..events.len().min(from + length)].to_vec();
            self.server.app.ingest(&session.session, piece).await.unwrap();
        }
        self.server.app.ingest(&session.session, events.clone()).await.unwrap();
        self.server.app.ingest(&session.session, events).await.unwrap();
        self.job(job).await.job.state
    }

    fn id(&self) -> JobId {
        JobId::generate(&self.ids)
    }

    async fn repository(&self) -> RepositoryId {
        let host = self.server.app.get_host(&system(), self.host.id).await.unwrap();
        host.repository_id.unwrap()
    }

    async fn job(&self, job: JobId) -> JobView {
        self.server.app.get_job(&system(), job).await.unwrap().0
    }

    async fn phase(&self, job: JobId) -> Phase {
        self.job(job).await.job.state.phase()
    }

    async fn client(&self) -> Client {
        self.server.rest(As::User(Role::Operator)).await
    }

    async fn show(&self, job: JobId) -> Value {
        self.client().await.get(&format!("/api/jobs/{job}")).await.ok()
    }

    /// What the audit log says about a job beside its order, newest first.
    async fn recorded(&self, job: JobId) -> Vec<String> {
        let admin = self.server.rest(As::User(Role::Admin)).await;
        let lines = admin.get(&format!("/api/audit?target={job}")).await.ok();
        let lines = lines.as_array().unwrap().iter();
        let told = lines.map(|line| {
            format!(
                "{} {}",
                line["action"].as_str().unwrap(),
                line["actor_kind"].as_str().unwrap()
            )
        });
        told.filter(|line| !line.starts_with("job.run_now")).collect()
    }
}

/// What a host reports of a backup before its end.
fn story(job: JobId) -> [Fact; 3] {
    [
        Fact::JobStarted { job, work: None },
        Fact::JobRunning { job },
        Fact::JobFinalizing { job },
    ]
}

fn ended_story(job: JobId, ending: Ending) -> Vec<Fact> {
    let end = domain::session::JobEnd {
        started_at: Some(moment(0)),
        ..end(ending)
    };
    let finished = Fact::JobFinished {
        job,
        end: Box::new(end),
    };
    story(job).into_iter().chain([finished]).collect()
}

/// When the report of this place in the story was made.
fn moment(place: usize) -> Timestamp {
    Timestamp::from_seconds(1_777_593_600 + i64::try_from(place).unwrap(), 0).unwrap()
}

/// The agent has said so.
#[track_caller]
fn assert_cancelled_by_a_user(state: &JobState) {
    assert!(
        matches!(
            state,
            JobState::Cancelled {
                by: Actor::User(_),
                confirmed: true,
                ..
            }
        ),
        "{state:?}"
    );
}

/// How the host lists a job.
fn live(job: JobId, step: LiveStep) -> LiveJob {
    LiveJob {
        job,
        kind: JobKind::Backup,
        repository: RepositoryId::from_uuid(Uuid::from_u128(7)),
        step,
        started_at: Some(moment(0)),
    }
}
