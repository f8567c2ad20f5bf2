//! What the agent says.

use domain::certificate::{IdentityProof, Serial};
use domain::id::{HostId, JobId, OutboxIncarnation};
use domain::job::{BackupSummary, JobKind, Outcome, Problem, Problems, Progress, Summary, UnlockSummary};
use domain::repository::{RepositoryLock, RepositoryStats};
use domain::session::{Applied, DesiredKind, LiveJob, LiveStep};
use domain::snapshot::Snapshot;
use domain::{ByteSize, Timestamp};
use prost::Message as _;
use proto::agent::v1;
use proto::agent::v1::agent_message::Body;
use proto::convert::to_timestamp;

use super::PROTOCOL;
use super::log::Packed;
use crate::core::{Acceptance, End, Fact, Message};
use crate::state::{Batch, Tag};
use crate::sysinfo::Machine;

/// Writes the greeting.
pub fn hello(
    machine: &Machine,
    incarnation: OutboxIncarnation,
    next_seq: u64,
    applied: &Applied,
    last_epoch: u64,
    live: &[LiveJob],
    wall_time: Timestamp,
) -> v1::AgentMessage {
    let applied = DesiredKind::ALL.map(|kind| {
        let stamp = applied.stamp(kind);
        v1::AppliedState {
            kind: desired_kind(kind).into(),
            version: stamp.version,
            hash: stamp.hash.to_string(),
        }
    });
    says(Body::Hello(v1::Hello {
        protocol_min: PROTOCOL,
        protocol_max: PROTOCOL,
        inventory: Some(inventory(machine)),
        boot_id: machine.boot_id.clone(),
        outbox_incarnation: incarnation.to_string(),
        next_seq,
        applied: applied.into(),
        wall_time: Some(to_timestamp(wall_time)),
        last_session_epoch: last_epoch,
        live_jobs: live.iter().map(live_job).collect(),
    }))
}

fn live_job(live: &LiveJob) -> v1::LiveJob {
    let LiveJob {
        job,
        kind,
        repository,
        step,
        started_at,
    } = live;
    let phase = match step {
        LiveStep::Waiting => v1::JobPhase::Accepted,
        LiveStep::Preparing => v1::JobPhase::Preparing,
        LiveStep::Running => v1::JobPhase::Running,
        LiveStep::Finalizing => v1::JobPhase::Finalizing,
    };
    v1::LiveJob {
        job_id: job.to_string(),
        kind: job_kind(*kind).into(),
        repository_id: repository.to_string(),
        phase: phase.into(),
        started_at: started_at.map(to_timestamp),
    }
}

/// Writes what the core says by itself, but for the greeting, which is `None`.
pub fn message(message: &Message) -> Option<v1::AgentMessage> {
    Some(says(match message {
        Message::Hello { .. } => return None,
        Message::Heartbeat => Body::Heartbeat(v1::Heartbeat {}),
        Message::CommandAck { command, outcome } => {
            let (outcome, reason) = match outcome {
                Acceptance::Accepted => (v1::CommandOutcome::Accepted, ""),
                Acceptance::Duplicate => (v1::CommandOutcome::Duplicate, ""),
                Acceptance::Expired => (v1::CommandOutcome::Expired, ""),
                Acceptance::Refused(why) => (v1::CommandOutcome::Refused, why.as_str()),
            };
            Body::CommandAck(v1::CommandAck {
                command_id: command.to_string(),
                outcome: outcome.into(),
                reason: reason.to_owned(),
            })
        }
        Message::Progress { job, progress: numbers } => Body::Progress(progress(*job, numbers)),
        Message::Goodbye => Body::Goodbye(v1::Goodbye {
            reason: v1::GoodbyeReason::Shutdown.into(),
            retry_after: None,
        }),
    }))
}

/// Writes the wish for the next certificate.
pub fn renew_request(csr_pem: String, proof: &IdentityProof) -> v1::AgentMessage {
    says(Body::RenewRequest(v1::RenewRequest {
        csr_pem,
        identity_key: proof.key.as_bytes().to_vec(),
        proof: proof.signature.as_bytes().to_vec(),
    }))
}

/// Writes the wish for a certificate when the last one has ended.
pub fn renew_expired(
    host: HostId,
    csr_pem: String,
    last: &Serial,
    at: Timestamp,
    proof: &IdentityProof,
) -> v1::RenewExpiredRequest {
    v1::RenewExpiredRequest {
        host_id: host.to_string(),
        csr_pem,
        last_serial: last.to_string(),
        requested_at: Some(to_timestamp(at)),
        identity_key: proof.key.as_bytes().to_vec(),
        proof: proof.signature.as_bytes().to_vec(),
    }
}

/// Writes a batch of events as the outbox keeps them. One that cannot be read any more goes out without content, so that
/// those behind it are not held up.
pub fn events(batch: Batch) -> v1::AgentMessage {
    let events = batch.into_iter().map(|(seq, body)| v1::Event {
        seq,
        ..v1::Event::decode(body.as_slice()).unwrap_or_default()
    });
    says(Body::Events(v1::EventBatch {
        events: events.collect(),
    }))
}

/// Writes a piece of log that follows a line; what lies between was dropped.
pub fn log_chunk(job: JobId, packed: Packed, follows_line: u64) -> v1::AgentMessage {
    let Packed {
        first_line,
        line_count,
        zstd,
    } = packed;
    says(Body::LogChunk(v1::LogChunk {
        job_id: job.to_string(),
        first_line,
        line_count,
        lines_zstd: zstd,
        follows_line: Some(follows_line),
    }))
}

/// Writes a fact as the outbox keeps it: an event without its number.
pub fn event(fact: &Fact, at: Timestamp) -> Vec<u8> {
    let event = v1::Event {
        seq: 0,
        occurred_at: Some(to_timestamp(at)),
        event: Some(self::fact(fact)),
    };
    event.encode_to_vec()
}

/// What the outbox must know about a fact.
pub fn tag(fact: &Fact) -> Tag {
    match fact {
        Fact::JobStarted { job, .. } => Tag::StartOf(*job),
        Fact::JobFinished { job, .. } => Tag::EndOf(*job),
        Fact::Snapshots { job, repository, .. } => Tag::SnapshotsOf {
            repository: *repository,
            job: *job,
        },
        Fact::JobRunning { .. } | Fact::JobFinalizing { .. } | Fact::DesiredApplied { .. } => Tag::Plain,
    }
}

/// A part of a list of snapshots without its snapshots, as the outbox keeps it. Without a last part the list never takes
/// effect.
pub fn emptied_report(body: &[u8]) -> Vec<u8> {
    let mut event = v1::Event::decode(body).unwrap_or_default();
    if let Some(v1::event::Event::SnapshotReport(report)) = &mut event.event {
        report.snapshots.clear();
        report.last = false;
    }
    event.encode_to_vec()
}

/// Writes a fact.
pub fn fact(fact: &Fact) -> v1::event::Event {
    use v1::event::Event;

    match fact {
        Fact::JobStarted { job, kind, repository } => Event::JobStarted(v1::JobStarted {
            job_id: job.to_string(),
            kind: job_kind(*kind).into(),
            repository_id: repository.to_string(),
        }),
        Fact::JobRunning { job } => phase(*job, v1::JobPhase::Running),
        Fact::JobFinalizing { job } => phase(*job, v1::JobPhase::Finalizing),
        Fact::Snapshots {
            job,
            repository,
            part,
            last,
            snapshots,
        } => Event::SnapshotReport(v1::SnapshotReport {
            job_id: job.to_string(),
            repository_id: repository.to_string(),
            part: *part,
            last: *last,
            snapshots: snapshots.iter().map(snapshot).collect(),
        }),
        Fact::JobFinished { job, end } => Event::JobFinished(finished(*job, end)),
        Fact::DesiredApplied { kind, stamp, error } => Event::DesiredStateApplied(v1::DesiredStateApplied {
            kind: desired_kind(*kind).into(),
            version: stamp.version,
            hash: stamp.hash.to_string(),
            error: error.clone().unwrap_or_default(),
        }),
    }
}

fn says(body: Body) -> v1::AgentMessage {
    v1::AgentMessage { body: Some(body) }
}

fn inventory(machine: &Machine) -> v1::Inventory {
    let Machine {
        hostname,
        os,
        arch,
        os_version,
        kernel,
        time_zone,
        cpu_count,
        memory_bytes,
        boot_id: _,
        restic,
    } = machine;
    let restic = restic.as_ref();
    v1::Inventory {
        hostname: hostname.clone(),
        os: (*os).to_owned(),
        arch: (*arch).to_owned(),
        os_version: os_version.clone(),
        kernel: kernel.clone(),
        time_zone: time_zone.clone(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        restic_version: restic.map(|restic| restic.version.clone()).unwrap_or_default(),
        restic_path: restic
            .map(|restic| restic.path.display().to_string())
            .unwrap_or_default(),
        cpu_count: *cpu_count,
        memory_bytes: *memory_bytes,
    }
}

fn phase(job: JobId, phase: v1::JobPhase) -> v1::event::Event {
    v1::event::Event::JobPhaseChanged(v1::JobPhaseChanged {
        job_id: job.to_string(),
        phase: phase.into(),
    })
}

fn finished(job: JobId, end: &End) -> v1::JobFinished {
    let End {
        outcome,
        problems,
        exit_code,
        restic_repository,
        log_lines,
    } = end;
    let (verdict, message) = match outcome {
        Outcome::Succeeded { .. } => (v1::JobOutcome::Succeeded, String::new()),
        Outcome::Warning { .. } => (v1::JobOutcome::Warning, String::new()),
        Outcome::Failed { cause, .. } => (v1::JobOutcome::Failed, cause.message.to_string()),
        Outcome::Cancelled { .. } => (v1::JobOutcome::Cancelled, String::new()),
        Outcome::TimedOut { message, .. } => (v1::JobOutcome::TimedOut, message.to_string()),
        Outcome::Interrupted { message, .. } => (v1::JobOutcome::Interrupted, message.to_string()),
    };
    v1::JobFinished {
        job_id: job.to_string(),
        outcome: verdict.into(),
        result_code: end.result_code().to_string(),
        message,
        exit_code: *exit_code,
        summary: backup_summary(outcome).map(summary),
        unlock: unlocked(outcome).map(unlock_summary),
        stats: counted(outcome).map(stats),
        issue_count: problems.count(),
        issues: issues(problems),
        log_lines: *log_lines,
        restic_repository_id: restic_repository.map(|id| id.to_string()).unwrap_or_default(),
        started_at: started_at(outcome).map(to_timestamp),
    }
}

fn started_at(outcome: &Outcome) -> Option<Timestamp> {
    match outcome {
        Outcome::Succeeded { started_at, .. }
        | Outcome::Warning { started_at, .. }
        | Outcome::TimedOut { started_at, .. }
        | Outcome::Interrupted { started_at, .. } => Some(*started_at),
        Outcome::Failed { started_at, .. } | Outcome::Cancelled { started_at, .. } => *started_at,
    }
}

fn backup_summary(outcome: &Outcome) -> Option<&BackupSummary> {
    match result(outcome)? {
        Summary::Backup(backup) => Some(backup),
        Summary::Init { .. } | Summary::Probe { .. } | Summary::Snapshots | Summary::Unlock(_) | Summary::Stats(_) => {
            None
        }
    }
}

fn unlocked(outcome: &Outcome) -> Option<&UnlockSummary> {
    match result(outcome)? {
        Summary::Unlock(unlock) => Some(unlock),
        Summary::Backup(_) | Summary::Init { .. } | Summary::Probe { .. } | Summary::Snapshots | Summary::Stats(_) => {
            None
        }
    }
}

fn counted(outcome: &Outcome) -> Option<&RepositoryStats> {
    match result(outcome)? {
        Summary::Stats(stats) => Some(stats),
        Summary::Backup(_) | Summary::Init { .. } | Summary::Probe { .. } | Summary::Snapshots | Summary::Unlock(_) => {
            None
        }
    }
}

fn result(outcome: &Outcome) -> Option<&Summary> {
    match outcome {
        Outcome::Succeeded { summary, .. } | Outcome::Warning { summary, .. } => Some(summary),
        Outcome::Failed { .. } | Outcome::Cancelled { .. } | Outcome::TimedOut { .. } | Outcome::Interrupted { .. } => {
            None
        }
    }
}

fn unlock_summary(unlock: &UnlockSummary) -> v1::UnlockSummary {
    let UnlockSummary { removed, left } = unlock;
    v1::UnlockSummary {
        removed: removed.iter().map(lock).collect(),
        left: left.iter().map(lock).collect(),
    }
}

fn stats(stats: &RepositoryStats) -> v1::RepositoryStats {
    let RepositoryStats {
        raw_size,
        uncompressed_size,
        restore_size,
        snapshot_count,
        locks,
    } = stats;
    v1::RepositoryStats {
        raw_size: raw_size.map(ByteSize::as_bytes),
        uncompressed_size: uncompressed_size.map(ByteSize::as_bytes),
        restore_size: restore_size.map(ByteSize::as_bytes),
        snapshot_count: *snapshot_count,
        locks_known: locks.is_some(),
        locks: locks.iter().flatten().map(lock).collect(),
    }
}

fn lock(lock: &RepositoryLock) -> v1::RepositoryLock {
    let RepositoryLock {
        id,
        exclusive,
        hostname,
        username,
        pid,
        since,
    } = lock;
    v1::RepositoryLock {
        id: id.to_string(),
        exclusive: *exclusive,
        hostname: hostname.to_string(),
        username: username.to_string(),
        pid: *pid,
        since: since.to_string(),
    }
}

fn summary(backup: &BackupSummary) -> v1::BackupSummary {
    let BackupSummary {
        snapshot,
        files_new,
        files_changed,
        files_unmodified,
        dirs_new,
        dirs_changed,
        dirs_unmodified,
        files_processed,
        bytes_processed,
        bytes_added,
        bytes_packed,
        duration,
    } = backup;
    v1::BackupSummary {
        snapshot_id: snapshot.map(|id| id.to_string()).unwrap_or_default(),
        files_new: *files_new,
        files_changed: *files_changed,
        files_unmodified: *files_unmodified,
        dirs_new: *dirs_new,
        dirs_changed: *dirs_changed,
        dirs_unmodified: *dirs_unmodified,
        total_files_processed: *files_processed,
        total_bytes_processed: bytes_processed.as_bytes(),
        data_added: bytes_added.as_bytes(),
        data_added_packed: bytes_packed.map(ByteSize::as_bytes),
        total_duration_seconds: duration.as_secs_f64(),
    }
}

fn issues(problems: &Problems) -> Vec<v1::Issue> {
    let issue = |Problem { item, message }: &Problem| v1::Issue {
        item: item.to_string(),
        message: message.to_string(),
    };
    problems.first().iter().map(issue).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share, for display")]
fn progress(job: JobId, progress: &Progress) -> v1::JobProgress {
    let Progress {
        elapsed,
        remaining,
        files_done,
        files_total,
        bytes_done,
        bytes_total,
        error_count,
        current_files,
        waiting_for_repository,
    } = progress;
    let (done, total) = (bytes_done.as_bytes(), bytes_total.as_bytes());
    let percent_done = if total == 0 {
        0.0
    } else {
        (done as f64 / total as f64).min(1.0)
    };
    v1::JobProgress {
        job_id: job.to_string(),
        percent_done,
        total_files: *files_total,
        files_done: *files_done,
        total_bytes: total,
        bytes_done: done,
        error_count: *error_count,
        seconds_elapsed: elapsed.as_secs(),
        seconds_remaining: remaining.map(|remaining| remaining.as_secs()),
        current_files: current_files.iter().map(ToString::to_string).collect(),
        waiting_for_repository: *waiting_for_repository,
    }
}

fn snapshot(snapshot: &Snapshot) -> v1::SnapshotInfo {
    let Snapshot {
        id,
        time,
        restic_host,
        paths,
        tags,
        size,
        file_count,
        program_version,
    } = snapshot;
    v1::SnapshotInfo {
        id: id.to_string(),
        time: time.to_string(),
        hostname: restic_host.to_string(),
        paths: paths.iter().map(ToString::to_string).collect(),
        tags: tags.iter().map(ToString::to_string).collect(),
        size_bytes: size.map(ByteSize::as_bytes),
        file_count: *file_count,
        program_version: program_version.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn job_kind(kind: JobKind) -> v1::JobKind {
    match kind {
        JobKind::Backup => v1::JobKind::Backup,
        JobKind::Init => v1::JobKind::Init,
        JobKind::Probe => v1::JobKind::Probe,
        JobKind::Snapshots => v1::JobKind::Snapshots,
        JobKind::Unlock => v1::JobKind::Unlock,
        JobKind::Stats => v1::JobKind::Stats,
    }
}

fn desired_kind(kind: DesiredKind) -> v1::DesiredKind {
    match kind {
        DesiredKind::Credentials => v1::DesiredKind::Credentials,
        DesiredKind::Settings => v1::DesiredKind::Settings,
        DesiredKind::TrustBundle => v1::DesiredKind::TrustBundle,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::job::{FailureCause, FailureCode};
    use uuid::Uuid;

    use super::super::MAX_MESSAGE_BYTES;
    use super::*;

    #[test]
    fn an_event_gets_its_number_when_it_is_sent() {
        let at: Timestamp = "2026-05-01T02:00:00.5Z".parse().unwrap();
        let body = event(&Fact::JobRunning { job: job() }, at);

        let message = events(vec![(7, body), (8, b"\xff\xff".to_vec())]);

        let Some(Body::Events(batch)) = message.body else {
            panic!("these are events")
        };
        assert_eq!((batch.events[0].seq, batch.events[1].seq), (7, 8));
        assert_eq!(batch.events[0].occurred_at, Some(to_timestamp(at)));
        assert!(batch.events[1].event.is_none());
    }

    #[test]
    fn a_failure_travels_with_code_and_reason() {
        let outcome = Outcome::Failed {
            started_at: None,
            cause: FailureCause {
                code: FailureCode::WrongPassword,
                exit_code: Some(12),
                message: "wrong password or no key found".into(),
            },
        };

        let finished = finished(job(), &end(outcome, Problems::default()));

        assert_eq!(finished.outcome, i32::from(v1::JobOutcome::Failed));
        assert_eq!(finished.result_code, "wrong_password");
        assert_eq!(finished.message, "wrong password or no key found");
        assert!(finished.summary.is_none());
    }

    #[test]
    fn a_warning_travels_with_numbers_and_issues() {
        let mut problems = Problems::default();
        problems.push(Problem {
            item: "/etc/shadow".into(),
            message: "permission denied".into(),
        });
        let backup = BackupSummary {
            files_new: 3,
            bytes_packed: Some(ByteSize::from_bytes(12)),
            duration: Duration::from_millis(1500),
            ..BackupSummary::default()
        };
        let outcome = Outcome::Warning {
            started_at: Timestamp::UNIX_EPOCH,
            summary: Summary::Backup(backup),
            problems: problems.clone(),
        };

        let finished = finished(job(), &end(outcome, problems));

        assert_eq!((finished.result_code.as_str(), finished.issue_count), ("issues", 1));
        assert_eq!(finished.issues[0].item, "/etc/shadow");
        let summary = finished.summary.unwrap();
        assert_eq!((summary.files_new, summary.data_added_packed), (3, Some(12)));
        assert!((summary.total_duration_seconds - 1.5).abs() < 1e-9);
    }

    #[test]
    fn the_longest_end_fits_into_a_message() {
        let mut problems = Problems::default();
        for _ in 0..200 {
            problems.push(Problem {
                item: "x".repeat(5000).into(),
                message: "y".repeat(5000).into(),
            });
        }
        let outcome = Outcome::Interrupted {
            started_at: Timestamp::UNIX_EPOCH,
            message: "z".repeat(5000).into(),
        };

        let body = event(
            &Fact::JobFinished {
                job: job(),
                end: Box::new(end(outcome, problems)),
            },
            Timestamp::UNIX_EPOCH,
        );

        assert!(events(vec![(u64::MAX, body)]).encoded_len() < MAX_MESSAGE_BYTES);
    }

    #[test]
    fn an_emptied_report_keeps_its_place_and_never_takes_effect() {
        let report = Fact::Snapshots {
            job: job(),
            repository: domain::id::RepositoryId::from_uuid(Uuid::nil()),
            part: 0,
            last: true,
            snapshots: vec![Snapshot {
                id: "ab".repeat(32).parse().unwrap(),
                time: Timestamp::UNIX_EPOCH,
                restic_host: "web-1".into(),
                paths: vec!["/etc".into()],
                tags: Vec::new(),
                size: None,
                file_count: None,
                program_version: None,
            }],
        };

        let emptied = emptied_report(&event(&report, Timestamp::UNIX_EPOCH));

        let event = v1::Event::decode(emptied.as_slice()).unwrap();
        let Some(v1::event::Event::SnapshotReport(report)) = event.event else {
            panic!("it is a report")
        };
        assert!(report.snapshots.is_empty() && !report.last);
        assert!(event.occurred_at.is_some());
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        let nothing = progress(job(), &Progress::default());
        let half = progress(
            job(),
            &Progress {
                bytes_done: ByteSize::from_bytes(1),
                bytes_total: ByteSize::from_bytes(2),
                ..Progress::default()
            },
        );

        assert!(nothing.percent_done.abs() < f64::EPSILON);
        assert!((half.percent_done - 0.5).abs() < f64::EPSILON);
    }

    fn end(outcome: Outcome, problems: Problems) -> End {
        End {
            outcome,
            problems,
            exit_code: None,
            restic_repository: None,
            log_lines: 0,
        }
    }

    fn job() -> JobId {
        JobId::from_uuid(Uuid::from_u128(1))
    }
}
