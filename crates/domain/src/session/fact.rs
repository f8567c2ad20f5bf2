//! [`Fact`]: what an agent reports and the server must not lose.

use super::{DesiredKind, Stamp};
use crate::id::{JobId, RepositoryId};
use crate::job::{
    BackupSummary, FailureCause, FailureCode, JobKind, Outcome, Problems, ResultCode, Stage, Summary, UnlockSummary,
};
use crate::repository::RepositoryStats;
use crate::snapshot::Snapshot;
use crate::{Actor, ReportedText, ResticRepositoryId, Timestamp};

/// One entry of an agent's outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEvent {
    /// Position in the outbox, from 1, without gaps.
    pub seq: u64,
    /// When it happened, by the machine's clock; `None` when what the agent said is not a time.
    pub occurred_at: Option<Timestamp>,
    /// What happened.
    pub fact: Fact,
}

/// Something that happened on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A job's turn came.
    JobStarted {
        /// Which.
        job: JobId,
        /// What it does and where, so that a server that does not know it can take it up; `None` for a kind of work that
        /// this server does not know.
        work: Option<(JobKind, RepositoryId)>,
    },
    /// restic runs.
    JobRunning {
        /// Which job.
        job: JobId,
    },
    /// restic has ended, the job has not.
    JobFinalizing {
        /// Which job.
        job: JobId,
    },
    /// A part of a list of snapshots.
    Snapshots(SnapshotPart),
    /// A job has ended.
    JobFinished {
        /// Which.
        job: JobId,
        /// How.
        end: Box<JobEnd>,
    },
    /// A part of the desired state was stored, or could not be.
    DesiredApplied {
        /// Which part.
        kind: DesiredKind,
        /// Which state of it.
        stamp: Stamp,
        /// Why it could not be stored; `None` when it was.
        error: Option<ReportedText<1000>>,
    },
    /// Something that this server cannot read.
    Unusable {
        /// What is wrong with it, for the log.
        why: String,
    },
}

/// A part of the list of a host's snapshots in a repository. The list takes effect with its last part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPart {
    /// The job that made the list.
    pub job: JobId,
    /// The repository.
    pub repository: RepositoryId,
    /// Position of the part, from 0.
    pub part: u32,
    /// Whether it is the last.
    pub last: bool,
    /// What stands in it.
    pub snapshots: Vec<Snapshot>,
}

impl SnapshotPart {
    /// The most parts of one list.
    pub const MAX_PARTS: u32 = 1024;
    /// The most snapshots of one list.
    pub const MAX_SNAPSHOTS: u64 = 100_000;
}

/// How a job ended, as its agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// The verdict.
    pub ending: Ending,
    /// Why it failed; `None` when it did not, or for a word that this server does not know.
    pub failure: Option<FailureCode>,
    /// What happened, in a sentence.
    pub message: ReportedText<2000>,
    /// restic's exit code; `None` when it did not run to an end.
    pub exit_code: Option<i32>,
    /// The numbers of a backup.
    pub backup: Option<BackupSummary>,
    /// What an unlock did; `None` for other kinds.
    pub unlock: Option<UnlockSummary>,
    /// What a look at the repository's size found; `None` for other kinds.
    pub stats: Option<RepositoryStats>,
    /// What could not be read.
    pub problems: Problems,
    /// When the job's turn came, by the machine's clock; `None` before it, and from agents that do not say.
    pub started_at: Option<Timestamp>,
    /// Lines of the log in all.
    pub log_lines: u64,
    /// The repository that the job saw; `None` when it did not come so far.
    pub restic_repository: Option<ResticRepositoryId>,
}

/// The verdict of a [`JobEnd`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All was done.
    Succeeded,
    /// The snapshot exists, without some of the sources.
    Warning,
    /// It failed.
    Failed,
    /// A cancel command ended it.
    Cancelled,
    /// Its deadline ended it.
    TimedOut,
    /// The machine went down or the process was killed.
    Interrupted,
}

impl Fact {
    /// The stage that a job has reached by this fact, when that was `at`. `None` for facts that are about something else,
    /// or about an end.
    pub fn stage(&self, started_at: Option<Timestamp>, at: Timestamp) -> Option<(JobId, Stage)> {
        let started_at = started_at.unwrap_or(at);
        match self {
            Self::JobStarted { job, .. } => Some((*job, Stage::Preparing { started_at })),
            Self::JobRunning { job } => Some((*job, Stage::Running { started_at })),
            Self::JobFinalizing { job } => Some((*job, Stage::Finalizing { started_at })),
            Self::Snapshots(_) | Self::JobFinished { .. } | Self::DesiredApplied { .. } | Self::Unusable { .. } => None,
        }
    }

    /// Whether a list of snapshots is whole with it.
    pub const fn ends_a_list(&self) -> bool {
        matches!(self, Self::Snapshots(SnapshotPart { last: true, .. }))
    }

    /// The job it is about.
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::JobStarted { job, .. }
            | Self::JobRunning { job }
            | Self::JobFinalizing { job }
            | Self::JobFinished { job, .. } => Some(*job),
            Self::Snapshots(part) => Some(part.job),
            Self::DesiredApplied { .. } | Self::Unusable { .. } => None,
        }
    }
}

impl JobEnd {
    /// The end in the job machine's words.
    ///
    /// `started_at` is what the server knows of the job. What the report itself says goes before it, so that the outcome does
    /// not depend on what arrived earlier; where neither knows anything, `at`, the time of the report, stands in.
    /// A success that lacks what its kind must have found is a failure: an init that does not say which repository there
    /// is now proves nothing.
    pub fn outcome(self, kind: JobKind, started_at: Option<Timestamp>, at: Timestamp, cancelled_by: Actor) -> Outcome {
        let started_at = self.started_at.or(started_at);
        let begun = started_at.unwrap_or(at);
        match self.ending {
            Ending::Succeeded => match self.summary(kind) {
                Some(summary) => Outcome::Succeeded {
                    started_at: begun,
                    summary,
                },
                None => self.failed(started_at),
            },
            Ending::Warning => match self.summary(kind) {
                Some(summary) => Outcome::Warning {
                    started_at: begun,
                    summary,
                    problems: self.problems,
                },
                None => self.failed(started_at),
            },
            Ending::Failed => self.failed(started_at),
            Ending::Cancelled => Outcome::Cancelled {
                started_at,
                by: cancelled_by,
            },
            Ending::TimedOut => Outcome::TimedOut {
                started_at: begun,
                message: self.message,
            },
            Ending::Interrupted => Outcome::Interrupted {
                started_at: begun,
                message: self.message,
            },
        }
    }

    /// What the end says about the repository.
    pub fn result_code(&self) -> ResultCode {
        match self.ending {
            Ending::Succeeded => ResultCode::Ok,
            Ending::Warning => ResultCode::Issues,
            Ending::Failed => ResultCode::Failed(self.failure_code()),
            Ending::Cancelled => ResultCode::Cancelled,
            Ending::TimedOut => ResultCode::TimedOut,
            Ending::Interrupted => ResultCode::Interrupted,
        }
    }

    fn summary(&self, kind: JobKind) -> Option<Summary> {
        match kind {
            JobKind::Backup => Some(Summary::Backup(self.backup.clone().unwrap_or_default())),
            JobKind::Init => self.restic_repository.map(|repository| Summary::Init { repository }),
            JobKind::Probe => self.restic_repository.map(|repository| Summary::Probe { repository }),
            JobKind::Snapshots => Some(Summary::Snapshots),
            JobKind::Unlock => Some(Summary::Unlock(self.unlock.clone().unwrap_or_default())),
            JobKind::Stats => self.stats.clone().map(Summary::Stats),
        }
    }

    fn failed(self, started_at: Option<Timestamp>) -> Outcome {
        Outcome::Failed {
            started_at,
            cause: FailureCause {
                code: self.failure_code(),
                exit_code: self.exit_code,
                message: self.message,
            },
        }
    }

    fn failure_code(&self) -> FailureCode {
        self.failure.unwrap_or(FailureCode::Exit(self.exit_code.unwrap_or(-1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_becomes_its_outcome() {
        for (ending, kind, code) in [
            (Ending::Succeeded, JobKind::Backup, "ok"),
            (Ending::Warning, JobKind::Backup, "issues"),
            (Ending::Failed, JobKind::Backup, "wrong_password"),
            (Ending::Cancelled, JobKind::Backup, "cancelled"),
            (Ending::TimedOut, JobKind::Probe, "timed_out"),
            (Ending::Interrupted, JobKind::Backup, "interrupted"),
            (Ending::Succeeded, JobKind::Snapshots, "ok"),
        ] {
            let outcome = end(ending).outcome(kind, None, time(9), Actor::System);

            assert_eq!(finished(outcome).result_code().unwrap().to_string(), code, "{ending:?}");
            assert_eq!(end(ending).result_code().to_string(), code, "{ending:?}");
        }
    }

    #[test]
    fn the_report_knows_best_when_the_work_began() {
        for (reported, known, expected) in [
            (Some(2), Some(4), 2),
            (None, Some(4), 4),
            (Some(2), None, 2),
            (None, None, 9),
        ] {
            let end = JobEnd {
                started_at: reported.map(time),
                ..end(Ending::Succeeded)
            };

            let outcome = end.outcome(JobKind::Backup, known.map(time), time(9), Actor::System);

            assert_eq!(
                finished(outcome).started_at(),
                Some(time(expected)),
                "{reported:?} {known:?}"
            );
        }
    }

    #[test]
    fn an_init_that_found_no_repository_has_failed() {
        let outcome = end(Ending::Succeeded).outcome(JobKind::Init, Some(time(1)), time(9), Actor::System);

        assert!(
            matches!(outcome, Outcome::Failed { started_at: Some(at), .. } if at == time(1)),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_failure_without_a_known_word_is_known_by_its_exit_code() {
        let unknown = |exit_code| JobEnd {
            failure: None,
            exit_code,
            ..end(Ending::Failed)
        };

        assert_eq!(unknown(Some(7)).result_code().to_string(), "exit_7");
        assert_eq!(unknown(None).result_code().to_string(), "exit_-1");
    }

    #[test]
    fn a_start_that_nobody_reported_is_the_time_of_the_report() {
        let job = JobId::from_uuid(uuid::Uuid::nil());
        let fact = Fact::JobRunning { job };

        assert_eq!(
            fact.stage(None, time(5)),
            Some((job, Stage::Running { started_at: time(5) }))
        );
        assert_eq!(
            fact.stage(Some(time(2)), time(5)),
            Some((job, Stage::Running { started_at: time(2) }))
        );
    }

    fn finished(outcome: Outcome) -> crate::job::JobState {
        let event = crate::job::JobEvent::Finished { at: time(9), outcome };
        crate::job::next(crate::job::JobState::Queued, event).unwrap()
    }

    fn end(ending: Ending) -> JobEnd {
        JobEnd {
            ending,
            failure: Some(FailureCode::WrongPassword),
            message: "why".into(),
            exit_code: None,
            backup: None,
            unlock: None,
            stats: None,
            problems: Problems::default(),
            started_at: None,
            log_lines: 0,
            restic_repository: None,
        }
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_seconds(second, 0).unwrap()
    }
}
