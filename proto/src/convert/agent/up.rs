//! [`AgentMessage`]: what an agent says.

use std::time::Duration;

use domain::certificate::RenewRequest;
use domain::host::Inventory;
use domain::job::{JobKind, Progress};
use domain::session::{
    AgentEvent, AgentMessage, Applied, CommandAck, CommandOutcome, DesiredKind, Goodbye, GoodbyeReason, Hello, LiveJob,
    LiveStep, LogChunk, ProtocolRange, Stamp,
};
use domain::{ByteSize, ReportedText, Timestamp};

use super::super::{Invalid, required};
use super::fact::fact;
use super::log::{InvalidLog, UnpackedLog};
use crate::agent::v1;

/// Reads a message of an agent. `unpack` is how the lines of a log are looked at: [`super::unpack_log`] over the caller's
/// zstd.
///
/// An error is a breach of the protocol: something that this or any agent does not send. Facts are not meant by that; one
/// that makes no sense is [`domain::session::Fact::Unusable`].
pub fn agent_message(
    message: v1::AgentMessage,
    unpack: impl Fn(&[u8]) -> Result<UnpackedLog, InvalidLog>,
) -> Result<AgentMessage, Invalid> {
    use v1::agent_message::Body;

    let v1::AgentMessage { body } = message;
    match body.ok_or_else(|| Invalid::missing("body"))? {
        Body::Hello(said) => hello(said).map(Box::new).map(AgentMessage::Hello),
        Body::Heartbeat(v1::Heartbeat {}) => Ok(AgentMessage::Heartbeat),
        Body::Events(batch) => events(batch).map(AgentMessage::Events),
        Body::LogChunk(chunk) => log_chunk(chunk, unpack).map(AgentMessage::LogChunk),
        Body::Progress(said) => progress(said),
        Body::CommandAck(ack) => command_ack(ack).map(AgentMessage::CommandAck),
        Body::Goodbye(said) => Ok(AgentMessage::Goodbye(goodbye(&said))),
        Body::RenewRequest(asked) => RenewRequest::try_from(asked).map(Box::new).map(AgentMessage::Renew),
    }
}

fn hello(message: v1::Hello) -> Result<Hello, Invalid> {
    let v1::Hello {
        protocol_min,
        protocol_max,
        inventory,
        boot_id,
        outbox_incarnation,
        next_seq,
        applied,
        wall_time,
        last_session_epoch,
        live_jobs,
    } = message;
    let boot_id: ReportedText<64> = boot_id.into();
    if boot_id.is_empty() {
        return Err(Invalid::missing("boot_id"));
    }
    if next_seq == 0 {
        return Err(Invalid::missing("next_seq"));
    }
    if live_jobs.len() > Hello::MAX_LIVE {
        return Err(Invalid::argument("live_jobs", "at most 64 jobs are on one host"));
    }
    Ok(Hello {
        protocol: ProtocolRange {
            oldest: protocol_min,
            newest: protocol_max,
        },
        inventory: inventory
            .map(Inventory::from)
            .ok_or_else(|| Invalid::missing("inventory"))?,
        boot_id,
        outbox: required("outbox_incarnation", &outbox_incarnation)?,
        next_seq,
        applied: held(applied),
        wall_time: wall_time.and_then(instant),
        last_epoch: last_session_epoch,
        live: live_jobs.into_iter().filter_map(live_job).collect(),
    })
}

/// A job of a kind that this server does not know is left out: it has ordered none.
fn live_job(message: v1::LiveJob) -> Option<LiveJob> {
    let v1::LiveJob {
        job_id,
        kind,
        repository_id,
        phase,
        started_at,
    } = message;
    let step = match v1::JobPhase::try_from(phase).ok()? {
        v1::JobPhase::Unspecified => return None,
        v1::JobPhase::Accepted => LiveStep::Waiting,
        v1::JobPhase::Preparing => LiveStep::Preparing,
        v1::JobPhase::Running => LiveStep::Running,
        v1::JobPhase::Finalizing => LiveStep::Finalizing,
    };
    Some(LiveJob {
        job: job_id.parse().ok()?,
        kind: job_kind(kind)?,
        repository: repository_id.parse().ok()?,
        step,
        started_at: started_at.and_then(instant),
    })
}

impl From<v1::Inventory> for Inventory {
    fn from(message: v1::Inventory) -> Self {
        let v1::Inventory {
            hostname,
            os,
            arch,
            os_version,
            kernel,
            time_zone,
            agent_version,
            restic_version,
            restic_path,
            cpu_count,
            memory_bytes,
        } = message;
        Self {
            hostname: hostname.into(),
            os: os.into(),
            os_version: os_version.into(),
            arch: arch.into(),
            kernel: kernel.into(),
            time_zone: said(time_zone),
            agent_version: agent_version.into(),
            restic_version: said(restic_version),
            restic_path: said(restic_path),
            cpu_count,
            memory: ByteSize::from_bytes(memory_bytes),
        }
    }
}

/// A kind that this server does not know is nothing it could send, so it is left out.
fn held(applied: Vec<v1::AppliedState>) -> Applied {
    let mut held = Applied::default();
    for v1::AppliedState { kind, version, hash } in applied {
        if let Some(kind) = desired_kind(kind) {
            let hash = hash.into();
            held.set(kind, Stamp { version, hash });
        }
    }
    held
}

fn events(batch: v1::EventBatch) -> Result<Vec<AgentEvent>, Invalid> {
    let v1::EventBatch { events } = batch;
    if events.is_empty() || events.len() > AgentMessage::MAX_EVENTS {
        return Err(Invalid::argument("events", "1 to 500 events are needed"));
    }
    let first = events.first().map_or(0, |event| event.seq);
    let in_order = (first..).zip(&events).all(|(seq, event)| event.seq == seq);
    if first == 0 || !in_order {
        return Err(Invalid::argument(
            "events",
            "sequence numbers begin at 1 and have no gaps",
        ));
    }
    Ok(events.into_iter().map(event).collect())
}

fn event(message: v1::Event) -> AgentEvent {
    let v1::Event {
        seq,
        occurred_at,
        event,
    } = message;
    AgentEvent {
        seq,
        occurred_at: occurred_at.and_then(instant),
        fact: fact(event),
    }
}

/// No log has a line beyond this one; sums with it stay far from the end of the database's numbers.
const LAST_LINE: u64 = 1 << 40;

fn log_chunk(
    message: v1::LogChunk,
    unpack: impl Fn(&[u8]) -> Result<UnpackedLog, InvalidLog>,
) -> Result<LogChunk, Invalid> {
    let v1::LogChunk {
        job_id,
        first_line,
        line_count,
        lines_zstd,
        follows_line,
    } = message;
    let job = required("job_id", &job_id)?;
    if first_line == 0 || line_count == 0 || first_line > LAST_LINE {
        return Err(Invalid::argument(
            "first_line",
            "lines are numbered from 1, and there is at least one",
        ));
    }
    if follows_line.is_some_and(|line| line >= first_line) {
        return Err(Invalid::argument(
            "follows_line",
            "a piece follows a line before its first one",
        ));
    }
    let unpacked = unpack(&lines_zstd).map_err(|problem| Invalid::argument("lines_zstd", problem))?;
    if unpacked.lines != u64::from(line_count) {
        return Err(Invalid::argument(
            "line_count",
            "there are more or fewer lines than it says",
        ));
    }
    Ok(LogChunk {
        job,
        first_line,
        line_count,
        text_bytes: unpacked.text_bytes,
        follows_line,
        lines_zstd,
    })
}

fn progress(message: v1::JobProgress) -> Result<AgentMessage, Invalid> {
    let v1::JobProgress {
        job_id,
        // Follows from the bytes.
        percent_done: _,
        total_files,
        files_done,
        total_bytes,
        bytes_done,
        error_count,
        seconds_elapsed,
        seconds_remaining,
        current_files,
        waiting_for_repository,
    } = message;
    let progress = Progress {
        elapsed: Duration::from_secs(seconds_elapsed),
        remaining: seconds_remaining.map(Duration::from_secs),
        files_done,
        files_total: total_files,
        bytes_done: ByteSize::from_bytes(bytes_done),
        bytes_total: ByteSize::from_bytes(total_bytes),
        error_count,
        current_files: current_files
            .into_iter()
            .take(Progress::MAX_CURRENT_FILES)
            .map(ReportedText::from)
            .collect(),
        waiting_for_repository,
    };
    let job = required("job_id", &job_id)?;
    Ok(AgentMessage::Progress { job, progress })
}

fn command_ack(message: v1::CommandAck) -> Result<CommandAck, Invalid> {
    let v1::CommandAck {
        command_id,
        outcome,
        reason,
    } = message;
    let outcome = match v1::CommandOutcome::try_from(outcome) {
        Ok(v1::CommandOutcome::Accepted) => CommandOutcome::Accepted,
        Ok(v1::CommandOutcome::Duplicate) => CommandOutcome::Duplicate,
        Ok(v1::CommandOutcome::Refused) => CommandOutcome::Refused { reason: reason.into() },
        Ok(v1::CommandOutcome::Expired) => CommandOutcome::Expired,
        Ok(v1::CommandOutcome::Unspecified) | Err(_) => {
            return Err(Invalid::argument(
                "outcome",
                "accepted, duplicate, refused or expired is needed",
            ));
        }
    };
    Ok(CommandAck {
        command: required("command_id", &command_id)?,
        outcome,
    })
}

/// Why an agent leaves is for the log only, so an unknown reason is as good as any.
fn goodbye(message: &v1::Goodbye) -> Goodbye {
    // When to come back is for the server to say.
    let v1::Goodbye { reason, retry_after: _ } = *message;
    Goodbye::because(match v1::GoodbyeReason::try_from(reason) {
        Ok(v1::GoodbyeReason::Superseded) => GoodbyeReason::Superseded,
        Ok(v1::GoodbyeReason::Revoked) => GoodbyeReason::Revoked,
        Ok(v1::GoodbyeReason::SlowConsumer) => GoodbyeReason::SlowConsumer,
        Ok(v1::GoodbyeReason::ProtocolError) => GoodbyeReason::ProtocolError,
        Ok(v1::GoodbyeReason::CertificateRevoked) => GoodbyeReason::CertificateRevoked,
        Ok(v1::GoodbyeReason::Quarantined) => GoodbyeReason::Quarantined,
        Ok(v1::GoodbyeReason::Shutdown | v1::GoodbyeReason::Unspecified) | Err(_) => GoodbyeReason::Shutdown,
    })
}

pub(super) fn desired_kind(kind: i32) -> Option<DesiredKind> {
    match v1::DesiredKind::try_from(kind).ok()? {
        v1::DesiredKind::Unspecified => None,
        v1::DesiredKind::Credentials => Some(DesiredKind::Credentials),
        v1::DesiredKind::Settings => Some(DesiredKind::Settings),
        v1::DesiredKind::TrustBundle => Some(DesiredKind::TrustBundle),
    }
}

/// What sort of work an agent speaks of; `None` for one that this server does not know.
pub(super) fn job_kind(kind: i32) -> Option<JobKind> {
    match v1::JobKind::try_from(kind).ok()? {
        v1::JobKind::Unspecified => None,
        v1::JobKind::Backup => Some(JobKind::Backup),
        v1::JobKind::Init => Some(JobKind::Init),
        v1::JobKind::Probe => Some(JobKind::Probe),
        v1::JobKind::Snapshots => Some(JobKind::Snapshots),
        v1::JobKind::Unlock => Some(JobKind::Unlock),
        v1::JobKind::Stats => Some(JobKind::Stats),
    }
}

/// Text that is absent when it is empty.
pub(super) fn said<const MAX_BYTES: usize>(text: String) -> Option<ReportedText<MAX_BYTES>> {
    let text = ReportedText::from(text);
    (!text.is_empty()).then_some(text)
}

/// A machine's clock may show anything; what is beyond the calendar is not a time.
pub(super) fn instant(message: pbjson_types::Timestamp) -> Option<Timestamp> {
    Timestamp::from_seconds(message.seconds, message.nanos).ok()
}

#[cfg(test)]
mod tests {
    use domain::session::Fact;

    use super::*;
    use v1::agent_message::Body;

    const JOB: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_greeting_is_read_whole() {
        let hello = read(Body::Hello(greeting())).unwrap();

        let AgentMessage::Hello(hello) = hello else {
            panic!("{hello:?}")
        };
        assert_eq!(hello.boot_id.as_str(), "boot");
        assert_eq!(hello.inventory.hostname.as_str(), "web-01");
        assert_eq!(hello.inventory.restic_version, None);
        assert_eq!((hello.next_seq, hello.last_epoch), (7, 4));
        assert_eq!(hello.wall_time.unwrap().as_seconds(), 1000);
        assert!(hello.applied.holds(DesiredKind::Settings, "aa"));
        let live: Vec<(LiveStep, Option<i64>)> = hello
            .live
            .iter()
            .map(|live| (live.step, live.started_at.map(Timestamp::as_seconds)))
            .collect();
        assert_eq!(live, [(LiveStep::Waiting, None), (LiveStep::Running, Some(500))]);
    }

    #[test]
    fn a_greeting_without_what_it_needs_names_the_field() {
        type Break = fn(&mut v1::Hello);
        let cases: [(&str, Break); 5] = [
            ("boot_id", |hello| hello.boot_id.clear()),
            ("next_seq", |hello| hello.next_seq = 0),
            ("inventory", |hello| hello.inventory = None),
            ("outbox_incarnation", |hello| hello.outbox_incarnation = "1".to_owned()),
            ("live_jobs", |hello| hello.live_jobs = vec![v1::LiveJob::default(); 65]),
        ];
        for (field, spoil) in cases {
            let mut message = greeting();
            spoil(&mut message);

            assert_eq!(read(Body::Hello(message)).unwrap_err().problems()[0].field, field);
        }
    }

    #[test]
    fn a_clock_beyond_the_calendar_is_no_time_and_no_breach() {
        let wall_time = Some(pbjson_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        });

        let hello = read(Body::Hello(v1::Hello {
            wall_time,
            ..greeting()
        }))
        .unwrap();

        assert!(matches!(hello, AgentMessage::Hello(hello) if hello.wall_time.is_none()));
    }

    #[test]
    fn events_are_numbered_without_gaps() {
        for (numbers, good) in [
            (vec![1], true),
            (vec![7, 8, 9], true),
            (vec![], false),
            (vec![0, 1], false),
            (vec![1, 3], false),
            (vec![2, 1], false),
            (vec![1, 1], false),
            ((1..=500).collect(), true),
            ((1..=501).collect(), false),
        ] {
            let events = numbers.iter().map(|seq| v1::Event {
                seq: *seq,
                ..v1::Event::default()
            });
            let batch = v1::EventBatch {
                events: events.collect(),
            };

            assert_eq!(read(Body::Events(batch)).is_ok(), good, "{numbers:?}");
        }
    }

    #[test]
    fn a_fact_that_makes_no_sense_does_not_spoil_its_batch() {
        let batch = v1::EventBatch {
            events: vec![v1::Event {
                seq: 1,
                occurred_at: None,
                event: None,
            }],
        };

        let message = read(Body::Events(batch)).unwrap();

        assert!(
            matches!(&message, AgentMessage::Events(events) if matches!(events[0].fact, Fact::Unusable { .. })),
            "{message:?}"
        );
    }

    #[test]
    fn a_log_chunk_has_as_many_lines_as_it_says() {
        let chunk = |first_line, line_count, follows_line| {
            let chunk = v1::LogChunk {
                job_id: JOB.to_owned(),
                first_line,
                line_count,
                lines_zstd: vec![1, 2, 3],
                follows_line,
            };
            agent_message(
                v1::AgentMessage {
                    body: Some(Body::LogChunk(chunk)),
                },
                |_| {
                    Ok(UnpackedLog {
                        lines: 2,
                        text_bytes: 10,
                    })
                },
            )
        };

        assert!(matches!(chunk(5, 2, Some(3)), Ok(AgentMessage::LogChunk(chunk)) if chunk.next_line() == 7));
        assert!(chunk(1, 2, Some(0)).is_ok() && chunk(1, 2, None).is_ok());
        for (first_line, line_count) in [(0, 2), (1, 0), (1, 1), (1, 3), (LAST_LINE + 1, 2)] {
            assert!(
                chunk(first_line, line_count, None).is_err(),
                "{first_line} {line_count}"
            );
        }
        assert!(chunk(5, 2, Some(5)).is_err() && chunk(5, 2, Some(u64::MAX)).is_err());
    }

    #[test]
    fn an_empty_envelope_and_unknown_outcomes_are_breaches() {
        let nothing = agent_message(v1::AgentMessage { body: None }, |_| Err(InvalidLog::Packed));
        let ack = v1::CommandAck {
            command_id: JOB.to_owned(),
            outcome: 99,
            reason: String::new(),
        };

        assert!(nothing.is_err());
        assert_eq!(read(Body::CommandAck(ack)).unwrap_err().problems()[0].field, "outcome");
    }

    fn read(body: Body) -> Result<AgentMessage, Invalid> {
        agent_message(v1::AgentMessage { body: Some(body) }, |_| Err(InvalidLog::Packed))
    }

    fn greeting() -> v1::Hello {
        v1::Hello {
            protocol_min: 1,
            protocol_max: 1,
            inventory: Some(v1::Inventory {
                hostname: "web-01".to_owned(),
                ..v1::Inventory::default()
            }),
            boot_id: "boot".to_owned(),
            outbox_incarnation: JOB.to_owned(),
            next_seq: 7,
            applied: vec![
                v1::AppliedState {
                    kind: v1::DesiredKind::Settings.into(),
                    version: 3,
                    hash: "aa".to_owned(),
                },
                v1::AppliedState {
                    kind: 99,
                    version: 3,
                    hash: "bb".to_owned(),
                },
            ],
            wall_time: Some(pbjson_types::Timestamp {
                seconds: 1000,
                nanos: 0,
            }),
            last_session_epoch: 4,
            live_jobs: vec![
                live(v1::JobKind::Init, v1::JobPhase::Accepted, None),
                live(v1::JobKind::Backup, v1::JobPhase::Running, Some(500)),
                // None that this server could have ordered.
                live(v1::JobKind::Unspecified, v1::JobPhase::Running, Some(500)),
                live(v1::JobKind::Backup, v1::JobPhase::Unspecified, Some(500)),
            ],
        }
    }

    fn live(kind: v1::JobKind, phase: v1::JobPhase, started_at: Option<i64>) -> v1::LiveJob {
        v1::LiveJob {
            job_id: JOB.to_owned(),
            kind: kind.into(),
            repository_id: JOB.to_owned(),
            phase: phase.into(),
            started_at: started_at.map(|seconds| pbjson_types::Timestamp { seconds, nanos: 0 }),
        }
    }
}
