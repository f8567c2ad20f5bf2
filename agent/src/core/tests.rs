//! Whole stories of the core, told without a socket, a file or a sleep.

use std::collections::BTreeMap;

use domain::certificate::Lifetime;
use domain::id::{HostId, RepositoryId};
use domain::job::{Progress, Summary};
use domain::session::{AgentSettings, BackupOrder, DesiredSet, DesiredState};
use uuid::Uuid;

use super::*;

#[test]
fn a_session_opens_with_what_is_held_and_answers_with_what_is_missing() {
    let mut agent = Agent::new();

    agent.on(Event::Started { random: 0.5 });
    assert_eq!(agent.take(), ["connect after 500ms"]);
    agent.on(Event::LinkUp);
    assert_eq!(agent.take(), ["hello next 1"]);
    agent.welcome(1, 0);
    assert_eq!(agent.take(), [""; 0]);
    agent.receive(desired(3));
    assert_eq!(
        agent.take(),
        ["store settings 3", "record applied settings 3", "send events 1..1"]
    );
}

#[test]
fn a_command_is_accepted_only_when_it_is_on_disk() {
    let mut agent = Agent::online();

    agent.command(backup(1, 1));

    assert_eq!(
        agent.take(),
        [
            "store command 1",
            "ack 1 accepted",
            "record started 1",
            "send events 1..1",
            "start 1"
        ]
    );
}

#[test]
fn a_command_that_the_disk_does_not_take_is_refused_and_not_run() {
    let mut agent = Agent::online();
    agent.disk_is_full = true;

    agent.command(backup(1, 1));

    assert_eq!(agent.take(), ["store command 1", "ack 1 refused not_stored"]);
}

#[test]
fn a_repeated_command_is_a_duplicate_and_a_late_one_is_expired() {
    let mut agent = Agent::online();

    agent.receive(Received::Command {
        command: backup(1, 1),
        known: true,
    });
    agent.command(Command {
        ttl: Duration::ZERO,
        ..backup(2, 1)
    });

    assert_eq!(agent.take(), ["ack 1 duplicate", "ack 2 expired"]);
}

#[test]
fn a_second_command_for_the_same_job_starts_nothing() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.take();

    agent.command(Command {
        id: CommandId::from_uuid(Uuid::from_u128(77)),
        ..backup(1, 1)
    });

    assert_eq!(agent.take(), ["store command 77", "ack 77 accepted", "close 77"]);
}

#[test]
fn a_command_of_an_older_session_is_void() {
    let mut agent = Agent::online();
    agent.lose(Loss::Broken);
    agent.on(Event::LinkUp);
    agent.welcome(9, 0);
    agent.take();

    agent.command(Command {
        epoch: 8,
        ..backup(1, 1)
    });
    agent.command(Command {
        epoch: 9,
        ..backup(2, 1)
    });

    assert!(agent.take().iter().all(|effect| !effect.contains("ack 1")));
    assert!(agent.started.contains(&job(2)) && !agent.started.contains(&job(1)));
}

#[test]
fn one_job_per_repository_works_while_listings_run_beside_it() {
    let mut agent = Agent::online();

    agent.command(backup(1, 1));
    agent.command(backup(2, 1));
    agent.command(backup(3, 2));
    agent.command(listing(4, 1));
    agent.command(listing(5, 1));
    assert_eq!(agent.started, [job(1), job(3), job(4)]);

    agent.finish(1);
    agent.finish(4);
    assert_eq!(agent.started, [job(1), job(3), job(4), job(2), job(5)]);
}

#[test]
fn the_queue_holds_thirty_two_and_refuses_the_next() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    for number in 2..=33 {
        agent.command(backup(number, 1));
    }
    agent.take();

    agent.command(backup(34, 1));

    assert_eq!(agent.take(), ["ack 34 refused queue_full"]);
    assert_eq!(agent.core.overview().waiting, 32);
}

#[test]
fn a_waiting_job_that_is_cancelled_ends_at_once() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.command(backup(2, 1));
    agent.take();

    agent.command(cancel(3, 2));

    let effects = agent.take();
    assert!(
        effects.contains(&"record finished 2 cancelled, closes 2".to_owned()),
        "{effects:?}"
    );
    assert!(effects.contains(&"close 3".to_owned()));
    assert_eq!(agent.core.overview().waiting, 0);
}

#[test]
fn a_running_job_is_told_to_end_and_its_cancel_stays_open_until_it_has() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.take();

    agent.command(cancel(2, 1));
    let told = agent.take();
    agent.command(cancel(3, 1));
    let told_again = agent.take();
    agent.finish(1);
    let ended = agent.take();

    assert_eq!(told, ["store command 2", "ack 2 accepted", "cancel 1"]);
    assert_eq!(told_again, ["store command 3", "ack 3 accepted", "close 3"]);
    assert!(
        ended.contains(&"record finished 1 ok, closes 1".to_owned()),
        "{ended:?}"
    );
    assert!(ended.contains(&"close 2".to_owned()));
}

#[test]
fn cancelling_a_job_that_is_gone_is_not_an_error() {
    let mut agent = Agent::online();

    agent.command(cancel(1, 8));

    assert_eq!(agent.take(), ["store command 1", "ack 1 accepted", "close 1"]);
}

#[test]
fn phases_go_forward_only_and_nothing_follows_the_end() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.take();

    for report in [Report::Running, Report::Running, Report::Finalizing, Report::Running] {
        agent.report(1, report);
    }
    agent.finish(1);
    agent.report(1, Report::Running);

    assert_eq!(
        agent.records(),
        [
            "record running 1",
            "record finalizing 1",
            "record finished 1 ok, closes 1"
        ]
    );
}

#[test]
fn a_day_offline_loses_nothing_and_sends_nothing() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.take();
    agent.lose(Loss::Broken);
    agent.take();

    agent.report(1, Report::Running);
    for _ in 0..1440 {
        agent.advance(Duration::from_mins(1));
        agent.lose(Loss::Broken);
    }
    agent.clock_jumps_back();
    agent.report(1, Report::LogGrown { lines: 10 });
    agent.report(1, Report::Progress(Progress::default()));
    agent.finish(1);
    let offline = agent.take();
    assert!(offline.iter().all(|effect| !effect.starts_with("send")), "{offline:?}");

    agent.on(Event::LinkUp);
    agent.welcome(2, 0);
    let resumed = agent.take();
    agent.receive(Received::Ack { through: 2 });

    // The end, event 3, comes after the ten lines.
    assert_eq!(
        resumed,
        ["hello next 4 after 1", "send log 1 from 1", "send events 1..2"]
    );
    assert_eq!(agent.take(), ["forget events ..2", "send events 3..3"]);
}

#[test]
fn waits_between_attempts_are_spread_and_capped() {
    let mut agent = Agent::online();
    agent.advance(Duration::from_mins(2));
    agent.on(Event::LinkLost {
        loss: Loss::Broken,
        random: 0.5,
    });
    for _ in 0..8 {
        agent.on(Event::LinkLost {
            loss: Loss::Broken,
            random: 0.5,
        });
    }

    let waits: Vec<String> = agent
        .take()
        .into_iter()
        .filter(|effect| effect.starts_with("connect"))
        .collect();
    assert_eq!(
        waits,
        [
            "connect after 5s",
            "connect after 500ms",
            "connect after 1s",
            "connect after 2s",
            "connect after 4s",
            "connect after 8s",
            "connect after 16s",
            "connect after 30s",
            "connect after 30s"
        ]
    );
}

#[test]
fn only_what_is_committed_is_forgotten_and_the_rest_is_sent_again() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.report(1, Report::Running);
    agent.take();

    agent.receive(Received::Ack { through: 1 });
    let acknowledged = agent.take();
    agent.lose(Loss::Broken);
    agent.on(Event::LinkUp);
    agent.welcome(2, 1);
    let resumed = agent.take();

    assert_eq!(acknowledged, ["forget events ..1", "send events 2..2"]);
    assert_eq!(resumed.last().map(String::as_str), Some("send events 2..2"));
}

#[test]
fn an_acknowledgement_of_what_does_not_exist_changes_nothing() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.take();

    agent.receive(Received::Ack { through: 99 });
    agent.receive(Received::Ack { through: 0 });

    assert_eq!(agent.take(), [""; 0]);
    assert_eq!(agent.core.overview().unacknowledged, 1);
}

#[test]
fn when_either_side_lost_its_memory_the_outbox_starts_anew() {
    for (held, server) in [(4, 9), (4, 2)] {
        let mut agent = Agent::with(Start {
            outbox: Contents {
                next_seq: held + 2,
                acknowledged: held,
                ends: BTreeMap::new(),
            },
            ..empty()
        });
        agent.on(Event::Started { random: 0.0 });
        agent.on(Event::LinkUp);
        agent.take();

        agent.welcome(1, server);
        assert_eq!(
            agent.take(),
            [format!("restart outbox behind {server}"), "disconnect".to_owned()],
            "held {held}, server {server}"
        );

        agent.on(Event::OutboxRestarted(Contents {
            next_seq: 2,
            acknowledged: 0,
            ends: BTreeMap::new(),
        }));
        agent.lose(Loss::Broken);
        agent.on(Event::LinkUp);
        agent.welcome(2, 0);
        assert_eq!(agent.take().last().map(String::as_str), Some("send events 1..1"));
    }
}

#[test]
fn the_greeting_lists_the_jobs_that_are_here_and_no_others() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.command(backup(2, 1));
    agent.command(backup(3, 1));
    agent.lose(Loss::Broken);
    agent.take();
    agent.on(Event::LinkUp);
    assert_eq!(
        agent.take(),
        ["hello next 2 after 1, Preparing 1, Waiting 2, Waiting 3"]
    );

    agent.report(1, Report::Running);
    agent.finish(1);
    agent.lose(Loss::Broken);
    agent.take();
    agent.on(Event::LinkUp);

    assert_eq!(agent.take(), ["hello next 5 after 1, Preparing 2, Waiting 3"]);
}

#[test]
fn the_end_of_a_job_waits_for_its_log_but_not_for_ever() {
    let mut agent = Agent::online();
    agent.window_is_closed = true;
    agent.command(backup(1, 1));
    agent.receive(Received::Ack { through: 1 });
    agent.take();

    agent.report(1, Report::LogGrown { lines: 500 });
    agent.finish(1);
    let held_back = agent.take();
    agent.advance(Duration::from_secs(29));
    let still = agent.take();
    agent.advance(Duration::from_secs(1));
    let patience_is_over = agent.take();

    assert_eq!(held_back, ["send log 1 from 1", "record finished 1 ok, closes 1"]);
    assert!(still.iter().all(|effect| !effect.starts_with("send")), "{still:?}");
    assert!(
        patience_is_over.contains(&"send events 2..2".to_owned()),
        "{patience_is_over:?}"
    );
}

#[test]
fn a_job_leaves_the_disk_when_its_end_and_its_log_are_committed() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.report(1, Report::LogGrown { lines: 10 });
    agent.finish(1);
    agent.take();

    agent.receive(Received::Ack { through: 2 });
    let end_committed = agent.take();
    agent.receive(credit(1, 11));
    let log_committed = agent.take();

    assert_eq!(end_committed, ["forget events ..2"]);
    assert_eq!(log_committed, ["forget job 1"]);
}

#[test]
fn log_goes_on_where_the_server_says() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.report(1, Report::LogGrown { lines: 10 });
    agent.report(1, Report::LogGrown { lines: 20 });
    agent.take();

    agent.receive(credit(1, 5));

    assert_eq!(agent.take(), ["send log 1 from 5"]);
}

#[test]
fn log_that_the_server_has_lost_is_sent_again() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.report(1, Report::LogGrown { lines: 10 });
    agent.receive(credit(1, 11));
    agent.report(1, Report::LogGrown { lines: 20 });
    agent.take();

    agent.receive(credit(1, 4));

    assert_eq!(agent.take(), ["send log 1 from 4"]);
}

#[test]
fn log_stays_within_the_window() {
    let mut agent = Agent::online();
    agent.log_bytes = 1000;
    agent.command(backup(1, 1));
    agent.take();

    agent.report(1, Report::LogGrown { lines: 10 });
    let first = agent.take();
    agent.command(backup(2, 2));
    agent.take();
    agent.report(2, Report::LogGrown { lines: 10 });
    let no_room = agent.take();
    agent.receive(Received::LogCredit {
        job: job(1),
        next_line: 11,
        bytes: 1000,
    });
    let room = agent.take();

    assert_eq!(first, ["send log 1 from 1"]);
    assert_eq!(no_room, [""; 0]);
    assert_eq!(room, ["send log 2 from 1"]);
}

#[test]
fn both_sides_show_signs_of_life_and_a_silent_server_is_left() {
    let mut agent = Agent::online();
    agent.take();

    agent.advance(Duration::from_secs(30));
    let first = agent.take();
    agent.receive(Received::Heartbeat);
    agent.advance(Duration::from_secs(30));
    agent.advance(Duration::from_secs(30));
    agent.advance(Duration::from_secs(29));
    let still_there = agent.take();
    agent.advance(Duration::from_secs(1));
    let silent_for_90_s = agent.take();

    assert_eq!(first, ["heartbeat"]);
    assert_eq!(still_there, ["heartbeat", "heartbeat"]);
    assert_eq!(silent_for_90_s, ["disconnect"]);
}

#[test]
fn a_server_that_never_welcomes_is_left() {
    let mut agent = Agent::new();
    agent.on(Event::Started { random: 0.0 });
    agent.on(Event::LinkUp);
    agent.take();

    assert_eq!(agent.core.next_wakeup(), Some(Duration::from_secs(30)));
    agent.advance(Duration::from_secs(30));

    assert_eq!(agent.take(), ["disconnect"]);
}

#[test]
fn an_older_desired_state_is_refused_and_says_so() {
    let mut agent = Agent::online();
    agent.receive(desired(3));
    agent.take();

    agent.receive(desired(2));
    let older = agent.records();
    agent.receive(desired(3));
    let held = agent.records();

    assert_eq!(
        older,
        ["record applied settings 2: version 2 is older than version 3, which this host holds"]
    );
    assert_eq!(held, ["record applied settings 3"]);
}

#[test]
fn a_desired_state_that_cannot_be_stored_is_not_held() {
    let mut agent = Agent::online();
    agent.disk_is_full = true;
    agent.receive(desired(3));
    let failed = agent.records();
    agent.disk_is_full = false;

    agent.receive(desired(3));

    assert_eq!(failed, ["record applied settings 3: the disk is full"]);
    assert_eq!(agent.take().first().map(String::as_str), Some("store settings 3"));
}

#[test]
fn a_deleted_host_forgets_its_identity_and_ends() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.take();

    agent.receive(goodbye(GoodbyeReason::Revoked, None));
    let revoked = agent.take();
    agent.lose(Loss::Broken);

    assert_eq!(revoked, ["cancel 1", "disconnect", "forget identity", "exit Revoked"]);
    assert_eq!(agent.take(), [""; 0]);
}

#[test]
fn a_server_that_restarts_says_when_to_come_back() {
    let mut agent = Agent::online();
    agent.take();

    agent.receive(goodbye(GoodbyeReason::Shutdown, Some(Duration::from_secs(7))));
    agent.lose(Loss::Broken);

    assert_eq!(agent.take(), ["disconnect", "connect after 7s"]);
}

#[test]
fn a_stopping_agent_says_goodbye_and_leaves_its_jobs_alone() {
    let mut agent = Agent::online();
    agent.command(backup(1, 1));
    agent.command(backup(2, 1));
    agent.take();

    agent.on(Event::StopRequested);
    agent.finish(1);

    let effects = agent.take();
    assert_eq!(effects[..2], ["goodbye", "exit Stopped"]);
    assert!(!agent.started.contains(&job(2)));
}

#[test]
fn a_full_outbox_refuses_listings_but_no_backup() {
    let mut agent = Agent::online();
    agent.on(Event::OutboxFull(true));

    agent.command(listing(1, 1));
    agent.command(backup(2, 1));

    let effects = agent.take();
    assert_eq!(effects[0], "ack 1 refused outbox_full");
    assert!(effects.contains(&"start 2".to_owned()));
}

#[test]
fn after_a_restart_begun_jobs_go_on_and_accepted_ones_wait_behind_them() {
    let mut agent = Agent::with(Start {
        commands: vec![backup(1, 1), backup(2, 1), backup(3, 2), cancel(9, 2)],
        begun: vec![(job(1), time(5))],
        ..empty()
    });

    agent.on(Event::Started { random: 0.0 });

    let effects = agent.take();
    assert_eq!(effects[0], "resume 1 since 1970-01-01T00:00:05Z");
    assert!(
        effects.contains(&"record finished 2 cancelled, closes 2".to_owned()),
        "{effects:?}"
    );
    assert_eq!(agent.started, [job(3)]);
}

#[test]
fn after_a_restart_an_end_on_disk_still_waits_for_its_log() {
    let mut agent = Agent::with(Start {
        outbox: Contents {
            next_seq: 6,
            acknowledged: 3,
            ends: BTreeMap::from([(5, job(1))]),
        },
        logs: vec![(job(1), 10)],
        ..empty()
    });
    agent.window_is_closed = true;
    agent.on(Event::Started { random: 0.0 });
    agent.on(Event::LinkUp);
    agent.take();

    agent.welcome(1, 3);

    assert_eq!(agent.take(), ["send log 1 from 1", "send events 4..4"]);
}

#[test]
fn after_a_restart_a_log_whose_end_is_committed_is_sent_and_then_removed() {
    let mut agent = Agent::with(Start {
        logs: vec![(job(1), 10)],
        ..empty()
    });
    agent.on(Event::Started { random: 0.0 });
    agent.on(Event::LinkUp);
    agent.welcome(1, 0);
    agent.take();

    agent.receive(credit(1, 11));

    assert_eq!(agent.take(), ["forget job 1"]);
}

#[test]
fn a_list_of_snapshots_travels_in_parts_before_the_end() {
    let mut agent = Agent::online();
    agent.command(listing(1, 1));
    agent.take();
    let snapshot = |number: u64| domain::snapshot::Snapshot {
        id: format!("{number:064x}").parse().unwrap(),
        time: time(1),
        restic_host: "web-1".into(),
        paths: Vec::new(),
        tags: Vec::new(),
        size: None,
        file_count: None,
        program_version: None,
    };

    for count in [0, 500] {
        agent.report(
            1,
            Report::Snapshots(SnapshotList {
                repository: repository(1),
                snapshots: (0..count).map(snapshot).collect(),
            }),
        );
    }
    agent.finish(1);

    let records = agent.records();
    assert_eq!(records[0], "record snapshots 1 part 0 of 0, last");
    assert!(records[1].starts_with("record snapshots 1 part 0 of ") && !records[1].ends_with("last"));
    assert!(records[2].starts_with("record snapshots 1 part 1 of ") && records[2].ends_with("last"));
    assert_eq!(records[3], "record finished 1 ok, closes 1");
}

/// The core with a shell that answers as a disk and a connection would.
pub(super) struct Agent {
    core: Core,
    now: Now,
    pub(super) effects: Vec<String>,
    pub(super) started: Vec<JobId>,
    pub(super) next_seq: u64,
    disk_is_full: bool,
    window_is_closed: bool,
    log_bytes: u64,
}

impl Agent {
    fn new() -> Self {
        Self::with(empty())
    }

    fn with(start: Start) -> Self {
        Self {
            next_seq: start.outbox.next_seq,
            core: Core::new(start),
            now: Now {
                wall: time(1000),
                uptime: Duration::ZERO,
            },
            effects: Vec::new(),
            started: Vec::new(),
            disk_is_full: false,
            window_is_closed: false,
            log_bytes: 1,
        }
    }

    pub(super) fn online() -> Self {
        let mut agent = Self::new();
        agent.on(Event::Started { random: 0.0 });
        agent.on(Event::LinkUp);
        agent.welcome(1, 0);
        agent.take();
        agent
    }

    pub(super) fn on(&mut self, event: Event) {
        let effects = self.core.on_event(event, self.now);
        for effect in effects {
            self.effects.push(told(&effect));
            if let Some(answer) = self.answer(effect) {
                self.on(answer);
            }
        }
    }

    fn answer(&mut self, effect: Effect) -> Option<Event> {
        let full = || "the disk is full".to_owned();
        Some(match effect {
            Effect::Record { fact, .. } => {
                let seq = self.next_seq;
                self.next_seq += 1;
                Event::Recorded { seq, ends: fact.ends() }
            }
            Effect::StoreCommand(command) => Event::CommandStored {
                command,
                stored: !self.disk_is_full,
            },
            Effect::StoreDesired(state) => Event::DesiredStored {
                kind: state.set.kind(),
                stamp: state.stamp,
                outcome: if self.disk_is_full { Err(full()) } else { Ok(()) },
            },
            Effect::SendEvents { through, .. } => Event::EventsSent { through },
            Effect::SendLog { job, .. } if self.window_is_closed => Event::LogHeldBack { job },
            Effect::SendLog { job, from_line, .. } => Event::LogSent {
                job,
                through_line: from_line + 9,
                bytes: self.log_bytes,
            },
            Effect::StartJob { order, .. } => {
                self.started.push(order.job);
                return None;
            }
            Effect::Connect { .. }
            | Effect::Disconnect
            | Effect::Send(_)
            | Effect::CloseCommand(_)
            | Effect::ForgetEvents { .. }
            | Effect::RestartOutbox { .. }
            | Effect::ResumeJob { .. }
            | Effect::CancelJob(_)
            | Effect::ForgetJob(_)
            | Effect::AskCertificate
            | Effect::StoreOffer { .. }
            | Effect::PromoteCandidate
            | Effect::DiscardCandidate
            | Effect::WarnOfRenewal { .. }
            | Effect::ForgetIdentity
            | Effect::Exit(_) => return None,
        })
    }

    pub(super) fn welcome(&mut self, epoch: u64, acknowledged: u64) {
        self.receive(Received::Welcome(Welcome {
            protocol: 1,
            session: domain::id::SessionId::from_uuid(Uuid::nil()),
            epoch,
            acknowledged_seq: acknowledged,
            heartbeat: Duration::from_secs(30),
            server_time: self.now.wall,
            log_window_bytes: 1000,
            reconnect_spread: Duration::from_secs(10),
        }));
    }

    pub(super) fn receive(&mut self, received: Received) {
        self.on(Event::Received(received));
    }

    fn command(&mut self, command: Command) {
        self.receive(Received::Command { command, known: false });
    }

    pub(super) fn report(&mut self, number: u128, report: Report) {
        self.on(Event::Job {
            job: job(number),
            report,
        });
    }

    pub(super) fn finish(&mut self, number: u128) {
        let end = End {
            outcome: Outcome::Succeeded {
                started_at: self.now.wall,
                summary: Summary::Snapshots,
            },
            problems: Problems::default(),
            exit_code: Some(0),
            restic_repository: None,
            log_lines: 0,
        };
        self.report(number, Report::Finished(end));
    }

    pub(super) fn lose(&mut self, loss: Loss) {
        self.on(Event::LinkLost { loss, random: 0.5 });
    }

    fn advance(&mut self, by: Duration) {
        self.now.uptime += by;
        self.now.wall = self.now.wall.saturating_add(by);
        self.on(Event::Wakeup);
    }

    fn clock_jumps_back(&mut self) {
        self.now.wall = self.now.wall.saturating_sub(Duration::from_hours(100));
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.effects)
    }

    fn records(&mut self) -> Vec<String> {
        self.take()
            .into_iter()
            .filter(|effect| effect.starts_with("record"))
            .collect()
    }
}

/// An effect in a few words.
fn told(effect: &Effect) -> String {
    match effect {
        Effect::Connect {
            after,
            with: Credential::Current,
        } => format!("connect after {after:?}"),
        Effect::Connect { after, with } => format!("connect after {after:?} with {with:?}"),
        Effect::Disconnect => "disconnect".to_owned(),
        Effect::Send(message) => match message {
            Message::Hello {
                next_seq,
                last_epoch,
                live,
                ..
            } => {
                let live = live
                    .iter()
                    .map(|live| format!(", {:?} {}", live.step, number(live.job.as_uuid())));
                let live = live.collect::<String>();
                match last_epoch {
                    0 => format!("hello next {next_seq}{live}"),
                    epoch => format!("hello next {next_seq} after {epoch}{live}"),
                }
            }
            Message::Heartbeat => "heartbeat".to_owned(),
            Message::CommandAck { command, outcome } => match outcome {
                Acceptance::Accepted => format!("ack {} accepted", number(command.as_uuid())),
                Acceptance::Duplicate => format!("ack {} duplicate", number(command.as_uuid())),
                Acceptance::Expired => format!("ack {} expired", number(command.as_uuid())),
                Acceptance::Refused(why) => format!("ack {} refused {}", number(command.as_uuid()), why.as_str()),
            },
            Message::Progress { job, .. } => format!("progress {}", number(job.as_uuid())),
            Message::Goodbye => "goodbye".to_owned(),
        },
        Effect::SendEvents { after, through } => format!("send events {}..{through}", after + 1),
        Effect::SendLog { job, from_line, .. } => format!("send log {} from {from_line}", number(job.as_uuid())),
        Effect::Record { fact, closes, .. } => {
            let closes = closes.map_or(String::new(), |id| format!(", closes {}", number(id.as_uuid())));
            format!("record {}{closes}", told_fact(fact))
        }
        Effect::CloseCommand(command) => format!("close {}", number(command.as_uuid())),
        Effect::ForgetEvents { through } => format!("forget events ..{through}"),
        Effect::RestartOutbox { known } => format!("restart outbox behind {known}"),
        Effect::StoreDesired(state) => format!("store settings {}", state.stamp.version),
        Effect::StoreCommand(command) => format!("store command {}", number(command.id.as_uuid())),
        Effect::StartJob { order, .. } => format!("start {}", number(order.job.as_uuid())),
        Effect::ResumeJob { order, started_at } => {
            format!("resume {} since {started_at}", number(order.job.as_uuid()))
        }
        Effect::CancelJob(job) => format!("cancel {}", number(job.as_uuid())),
        Effect::ForgetJob(job) => format!("forget job {}", number(job.as_uuid())),
        Effect::AskCertificate => "ask certificate".to_owned(),
        Effect::StoreOffer { certificate_pem } => format!("store {certificate_pem}"),
        Effect::PromoteCandidate => "promote".to_owned(),
        Effect::DiscardCandidate => "discard".to_owned(),
        Effect::WarnOfRenewal { why, is_urgent, .. } => {
            format!("{}: {why}", if *is_urgent { "error" } else { "warn" })
        }
        Effect::ForgetIdentity => "forget identity".to_owned(),
        Effect::Exit(reason) => format!("exit {reason:?}"),
    }
}

fn told_fact(fact: &Fact) -> String {
    match fact {
        Fact::JobStarted { job, .. } => format!("started {}", number(job.as_uuid())),
        Fact::JobRunning { job } => format!("running {}", number(job.as_uuid())),
        Fact::JobFinalizing { job } => format!("finalizing {}", number(job.as_uuid())),
        Fact::Snapshots {
            job,
            part,
            last,
            snapshots,
            ..
        } => {
            let last = if *last { ", last" } else { "" };
            format!(
                "snapshots {} part {part} of {}{last}",
                number(job.as_uuid()),
                snapshots.len()
            )
        }
        Fact::JobFinished { job, end } => {
            format!("finished {} {}", number(job.as_uuid()), end.result_code())
        }
        Fact::DesiredApplied { stamp, error, .. } => {
            let error = error.as_ref().map_or(String::new(), |error| format!(": {error}"));
            format!("applied settings {}{error}", stamp.version)
        }
    }
}

fn empty() -> Start {
    Start {
        certificates: certificates(),
        outbox: Contents {
            next_seq: 1,
            acknowledged: 0,
            ends: BTreeMap::new(),
        },
        applied: Applied::default(),
        commands: Vec::new(),
        begun: Vec::new(),
        logs: Vec::new(),
    }
}

/// A certificate that is far from its end.
fn certificates() -> Certificates {
    Certificates {
        host: HostId::from_uuid(Uuid::from_u128(0)),
        current: Lifetime {
            not_before: time(0),
            not_after: time(1_000_000_000),
        },
        candidate: None,
    }
}

pub(super) fn backup(number: u128, on: u128) -> Command {
    let paths = domain::path::BackupPaths::parse(&["/etc"]).unwrap();
    let work = Work::Backup(BackupOrder {
        paths,
        excludes: Vec::new(),
        exclude_caches: false,
        one_file_system: false,
        tag: None,
        max_runtime: None,
    });
    run(number, on, work)
}

pub(super) fn listing(number: u128, on: u128) -> Command {
    run(number, on, Work::Snapshots)
}

/// Command and job bear the same number.
fn run(number: u128, on: u128, work: Work) -> Command {
    command(
        number,
        Instruction::Run {
            job: job(number),
            repository: repository(on),
            work,
        },
    )
}

fn cancel(number: u128, of: u128) -> Command {
    command(number, Instruction::Cancel { job: job(of) })
}

fn command(number: u128, instruction: Instruction) -> Command {
    Command {
        id: CommandId::from_uuid(Uuid::from_u128(number)),
        epoch: 9,
        ttl: Duration::from_mins(15),
        instruction,
    }
}

pub(super) fn desired(version: u64) -> Received {
    Received::Desired(DesiredState {
        stamp: Stamp {
            version,
            hash: "aa".into(),
        },
        set: DesiredSet::Settings(AgentSettings {
            restic_host: "web-1".to_owned(),
            limit_upload_kib_per_s: 0,
            limit_download_kib_per_s: 0,
        }),
    })
}

pub(super) fn credit(number: u128, next_line: u64) -> Received {
    Received::LogCredit {
        job: job(number),
        next_line,
        bytes: 1,
    }
}

fn goodbye(reason: GoodbyeReason, retry_after: Option<Duration>) -> Received {
    Received::Goodbye(Goodbye { reason, retry_after })
}

pub(super) fn job(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

fn repository(number: u128) -> RepositoryId {
    RepositoryId::from_uuid(Uuid::from_u128(number))
}

fn number(id: Uuid) -> u128 {
    id.as_u128()
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_seconds(second, 0).unwrap()
}
