//! [`Fact`]: what an agent reports.

use std::time::Duration;

use domain::ByteSize;
use domain::job::{BackupSummary, FailureCode, Problem, Problems, UnlockSummary};
use domain::repository::{RepositoryLock, RepositoryStats};
use domain::session::{Ending, Fact, JobEnd, SnapshotPart, Stamp};
use domain::snapshot::Snapshot;

use super::super::{Invalid, required};
use super::up::{desired_kind, instant, job_kind, said};
use crate::agent::v1;

/// Reads what happened. It never fails: what cannot be read is a fact of its own.
pub(super) fn fact(message: Option<v1::event::Event>) -> Fact {
    let read = message.map_or_else(|| Err(Invalid::missing("event")), read);
    read.unwrap_or_else(|invalid| Fact::Unusable { why: why(&invalid) })
}

fn read(message: v1::event::Event) -> Result<Fact, Invalid> {
    use v1::event::Event;

    match message {
        Event::JobStarted(started) => {
            let v1::JobStarted {
                job_id,
                kind,
                repository_id,
            } = started;
            let repository = repository_id.parse().ok();
            Ok(Fact::JobStarted {
                job: required("job_id", &job_id)?,
                work: job_kind(kind).zip(repository),
            })
        }
        Event::JobPhaseChanged(changed) => phase(&changed),
        Event::SnapshotReport(report) => snapshots(report).map(Fact::Snapshots),
        Event::JobFinished(finished) => {
            let job = required("job_id", &finished.job_id)?;
            let end = Box::new(job_end(finished));
            Ok(Fact::JobFinished { job, end })
        }
        Event::DesiredStateApplied(applied) => {
            let v1::DesiredStateApplied {
                kind,
                version,
                hash,
                error,
            } = applied;
            let kind = desired_kind(kind).ok_or_else(|| Invalid::argument("kind", "a known part is needed"))?;
            let stamp = Stamp {
                version,
                hash: hash.into(),
            };
            Ok(Fact::DesiredApplied {
                kind,
                stamp,
                error: said(error),
            })
        }
    }
}

fn phase(message: &v1::JobPhaseChanged) -> Result<Fact, Invalid> {
    let v1::JobPhaseChanged { job_id, phase } = message;
    let job = required("job_id", job_id)?;
    match v1::JobPhase::try_from(*phase) {
        Ok(v1::JobPhase::Preparing) => Ok(Fact::JobStarted { job, work: None }),
        Ok(v1::JobPhase::Running) => Ok(Fact::JobRunning { job }),
        Ok(v1::JobPhase::Finalizing) => Ok(Fact::JobFinalizing { job }),
        Ok(v1::JobPhase::Unspecified | v1::JobPhase::Accepted) | Err(_) => {
            Err(Invalid::argument("phase", "a phase of a job at work is needed"))
        }
    }
}

fn snapshots(message: v1::SnapshotReport) -> Result<SnapshotPart, Invalid> {
    let v1::SnapshotReport {
        job_id,
        repository_id,
        part,
        last,
        snapshots,
    } = message;
    Ok(SnapshotPart {
        job: required("job_id", &job_id)?,
        repository: required("repository_id", &repository_id)?,
        part,
        last,
        snapshots: snapshots
            .into_iter()
            .map(Snapshot::try_from)
            .collect::<Result<_, _>>()?,
    })
}

impl TryFrom<v1::SnapshotInfo> for Snapshot {
    type Error = Invalid;

    fn try_from(message: v1::SnapshotInfo) -> Result<Self, Invalid> {
        let v1::SnapshotInfo {
            id,
            time,
            hostname,
            paths,
            tags,
            size_bytes,
            file_count,
            program_version,
        } = message;
        Ok(Self {
            id: required("id", &id)?,
            time: required("time", &time)?,
            restic_host: hostname.into(),
            paths: paths.into_iter().map(Into::into).collect(),
            tags: tags.into_iter().map(Into::into).collect(),
            size: size_bytes.map(ByteSize::from_bytes),
            file_count,
            program_version: said(program_version),
        })
    }
}

/// Lenient wherever it can be: an end that is not understood would leave its job running for ever.
fn job_end(message: v1::JobFinished) -> JobEnd {
    let v1::JobFinished {
        job_id: _,
        outcome,
        result_code,
        message,
        exit_code,
        summary,
        issue_count,
        issues,
        log_lines,
        restic_repository_id,
        started_at,
        unlock,
        stats,
    } = message;
    let ending = match v1::JobOutcome::try_from(outcome) {
        Ok(v1::JobOutcome::Succeeded) => Ending::Succeeded,
        Ok(v1::JobOutcome::Warning) => Ending::Warning,
        Ok(v1::JobOutcome::Cancelled) => Ending::Cancelled,
        Ok(v1::JobOutcome::TimedOut) => Ending::TimedOut,
        Ok(v1::JobOutcome::Interrupted) => Ending::Interrupted,
        Ok(v1::JobOutcome::Failed | v1::JobOutcome::Unspecified) | Err(_) => Ending::Failed,
    };
    let first = issues.into_iter().take(Problems::KEPT).map(problem).collect();
    JobEnd {
        ending,
        failure: result_code.parse::<FailureCode>().ok(),
        message: message.into(),
        exit_code,
        backup: summary.map(BackupSummary::from),
        unlock: unlock.map(UnlockSummary::from),
        stats: stats.map(RepositoryStats::from),
        problems: Problems::new(issue_count, first),
        log_lines,
        restic_repository: restic_repository_id.parse().ok(),
        started_at: started_at.and_then(instant),
    }
}

fn problem(message: v1::Issue) -> Problem {
    let v1::Issue { item, message } = message;
    Problem {
        item: item.into(),
        message: message.into(),
    }
}

impl From<v1::UnlockSummary> for UnlockSummary {
    fn from(message: v1::UnlockSummary) -> Self {
        let v1::UnlockSummary { removed, left } = message;
        Self {
            removed: locks(removed),
            left: locks(left),
        }
    }
}

impl From<v1::RepositoryStats> for RepositoryStats {
    fn from(message: v1::RepositoryStats) -> Self {
        let v1::RepositoryStats {
            raw_size,
            uncompressed_size,
            restore_size,
            snapshot_count,
            locks_known,
            locks: found,
        } = message;
        Self {
            raw_size: raw_size.map(ByteSize::from_bytes),
            uncompressed_size: uncompressed_size.map(ByteSize::from_bytes),
            restore_size: restore_size.map(ByteSize::from_bytes),
            snapshot_count,
            locks: locks_known.then(|| locks(found)),
        }
    }
}

/// The locks that make sense, at most [`RepositoryLock::KEPT`].
fn locks(messages: Vec<v1::RepositoryLock>) -> Vec<RepositoryLock> {
    messages
        .into_iter()
        .filter_map(lock)
        .take(RepositoryLock::KEPT)
        .collect()
}

fn lock(message: v1::RepositoryLock) -> Option<RepositoryLock> {
    let v1::RepositoryLock {
        id,
        exclusive,
        hostname,
        username,
        pid,
        since,
    } = message;
    Some(RepositoryLock {
        id: id.into(),
        exclusive,
        hostname: hostname.into(),
        username: username.into(),
        pid,
        since: since.parse().ok()?,
    })
}

impl From<v1::BackupSummary> for BackupSummary {
    fn from(message: v1::BackupSummary) -> Self {
        let v1::BackupSummary {
            snapshot_id,
            files_new,
            files_changed,
            files_unmodified,
            dirs_new,
            dirs_changed,
            dirs_unmodified,
            total_files_processed,
            total_bytes_processed,
            data_added,
            data_added_packed,
            total_duration_seconds,
        } = message;
        Self {
            snapshot: snapshot_id.parse().ok(),
            files_new,
            files_changed,
            files_unmodified,
            dirs_new,
            dirs_changed,
            dirs_unmodified,
            files_processed: total_files_processed,
            bytes_processed: ByteSize::from_bytes(total_bytes_processed),
            bytes_added: ByteSize::from_bytes(data_added),
            bytes_packed: data_added_packed.map(ByteSize::from_bytes),
            duration: Duration::try_from_secs_f64(total_duration_seconds).unwrap_or_default(),
        }
    }
}

fn why(invalid: &Invalid) -> String {
    let problem = invalid.problems().first();
    problem.map_or_else(String::new, |problem| format!("{}: {}", problem.field, problem.message))
}

#[cfg(test)]
mod tests {
    use domain::job::ResultCode;

    use super::*;
    use v1::event::Event;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn each_phase_is_its_fact() {
        for (phase, expected) in [
            (1, "JobStarted"),
            (2, "JobRunning"),
            (3, "JobFinalizing"),
            (0, "Unusable"),
            (9, "Unusable"),
        ] {
            let read = fact(Some(Event::JobPhaseChanged(v1::JobPhaseChanged {
                job_id: ID.to_owned(),
                phase,
            })));

            assert!(format!("{read:?}").starts_with(expected), "{phase}: {read:?}");
        }
    }

    #[test]
    fn an_end_is_read_even_where_its_words_are_strange() {
        for (outcome, code, exit_code, expected) in [
            (1, "ok", Some(0), "ok"),
            (2, "issues", Some(3), "issues"),
            (3, "wrong_password", Some(12), "wrong_password"),
            (3, "invented_later", Some(5), "exit_5"),
            (4, "cancelled", None, "cancelled"),
            (5, "timed_out", None, "timed_out"),
            (6, "interrupted", None, "interrupted"),
            (99, "", None, "exit_-1"),
        ] {
            let read = fact(Some(Event::JobFinished(v1::JobFinished {
                job_id: ID.to_owned(),
                outcome,
                result_code: code.to_owned(),
                exit_code,
                ..v1::JobFinished::default()
            })));

            let Fact::JobFinished { end, .. } = read else {
                panic!("{read:?}")
            };
            assert_eq!(end.result_code().to_string(), expected);
        }
    }

    #[test]
    fn numbers_of_a_backup_survive_nonsense_in_one_of_them() {
        for (seconds, expected) in [(1.5, 1500), (-1.0, 0), (f64::NAN, 0), (f64::INFINITY, 0)] {
            let summary = BackupSummary::from(v1::BackupSummary {
                snapshot_id: "ab".repeat(32),
                total_duration_seconds: seconds,
                data_added: 7,
                ..v1::BackupSummary::default()
            });

            assert_eq!(summary.duration.as_millis(), expected, "{seconds}");
            assert_eq!(summary.bytes_added.as_bytes(), 7);
            assert!(summary.snapshot.is_some());
        }
    }

    #[test]
    fn a_lock_without_a_time_is_left_out_and_no_more_than_twenty_are_taken() {
        let lock = |since: &str| v1::RepositoryLock {
            id: "ab".repeat(32),
            exclusive: true,
            hostname: "web-1".to_owned(),
            username: "root".to_owned(),
            pid: 7,
            since: since.to_owned(),
        };
        let stats = |locks_known, locks| {
            RepositoryStats::from(v1::RepositoryStats {
                raw_size: Some(5),
                locks_known,
                locks,
                ..v1::RepositoryStats::default()
            })
        };

        let some = stats(true, vec![lock("yesterday"), lock("2026-05-01T04:00:00Z")]);
        let many = stats(true, vec![lock("2026-05-01T04:00:00Z"); 30]);
        let unknown = stats(false, Vec::new());

        let known = some.locks.unwrap();
        assert_eq!((known.len(), known[0].pid, known[0].exclusive), (1, 7, true));
        assert_eq!(many.locks.map(|locks| locks.len()), Some(RepositoryLock::KEPT));
        assert_eq!(
            (unknown.locks, unknown.raw_size.map(ByteSize::as_bytes)),
            (None, Some(5))
        );
    }

    #[test]
    fn one_snapshot_that_cannot_be_read_spoils_its_part() {
        let part = |id: String| {
            fact(Some(Event::SnapshotReport(v1::SnapshotReport {
                job_id: ID.to_owned(),
                repository_id: ID.to_owned(),
                part: 0,
                last: true,
                snapshots: vec![v1::SnapshotInfo {
                    id,
                    time: "2026-05-01T04:00:00.123456789+02:00".to_owned(),
                    ..v1::SnapshotInfo::default()
                }],
            })))
        };

        let Fact::Snapshots(good) = part("ab".repeat(32)) else {
            panic!("it can be read")
        };
        assert_eq!(good.snapshots[0].time.to_string(), "2026-05-01T02:00:00.123456Z");
        assert!(matches!(part("abcd".to_owned()), Fact::Unusable { why } if why.starts_with("id: ")));
    }

    #[test]
    fn what_was_applied_is_told_from_what_could_not_be() {
        for (error, failed) in [("", false), ("disk full", true)] {
            let read = fact(Some(Event::DesiredStateApplied(v1::DesiredStateApplied {
                kind: v1::DesiredKind::TrustBundle.into(),
                version: 4,
                hash: "aa".to_owned(),
                error: error.to_owned(),
            })));

            assert!(matches!(read, Fact::DesiredApplied { error, .. } if error.is_some() == failed));
        }
    }

    #[test]
    fn the_result_of_a_success_is_its_outcome_and_not_its_word() {
        let read = fact(Some(Event::JobFinished(v1::JobFinished {
            job_id: ID.to_owned(),
            outcome: v1::JobOutcome::Succeeded.into(),
            result_code: "wrong_password".to_owned(),
            ..v1::JobFinished::default()
        })));

        assert!(matches!(read, Fact::JobFinished { end, .. } if end.result_code() == ResultCode::Ok));
    }
}
