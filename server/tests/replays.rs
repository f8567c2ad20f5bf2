//! A backup as its agent tells of it, message by message over a real connection, in which each message in turn is the last
//! one before the link breaks, is lost, comes twice or changes places with the next. What the server knows at the end is the
//! same.
//!
//! The other side of this is in the agent: `agent/tests/cuts.rs` and the core's `delivery_tests.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;

use domain::Role;
use domain::id::JobId;
use domain::job::{RunJob, Sources, Work};
use domain::path::BackupPaths;
use proto::agent::v1;
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::command::Command as Order;
use proto::agent::v1::event::Event;
use proto::agent::v1::server_message::Body as Down;
use proto::agent::v1::{CommandOutcome, JobOutcome, JobPhase};
use proto::convert::to_timestamp;
use serde_json::{Value, json};
use support::agent::{Agent, Wire, log_chunk, moment};
use support::host::{RESTIC_ID, local_repository};
use support::rest::Client;
use support::{As, TestServer};
use tokio::task::JoinSet;

/// The number of the first event; those before it made the repository.
const FIRST_SEQ: u64 = 4;
const LINES: u64 = 5;
/// Where a job stands that no phase is left for.
const ENDED: JobPhase = JobPhase::Unspecified;
/// Which messages of the story are events.
const EVENTS: [usize; 6] = [1, 3, 7, 8, 9, 10];
/// No play needs more than what was disturbed, what makes up for it, and one that sees that all is in.
const SESSIONS: usize = 3;

/// What happens to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The link breaks before it arrives.
    CutBefore,
    /// The link breaks when it has taken effect. Its answer is lost.
    CutAfter,
    /// It is left out and the link stands, which no network does.
    Lost,
    Doubled,
    /// It changes places with the next one.
    Swapped,
}

/// What the server knows at the end.
#[derive(Debug, Clone, PartialEq)]
struct End {
    job: Value,
    log: String,
    snapshots: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_the_same_whichever_message_was_cut_off_lost_doubled_or_swapped() {
    let server = Arc::new(TestServer::start().await);
    let client = Arc::new(server.rest(As::User(Role::Operator)).await);
    let (undisturbed, sessions, messages) = played(&server, &client, "undisturbed", None).await;
    assert_eq!(sessions, 1);
    assert_eq!(
        (&undisturbed.job["result_code"], &undisturbed.job["log_lines"]),
        (&json!("ok"), &json!("5"))
    );
    assert_eq!(undisturbed.snapshots.len(), 2);
    assert_eq!(undisturbed.log.lines().count(), 5, "{}", undisturbed.log);

    let mut plays = JoinSet::new();
    for at in 0..messages {
        for fault in [
            Fault::CutBefore,
            Fault::CutAfter,
            Fault::Lost,
            Fault::Doubled,
            Fault::Swapped,
        ] {
            let (server, client) = (Arc::clone(&server), Arc::clone(&client));
            plays.spawn(async move {
                let name = format!("{fault:?}-{at}").to_lowercase();
                let (end, sessions, _) = played(&server, &client, &name, Some((fault, at))).await;
                (fault, at, end, sessions)
            });
        }
    }

    while let Some(play) = plays.join_next().await {
        let (fault, at, end, sessions) = play.unwrap();
        // What is missing among numbered reports is noticed, never passed over.
        if fault == Fault::Lost && EVENTS.contains(&at) {
            assert_eq!(sessions, 2, "{fault:?} at {at}");
        }
        assert_eq!(end, undisturbed, "{fault:?} at {at}");
    }
}

/// Tells of a backup. What the server knows of it then, in how many sessions it was told, and of how many messages the story
/// consists.
async fn played(
    server: &TestServer,
    client: &Client,
    name: &str,
    fault: Option<(Fault, usize)>,
) -> (End, usize, usize) {
    let agent = server.agent(name, local_repository(name)).await;
    let (mut wire, _) = agent.connect().await;
    make_repository(&mut wire).await;
    let id = run_backup(server, &agent).await;
    let command = wire.command().await;
    let Some(Order::Backup(order)) = &command.command else {
        panic!("{command:?}")
    };
    let mut player = Player {
        story: story(id, &order.repository_id, &command.command_id),
        repository: order.repository_id.clone(),
        job: id,
        acknowledged: FIRST_SEQ - 1,
        next_line: 1,
    };
    let messages = player.story.len();

    let (first, happened) = player.disturbed(fault);
    player.tell(&mut wire, first).await;
    drop(wire);
    let mut sessions = 1;
    let mut happened = happened;
    while !player.is_done() {
        sessions += 1;
        assert!(
            sessions <= SESSIONS,
            "it comes to no end: {:?}",
            (player.acknowledged, player.next_line)
        );
        let mut wire = agent.dial().await.unwrap();
        wire.say(Up::Hello(player.greeting(&agent, happened))).await;
        let Some(Down::Welcome(welcome)) = wire.hear().await.unwrap() else {
            panic!("no welcome")
        };
        player.acknowledged = welcome.acknowledged_seq;
        let again = player.unconfirmed(happened);
        happened = messages;
        player.tell(&mut wire, again).await;
    }

    let mut job = client.get(&format!("/api/jobs/{id}")).await.ok();
    let told = [
        "kind",
        "status",
        "phase",
        "result_code",
        "started_at",
        "finished_at",
        "summary",
        "log_lines",
        "log_truncated",
    ];
    job.as_object_mut()
        .unwrap()
        .retain(|field, _| told.contains(&field.as_str()));
    let snapshots = client.get(&format!("/api/hosts/{}/snapshots", agent.host)).await.ok();
    let snapshots = snapshots.as_array().unwrap().iter();
    let end = End {
        job,
        log: client.get(&format!("/api/jobs/{id}/log.txt")).await.text,
        snapshots: snapshots
            .map(|snapshot| snapshot["id"].as_str().unwrap().to_owned())
            .collect(),
    };
    (end, sessions, messages)
}

/// An agent with the backup that it tells of.
struct Player {
    /// All that there is to tell, in the order in which it happened.
    story: Vec<Up>,
    repository: String,
    job: JobId,
    /// The last event that the server is known to have.
    acknowledged: u64,
    /// Every line before it the server is known to have.
    next_line: u64,
}

impl Player {
    /// What is said in the first session, and how much of the story has happened by its end.
    fn disturbed(&self, fault: Option<(Fault, usize)>) -> (Vec<Up>, usize) {
        let mut said = self.story.clone();
        let all = said.len();
        match fault {
            None => {}
            Some((Fault::CutBefore, at)) => {
                said.truncate(at);
                return (said, at + 1);
            }
            Some((Fault::CutAfter, at)) => {
                said.truncate(at + 1);
                return (said, at + 1);
            }
            Some((Fault::Lost, at)) => {
                said.remove(at);
            }
            Some((Fault::Doubled, at)) => said.insert(at, said[at].clone()),
            Some((Fault::Swapped, at)) => said.swap(at, (at + 1).min(all - 1)),
        }
        (said, all)
    }

    /// Says these messages, and hears until each that has an answer has it or the server ends the session.
    async fn tell(&mut self, wire: &mut Wire, messages: Vec<Up>) {
        let mut answers = 0;
        for message in messages {
            answers += usize::from(matches!(message, Up::Events(_) | Up::LogChunk(_)));
            wire.say(message).await;
        }
        while answers > 0 {
            match wire.hear().await.unwrap() {
                Some(Down::Ack(ack)) => {
                    self.acknowledged = self.acknowledged.max(ack.through_seq);
                    answers -= 1;
                }
                Some(Down::LogCredit(credit)) => {
                    self.next_line = self.next_line.max(credit.next_line);
                    answers -= 1;
                }
                // It was not known that it was accepted.
                Some(Down::Command(command)) => wire.answer(&command, CommandOutcome::Duplicate).await,
                Some(Down::Goodbye(_)) | None => return,
                Some(_) => {}
            }
        }
    }

    fn is_done(&self) -> bool {
        let last = self.story.iter().filter_map(seqs).max();
        Some(self.acknowledged) == last && self.next_line > LINES
    }

    /// What the server is not known to have, and what has not happened yet.
    fn unconfirmed(&self, happened: usize) -> Vec<Up> {
        let (past, future) = self.story.split_at(happened);
        let again = past.iter().filter(|message| {
            let is_log = matches!(message, Up::LogChunk(chunk) if chunk.first_line >= self.next_line);
            is_log || seqs(message) > Some(self.acknowledged)
        });
        again.chain(future).cloned().collect()
    }

    /// The greeting after so many messages have happened.
    fn greeting(&self, agent: &Agent, happened: usize) -> v1::Hello {
        let past = &self.story[..happened];
        let phase = past.iter().rev().find_map(step).unwrap_or(JobPhase::Accepted);
        let live = (phase != ENDED).then(|| v1::LiveJob {
            job_id: self.job.to_string(),
            kind: v1::JobKind::Backup.into(),
            repository_id: self.repository.clone(),
            phase: phase.into(),
            started_at: (phase != JobPhase::Accepted).then(|| to_timestamp(moment(FIRST_SEQ))),
        });
        v1::Hello {
            next_seq: past.iter().filter_map(seqs).max().unwrap_or(FIRST_SEQ - 1) + 1,
            live_jobs: live.into_iter().collect(),
            ..agent.greeting()
        }
    }
}

/// The number of a message's last event.
fn seqs(message: &Up) -> Option<u64> {
    let Up::Events(batch) = message else { return None };
    batch.events.last().map(|event| event.seq)
}

/// Where the job stands after a message.
fn step(message: &Up) -> Option<JobPhase> {
    let Up::Events(batch) = message else { return None };
    batch.events.iter().rev().find_map(|event| match event.event.as_ref()? {
        Event::JobStarted(_) => Some(JobPhase::Preparing),
        Event::JobPhaseChanged(changed) => Some(changed.phase()),
        Event::JobFinished(_) => Some(ENDED),
        Event::SnapshotReport(_) | Event::DesiredStateApplied(_) => None,
    })
}

/// What an agent says of a backup, from its order to its end.
fn story(job: JobId, repository: &str, command: &str) -> Vec<Up> {
    let id = job.to_string();
    let mut seq = FIRST_SEQ;
    let mut event = |event: Event| {
        let event = v1::Event {
            seq,
            occurred_at: Some(to_timestamp(moment(seq))),
            event: Some(event),
        };
        seq += 1;
        Up::Events(v1::EventBatch { events: vec![event] })
    };
    let phase = |phase: JobPhase| {
        Event::JobPhaseChanged(v1::JobPhaseChanged {
            job_id: id.clone(),
            phase: phase.into(),
        })
    };
    let part = |part: u32, last: bool| {
        Event::SnapshotReport(v1::SnapshotReport {
            job_id: id.clone(),
            repository_id: repository.to_owned(),
            part,
            last,
            snapshots: vec![v1::SnapshotInfo {
                id: format!("{part:064x}"),
                time: "2026-05-01T02:00:00Z".to_owned(),
                hostname: "web-01".to_owned(),
                paths: vec!["/etc".to_owned()],
                ..v1::SnapshotInfo::default()
            }],
        })
    };
    let log = |first_line: u64, lines: &[&str]| {
        Up::LogChunk(v1::LogChunk {
            follows_line: Some(first_line - 1),
            ..log_chunk(&id, first_line, lines)
        })
    };
    vec![
        Up::CommandAck(v1::CommandAck {
            command_id: command.to_owned(),
            outcome: CommandOutcome::Accepted.into(),
            reason: String::new(),
        }),
        event(Event::JobStarted(v1::JobStarted {
            job_id: id.clone(),
            kind: v1::JobKind::Backup.into(),
            repository_id: repository.to_owned(),
        })),
        log(1, &["one", "two"]),
        event(phase(JobPhase::Running)),
        Up::Progress(v1::JobProgress {
            job_id: id.clone(),
            total_bytes: 200,
            bytes_done: 50,
            ..v1::JobProgress::default()
        }),
        log(3, &["three"]),
        log(4, &["four", "five"]),
        event(phase(JobPhase::Finalizing)),
        event(part(0, false)),
        event(part(1, true)),
        event(Event::JobFinished(v1::JobFinished {
            job_id: id.clone(),
            outcome: JobOutcome::Succeeded.into(),
            result_code: "ok".to_owned(),
            exit_code: Some(0),
            summary: Some(v1::BackupSummary {
                snapshot_id: format!("{:064x}", 1),
                files_new: 3,
                ..v1::BackupSummary::default()
            }),
            log_lines: LINES,
            restic_repository_id: RESTIC_ID.to_owned(),
            started_at: Some(to_timestamp(moment(FIRST_SEQ))),
            ..v1::JobFinished::default()
        })),
    ]
}

/// Does the init that the server orders by itself.
async fn make_repository(wire: &mut Wire) {
    let init = wire.command().await;
    let Some(Order::Init(order)) = &init.command else {
        panic!("{init:?}")
    };
    let job_id = order.job_id.clone();
    wire.answer(&init, CommandOutcome::Accepted).await;
    let started = Event::JobStarted(v1::JobStarted {
        job_id: job_id.clone(),
        ..v1::JobStarted::default()
    });
    let running = Event::JobPhaseChanged(v1::JobPhaseChanged {
        job_id: job_id.clone(),
        phase: JobPhase::Running.into(),
    });
    let finished = Event::JobFinished(v1::JobFinished {
        job_id,
        outcome: JobOutcome::Succeeded.into(),
        result_code: "ok".to_owned(),
        restic_repository_id: RESTIC_ID.to_owned(),
        ..v1::JobFinished::default()
    });
    wire.report(1, vec![started, running, finished]).await;
    assert_eq!(wire.ack().await, FIRST_SEQ - 1);
}

async fn run_backup(server: &TestServer, agent: &Agent) -> JobId {
    let operator = server.caller(Role::Operator).await;
    let run = RunJob {
        host: agent.host,
        work: Work::Backup(Sources::Paths(BackupPaths::parse(&["/etc"]).unwrap())),
        queue_if_offline: false,
    };
    server.app.run_job(&operator, run).await.unwrap().job.id
}
