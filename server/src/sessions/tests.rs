use std::time::Duration;

use domain::host::Inventory;
use domain::id::{CommandId, HostId, JobId, OutboxIncarnation, RepositoryId, SessionId};
use domain::job::Progress;
use domain::rate::Rate;
use domain::session::{
    AgentEvent, AgentMessage, Applied, CommandAck, CommandOutcome, DesiredKind, DesiredSet, DesiredState, Fact,
    Goodbye, GoodbyeReason, Hello, LogChunk, ProtocolRange, ServerMessage, SnapshotPart, Stamp, Welcome,
};
use domain::{ReportedText, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;

mod one_session {
    use super::*;

    #[test]
    fn a_greeting_opens_the_session_and_the_welcome_is_followed_by_what_is_lacking() {
        let mut session = Session::new(OPTIONS);

        let opening = session.on_message(greeting((1, 1)), secs(1));
        let open = session.on_opened(welcome(7), Applied::default(), secs(1));

        assert!(
            matches!(opening.as_slice(), [Effect::Open { protocol: 1, .. }]),
            "{opening:?}"
        );
        assert_eq!(
            open,
            [Effect::Send(ServerMessage::Welcome(welcome(7))), Effect::Deliver]
        );
        assert!(session.is_open());
    }

    #[test]
    fn an_agent_without_a_common_protocol_is_refused() {
        let mut session = Session::new(OPTIONS);

        let effects = session.on_message(greeting((7, 9)), secs(1));

        let theirs = ProtocolRange { oldest: 7, newest: 9 };
        assert_eq!(effects, [Effect::RefuseProtocol { theirs }]);
        assert_eq!(session.on_message(AgentMessage::Heartbeat, secs(1)), []);
    }

    #[test]
    fn what_breaks_the_order_of_the_conversation_ends_it() {
        for (name, mut session, message) in [
            ("heartbeat first", Session::new(OPTIONS), AgentMessage::Heartbeat),
            ("second greeting", opened(0), greeting((1, 1))),
            ("message while opening", opening(), AgentMessage::Heartbeat),
            ("gap before the first event", opened(5), events([7])),
        ] {
            assert_eq!(
                session.on_message(message, secs(2)),
                ends(GoodbyeReason::ProtocolError),
                "{name}"
            );
            assert_eq!(session.on_message(AgentMessage::Heartbeat, secs(2)), [], "{name}");
            assert_eq!(session.next_wakeup(), None, "{name}");
        }
    }

    #[test]
    fn an_agent_that_says_too_much_is_read_later() {
        let mut session = opened(0);

        let within = session.on_message(events(1..=1000), secs(2));
        session.on_ingested(Ingested::Through(1000));
        let on_time = session.reads_from();
        let beyond = session.on_message(events(1001..=1500), secs(2));

        assert!(matches!(within.as_slice(), [Effect::Apply(_)]), "{within:?}");
        assert_eq!(on_time, secs(2));
        assert!(
            matches!(beyond.as_slice(), [Effect::Apply(_), Effect::Count(Exceeded::Events)]),
            "{beyond:?}"
        );
        assert_eq!(session.reads_from(), Duration::from_millis(4500));
        assert_eq!(
            session.on_time(Duration::from_millis(94_400)),
            [Effect::Send(ServerMessage::Heartbeat)]
        );
        assert_eq!(
            session.on_time(Duration::from_millis(94_500)),
            [Effect::End(None)],
            "silent since it was read"
        );
    }

    #[test]
    fn an_agent_that_lists_too_often_is_read_later() {
        let mut session = opened(0);
        let parts = |first_seq: u64, count: u64, last| {
            AgentMessage::Events((first_seq..first_seq + count).map(|seq| part(seq, last)).collect())
        };

        // Only whole lists count. A hundred at once, as of a host that was away, then ten a minute.
        session.on_message(parts(1, 100, true), secs(2));
        session.on_ingested(Ingested::Through(100));
        session.on_message(parts(101, 100, false), secs(2));
        session.on_ingested(Ingested::Through(200));
        let on_time = session.reads_from();
        let beyond = session.on_message(parts(201, 1, true), secs(2));
        session.on_ingested(Ingested::Through(201));
        let six_seconds_later = session.reads_from();
        session.on_message(parts(202, 100, true), secs(8));

        assert_eq!(on_time, secs(2));
        assert!(
            matches!(beyond.as_slice(), [Effect::Apply(_), Effect::Count(Exceeded::Listings)]),
            "{beyond:?}"
        );
        assert_eq!(six_seconds_later, secs(8));
        assert_eq!(
            session.reads_from(),
            secs(8) + OPTIONS.heartbeat,
            "it is listened to often enough not to seem away"
        );
        session.on_ingested(Ingested::Through(301));
        session.on_message(AgentMessage::Heartbeat, secs(38));
        assert_eq!(
            session.reads_from(),
            secs(38),
            "what is no list is not held up for longer"
        );
        session.on_message(parts(302, 1, true), secs(38));
        assert_eq!(
            session.reads_from(),
            secs(38) + OPTIONS.heartbeat,
            "the debt is not forgotten"
        );
    }

    #[test]
    fn messages_of_any_sort_are_counted() {
        let mut session = opened(0);

        let counted = (0..1001).filter(|_| {
            let effects = session.on_message(AgentMessage::Heartbeat, secs(2));
            effects == [Effect::Count(Exceeded::Events)]
        });

        assert_eq!(counted.count(), 1);
    }

    #[test]
    fn an_agent_that_logs_too_much_is_read_later() {
        let mut session = opened(0);
        let chunk = |first_line| piece(first_line, 1024 * 1024, 1024);

        for number in 0..8 {
            assert_eq!(session.on_message(chunk(number), secs(2)).len(), 1, "{number}");
        }
        let beyond = session.on_message(chunk(8), secs(2));

        assert!(
            matches!(beyond.as_slice(), [Effect::KeepLog(_), Effect::Count(Exceeded::Log)]),
            "{beyond:?}"
        );
        assert_eq!(session.reads_from(), Duration::from_millis(2500));
    }

    #[test]
    fn log_without_credit_ends_the_session() {
        let (mut patient, mut hasty) = (opened(0), opened(0));
        for session in [&mut patient, &mut hasty] {
            assert_eq!(session.on_message(piece(1, 10, 200 * 1024), secs(2)).len(), 1);
        }

        let credit = patient.on_log_kept(JobId::from_uuid(Uuid::nil()), 2, 200 * 1024);
        let with_credit = patient.on_message(piece(2, 10, 200 * 1024), secs(2));
        let without = hasty.on_message(piece(2, 10, 200 * 1024), secs(2));

        assert!(matches!(
            credit.as_slice(),
            [Effect::Send(ServerMessage::LogCredit { .. })]
        ));
        assert!(
            matches!(with_credit.as_slice(), [Effect::KeepLog(_)]),
            "{with_credit:?}"
        );
        let mut expected = vec![Effect::Count(Exceeded::LogWindow)];
        expected.extend(ends(GoodbyeReason::ProtocolError));
        assert_eq!(without, expected);
        assert_eq!(hasty.on_message(AgentMessage::Heartbeat, secs(3)), []);
    }

    #[test]
    fn garbage_ends_the_session() {
        for mut session in [Session::new(OPTIONS), opening(), opened(0)] {
            assert_eq!(session.on_garbage(), ends(GoodbyeReason::ProtocolError));
            assert_eq!(session.on_garbage(), []);
        }
    }

    #[test]
    fn a_greeting_is_waited_for_ten_seconds() {
        let mut session = Session::new(OPTIONS);

        assert_eq!(session.next_wakeup(), Some(secs(10)));
        assert_eq!(session.on_time(secs(9)), []);
        assert_eq!(session.on_time(secs(10)), ends(GoodbyeReason::ProtocolError));
    }

    #[test]
    fn events_are_applied_once_and_from_where_they_were_committed() {
        for (committed, sent, applied) in [
            (0, vec![1, 2], Some(vec![1, 2])),
            (5, vec![6], Some(vec![6])),
            (5, vec![4, 5, 6, 7], Some(vec![6, 7])),
            (5, vec![3, 4, 5], None),
        ] {
            let mut session = opened(committed);

            let effects = session.on_message(events(sent.clone()), secs(1));

            let expected = applied.map_or_else(
                || Effect::Send(ServerMessage::Ack { through_seq: committed }),
                |numbers| Effect::Apply(numbers.into_iter().map(event).collect()),
            );
            assert_eq!(effects, [expected], "{committed} {sent:?}");
        }
    }

    #[test]
    fn what_was_committed_is_acknowledged_and_not_applied_again() {
        let mut session = opened(0);
        session.on_message(events([1, 2]), secs(1));

        let acknowledged = session.on_ingested(Ingested::Through(2));
        let again = session.on_message(events([1, 2]), secs(1));

        let ack = [Effect::Send(ServerMessage::Ack { through_seq: 2 })];
        assert_eq!(acknowledged, ack);
        assert_eq!(again, ack);
    }

    #[test]
    fn events_that_the_database_does_not_take_end_the_session() {
        for (applied, reason) in [
            (Ingested::Gap, GoodbyeReason::ProtocolError),
            (Ingested::Superseded, GoodbyeReason::Superseded),
        ] {
            assert_eq!(opened(0).on_ingested(applied), ends(reason));
        }
    }

    #[test]
    fn each_word_of_an_agent_has_its_effect() {
        let ack = CommandAck {
            command: CommandId::from_uuid(Uuid::nil()),
            outcome: CommandOutcome::Accepted,
        };
        let chunk = LogChunk {
            job: job(1),
            first_line: 1,
            line_count: 1,
            text_bytes: 1,
            follows_line: Some(0),
            lines_zstd: vec![1],
        };
        let goodbye = Goodbye::because(GoodbyeReason::Shutdown);
        for (message, effects) in [
            (AgentMessage::Heartbeat, vec![]),
            (AgentMessage::LogChunk(chunk.clone()), vec![Effect::KeepLog(chunk)]),
            (
                AgentMessage::Progress {
                    job: job(1),
                    progress: Progress::default(),
                },
                vec![Effect::Show {
                    job: job(1),
                    progress: Progress::default(),
                }],
            ),
            (AgentMessage::CommandAck(ack.clone()), vec![Effect::Settle(ack)]),
            (AgentMessage::Goodbye(goodbye), vec![Effect::End(None)]),
        ] {
            assert_eq!(opened(0).on_message(message.clone(), secs(1)), effects, "{message:?}");
        }
    }

    #[test]
    fn both_sides_give_signs_of_life() {
        let mut session = opened(0);

        assert_eq!(session.next_wakeup(), Some(secs(30)));
        assert_eq!(session.on_time(secs(30)), [Effect::Send(ServerMessage::Heartbeat)]);
        session.on_message(AgentMessage::Heartbeat, secs(50));
        assert_eq!(session.on_time(secs(60)), [Effect::Send(ServerMessage::Heartbeat)]);
        assert_eq!(session.on_time(secs(139)), [Effect::Send(ServerMessage::Heartbeat)]);
        assert_eq!(session.on_time(secs(140)), [Effect::End(None)]);
    }

    #[test]
    fn an_agent_that_waits_for_an_answer_hears_that_we_are_there_and_is_not_silent() {
        let mut session = opened(0);

        assert_eq!(session.next_heartbeat(), Some(secs(30)));
        assert_eq!(session.on_delay(secs(29)), None);
        assert_eq!(session.on_delay(secs(30)), Some(ServerMessage::Heartbeat));
        assert_eq!(session.on_delay(secs(300)), Some(ServerMessage::Heartbeat));

        // What waited to be read is read before it is judged.
        assert_eq!(session.on_time(secs(301)), []);
        assert_eq!(session.on_time(secs(390)), [Effect::End(None)]);
    }

    #[test]
    fn a_nudge_looks_into_the_database_once_the_session_is_open() {
        for (mut session, effects) in [
            (Session::new(OPTIONS), vec![]),
            (opening(), vec![]),
            (opened(0), vec![Effect::Deliver]),
        ] {
            assert_eq!(session.on_signal(Signal::Nudge), effects);
        }
    }

    #[test]
    fn a_cut_ends_the_session_with_its_words() {
        let goodbye = Goodbye::because(GoodbyeReason::Revoked);
        for mut session in [opening(), opened(0)] {
            assert_eq!(session.on_signal(Signal::Cut(goodbye)), [Effect::End(Some(goodbye))]);
            assert_eq!(session.on_message(events([1]), secs(1)), []);
            assert_eq!(session.on_ingested(Ingested::Through(1)), []);
        }
    }

    #[test]
    fn what_was_sent_counts_as_held() {
        let mut session = opened(0);
        let state = DesiredState {
            stamp: Stamp {
                version: 3,
                hash: "aa".into(),
            },
            set: DesiredSet::TrustBundle("pem".to_owned()),
        };

        let effects = session.on_desired(state.clone());

        assert_eq!(effects, [Effect::Send(ServerMessage::Desired(state))]);
        assert!(session.held().holds(DesiredKind::TrustBundle, "aa"));
    }

    fn piece(first_line: u64, text_bytes: u64, packed: usize) -> AgentMessage {
        AgentMessage::LogChunk(LogChunk {
            job: JobId::from_uuid(Uuid::nil()),
            first_line,
            line_count: 1,
            text_bytes,
            follows_line: None,
            lines_zstd: vec![0; packed],
        })
    }

    /// Only one that was superseded is told when to come back.
    fn ends(reason: GoodbyeReason) -> Vec<Effect> {
        let retry_after = (reason == GoodbyeReason::Superseded).then(|| OPTIONS.grace());
        vec![Effect::End(Some(Goodbye { reason, retry_after }))]
    }

    fn opening() -> Session {
        let mut session = Session::new(OPTIONS);
        session.on_message(greeting((1, 1)), Duration::ZERO);
        session
    }

    fn opened(acknowledged: u64) -> Session {
        let mut session = opening();
        session.on_opened(welcome(acknowledged), Applied::default(), Duration::ZERO);
        session
    }

    fn greeting((oldest, newest): (u32, u32)) -> AgentMessage {
        AgentMessage::Hello(Box::new(Hello {
            protocol: ProtocolRange { oldest, newest },
            inventory: Inventory::default(),
            boot_id: "boot".into(),
            outbox: OutboxIncarnation::from_uuid(Uuid::nil()),
            next_seq: 1,
            applied: Applied::default(),
            wall_time: None,
            last_epoch: 0,
            live: Vec::new(),
        }))
    }

    fn welcome(acknowledged_seq: u64) -> Welcome {
        Welcome {
            protocol: 1,
            session: SessionId::from_uuid(Uuid::nil()),
            epoch: 1,
            acknowledged_seq,
            heartbeat: OPTIONS.heartbeat,
            server_time: Timestamp::UNIX_EPOCH,
            log_window_bytes: 1,
            reconnect_spread: secs(2),
        }
    }

    fn events(numbers: impl IntoIterator<Item = u64>) -> AgentMessage {
        AgentMessage::Events(numbers.into_iter().map(event).collect())
    }

    fn event(seq: u64) -> AgentEvent {
        AgentEvent {
            seq,
            occurred_at: None,
            fact: Fact::Unusable { why: String::new() },
        }
    }

    fn part(seq: u64, last: bool) -> AgentEvent {
        AgentEvent {
            fact: Fact::Snapshots(SnapshotPart {
                job: job(1),
                repository: RepositoryId::from_uuid(Uuid::nil()),
                part: 0,
                last,
                snapshots: Vec::new(),
            }),
            ..event(seq)
        }
    }

    const OPTIONS: Options = Options {
        heartbeat: Duration::from_secs(30),
        silent_after: Duration::from_secs(90),
        limits: Limits {
            events: Rate {
                per_second: 200,
                burst: 1000,
            },
            listings: 10,
            log: Rate {
                per_second: 2 * 1024 * 1024,
                burst: 8 * 1024 * 1024,
            },
            log_window: 256 * 1024,
            outbound: queue::Bounds {
                messages: 64,
                bytes: 256 * 1024,
            },
        },
    };
}

mod many_sessions {
    use super::*;

    #[tokio::test]
    async fn a_newer_session_takes_over_and_the_older_one_is_told() {
        let (registry, _service) = channel();
        let mut older = enter(&registry, 1).unwrap();

        let mut newer = enter(&registry, 2).unwrap();

        assert_eq!(older.cut().await.reason, GoodbyeReason::Superseded);
        drop(older);
        assert!(registry.connected(host(1)));
        registry.nudge(host(1));
        assert_eq!(newer.signal().await, Signal::Nudge);
    }

    #[test]
    fn an_older_session_that_comes_late_is_turned_away() {
        let (registry, _service) = channel();
        let _newer = enter(&registry, 2).unwrap();

        for epoch in [1, 2] {
            assert_eq!(enter(&registry, epoch).unwrap_err().reason, GoodbyeReason::Superseded);
        }
    }

    #[test]
    fn a_host_is_connected_while_its_session_has_its_place() {
        let (registry, _service) = channel();
        assert!(!registry.connected(host(1)));

        let seat = enter(&registry, 1).unwrap();
        assert!(registry.connected(host(1)) && !registry.connected(host(2)));

        drop(seat);
        assert!(!registry.connected(host(1)));
        registry.nudge(host(1));
        registry.cut(host(1), GoodbyeReason::Revoked);
    }

    #[tokio::test]
    async fn a_cut_reaches_its_host_only() {
        let (registry, _service) = channel();
        let mut cut = enter(&registry, 1).unwrap();
        let mut other = registry.enter(host(2), 1, &"boot".into()).unwrap();

        registry.cut(host(1), GoodbyeReason::Revoked);

        assert_eq!(
            cut.signal().await,
            Signal::Cut(Goodbye::because(GoodbyeReason::Revoked))
        );
        assert_eq!(other.signal().now_or_never(), None);
    }

    #[test]
    fn what_was_heard_is_taken_once_and_the_latest_counts() {
        let (registry, _service) = channel();
        let _older = enter(&registry, 1).unwrap();
        registry.heard(host(1), 1, time(1));
        registry.heard(host(1), 1, time(2));
        let _newer = enter(&registry, 2).unwrap();
        // It was taken over, so it speaks for nobody.
        registry.heard(host(1), 1, time(3));

        assert_eq!(registry.take_heard(), [(host(1), time(2))]);
        assert_eq!(registry.take_heard(), []);
    }

    #[tokio::test]
    async fn a_watcher_hears_of_numbers_log_and_changes() {
        let (registry, _service) = channel();
        let _seat = enter(&registry, 1).unwrap();
        let mut watch = registry.watch_job(job(1));

        registry.show(host(1), job(1), progress(5));
        registry.log_grew(job(1), 10);
        registry.log_grew(job(1), 4);
        registry.job_changed(job(1), false);
        registry.job_changed(job(2), false);

        let expected = Pulse {
            progress: Some(progress(5)),
            next_line: 10,
            changes: 1,
        };
        assert_eq!(watch.changed().await, expected);
        assert_eq!(watch.changed().now_or_never(), None);
        assert_eq!(registry.progress(job(1)), Some(progress(5)));
    }

    #[tokio::test]
    async fn a_job_that_has_ended_has_no_numbers_any_more() {
        let (registry, _service) = channel();
        let _seat = enter(&registry, 1).unwrap();
        registry.show(host(1), job(1), progress(5));
        let mut watch = registry.watch_job(job(1));
        assert_eq!(watch.pulse().progress, Some(progress(5)));

        registry.job_changed(job(1), true);

        assert_eq!(watch.changed().await.progress, None);
        assert_eq!(registry.progress(job(1)), None);
    }

    #[test]
    fn numbers_are_kept_for_connected_hosts_and_few_jobs_of_each() {
        let (registry, _service) = channel();
        registry.show(host(1), job(0), progress(1));
        assert_eq!(registry.progress(job(0)), None);

        let seat = enter(&registry, 1).unwrap();
        for number in 0..100 {
            registry.show(host(1), job(number), progress(1));
        }
        let kept = (0..100)
            .filter(|number| registry.progress(job(*number)).is_some())
            .count();
        assert_eq!(kept, 32);
        assert!(registry.runs_on(job(0), host(1)) && !registry.runs_on(job(0), host(2)));

        drop(seat);
        assert_eq!(registry.progress(job(0)), None);
    }

    #[test]
    fn a_job_that_nobody_watches_costs_nothing() {
        let (registry, _service) = channel();
        let first = registry.watch_job(job(1));
        let second = registry.watch_job(job(1));

        drop(first);
        registry.job_changed(job(1), false);
        drop(second);

        assert!(!format!("{registry:?}").contains(&job(1).to_string()), "{registry:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn farewells_are_paced_and_each_agent_gets_a_time_of_its_own() {
        let (registry, service) = channel();
        let listen = (0..1000).map(|number| {
            let mut seat = registry.enter(host(number), 1, &"boot".into()).unwrap();
            async move { (seat.cut().await, tokio::time::Instant::now()) }
        });
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let begun = tokio::time::Instant::now();

        let ((), heard) = tokio::join!(service.run(shutdown), join_all(listen));

        let delays: Vec<Duration> = heard.iter().map(|(_, at)| *at - begun).collect();
        let mut waits: Vec<Duration> = heard.iter().map(|(goodbye, _)| goodbye.retry_after.unwrap()).collect();
        assert!(
            heard
                .iter()
                .all(|(goodbye, _)| goodbye.reason == GoodbyeReason::Shutdown)
        );
        assert_eq!(
            delays
                .iter()
                .filter(|delay| **delay < Duration::from_millis(100))
                .count(),
            50
        );
        assert_eq!(delays.iter().max(), Some(&Duration::from_millis(1900)));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(2500)));
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 900, "{}", waits.len());
        assert_eq!(enter(&registry, 9).unwrap_err().reason, GoodbyeReason::Shutdown);
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_does_not_leave_does_not_hold_up_the_server() {
        let (registry, service) = channel();
        let _seat = enter(&registry, 1).unwrap();
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let begun = tokio::time::Instant::now();

        service.run(shutdown).await;

        assert_eq!(begun.elapsed(), secs(20));
    }

    #[test]
    fn agents_come_back_at_a_bearable_rate() {
        let (registry, _service) = channel();
        assert_eq!(registry.spread(), secs(2));

        let _seats: Vec<Seat> = (0..4000)
            .map(|number| registry.enter(host(number), 1, &"boot".into()).unwrap())
            .collect();

        assert_eq!(registry.spread(), secs(10));
    }

    fn enter(registry: &Handle, epoch: u64) -> Result<Seat, Goodbye> {
        registry.enter(host(1), epoch, &ReportedText::from("boot"))
    }

    fn progress(elapsed: u64) -> Progress {
        Progress {
            elapsed: secs(elapsed),
            ..Progress::default()
        }
    }
}

fn host(number: u128) -> HostId {
    HostId::from_uuid(Uuid::from_u128(number))
}

fn job(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_seconds(second, 0).unwrap()
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
