//! Jobs: what is asked of them, and how they are shown.

use domain::id::{HostId, JobId, SourceGroupId};
use domain::job::{
    BackupSummary, Job, JobKind, JobQuery, JobView, LogQuery, Mode, Phase, Problem, Problems, Progress, Reinit, RunJob,
    Sources, Status, Summary, UnlockSummary, Work,
};
use domain::path::{BackupPaths, InvalidPaths};
use domain::repository::RepositoryLock;
use domain::{Actor, ErrorCode};

use super::{Invalid, from_timestamp, page, parse, required, to_timestamp};
use crate::v1;

/// The most source groups that a host can have.
const GROUPS: usize = 64;

impl TryFrom<v1::RunJobRequest> for RunJob {
    type Error = Invalid;

    fn try_from(message: v1::RunJobRequest) -> Result<Self, Invalid> {
        let v1::RunJobRequest {
            host_id,
            kind,
            args,
            source_group_ids,
            queue_if_offline,
            // The door has acted on it.
            request_id: _,
            remove_all,
        } = message;
        let host = required("host_id", &host_id)?;
        if kind.is_empty() {
            return Err(Invalid::missing("kind"));
        }
        let kind: JobKind = kind
            .parse()
            .map_err(|error| Invalid::with_code("kind", ErrorCode::InvalidKind, error))?;
        let work = match kind {
            JobKind::Backup => Work::Backup(sources(&args, &source_group_ids)?),
            JobKind::Init => without_sources(Work::Init, &args, &source_group_ids)?,
            JobKind::Probe => without_sources(Work::Probe, &args, &source_group_ids)?,
            JobKind::Snapshots => without_sources(Work::Snapshots, &args, &source_group_ids)?,
            JobKind::Unlock => without_sources(Work::Unlock { all: remove_all }, &args, &source_group_ids)?,
            JobKind::Stats => without_sources(Work::Stats, &args, &source_group_ids)?,
        };
        if remove_all && kind != JobKind::Unlock {
            return Err(Invalid::argument("remove_all", "only an unlock removes locks"));
        }
        Ok(Self {
            host,
            work,
            queue_if_offline,
        })
    }
}

impl TryFrom<v1::ReinitHostRepositoryRequest> for Reinit {
    type Error = Invalid;

    fn try_from(message: v1::ReinitHostRepositoryRequest) -> Result<Self, Invalid> {
        let v1::ReinitHostRepositoryRequest {
            host_id,
            confirm_hostname,
            // The door has acted on it.
            request_id: _,
        } = message;
        let host = required("host_id", &host_id)?;
        if confirm_hostname.is_empty() {
            return Err(Invalid::missing("confirm_hostname"));
        }
        Ok(Self {
            host,
            confirmation: confirm_hostname,
        })
    }
}

impl TryFrom<v1::ListHostJobsRequest> for JobQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListHostJobsRequest) -> Result<Self, Invalid> {
        let v1::ListHostJobsRequest {
            host_id,
            kind,
            status,
            page_size,
            page_token,
        } = message;
        Ok(Self {
            host: Some(required("host_id", &host_id)?),
            kind: kind_filter(kind)?,
            status: status_filter(status)?,
            from: None,
            to: None,
            page: page(page_size, page_token)?,
        })
    }
}

impl TryFrom<v1::ListJobsRequest> for JobQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListJobsRequest) -> Result<Self, Invalid> {
        let v1::ListJobsRequest {
            host_id,
            kind,
            status,
            from,
            to,
            page_size,
            page_token,
        } = message;
        Ok(Self {
            host: super::optional::<HostId>("host_id", &host_id)?,
            kind: kind_filter(kind)?,
            status: status_filter(status)?,
            from: from.map(|from| from_timestamp("from", &from)).transpose()?,
            to: to.map(|to| from_timestamp("to", &to)).transpose()?,
            page: page(page_size, page_token)?,
        })
    }
}

impl TryFrom<v1::GetJobRequest> for JobId {
    type Error = Invalid;

    fn try_from(message: v1::GetJobRequest) -> Result<Self, Invalid> {
        let v1::GetJobRequest { id } = message;
        required("id", &id)
    }
}

impl TryFrom<v1::CancelJobRequest> for JobId {
    type Error = Invalid;

    fn try_from(message: v1::CancelJobRequest) -> Result<Self, Invalid> {
        let v1::CancelJobRequest { id } = message;
        required("id", &id)
    }
}

impl TryFrom<v1::WatchJobRequest> for JobId {
    type Error = Invalid;

    fn try_from(message: v1::WatchJobRequest) -> Result<Self, Invalid> {
        let v1::WatchJobRequest { id } = message;
        required("id", &id)
    }
}

impl TryFrom<v1::GetJobLogRequest> for LogQuery {
    type Error = Invalid;

    fn try_from(message: v1::GetJobLogRequest) -> Result<Self, Invalid> {
        let v1::GetJobLogRequest { id, from_seq, limit } = message;
        let limit = match limit {
            0 => Self::DEFAULT_LINES,
            1..=Self::MAX_LINES => limit,
            _ => {
                return Err(Invalid::argument(
                    "limit",
                    "a whole number from 1 to 5000 is needed, or 0 for 1000",
                ));
            }
        };
        Ok(Self {
            job: required("id", &id)?,
            from: from_seq.max(1),
            limit,
        })
    }
}

impl From<JobView> for v1::Job {
    fn from(view: JobView) -> Self {
        let JobView {
            job,
            hostname,
            actor_name,
            log,
            progress,
            unreachable,
        } = view;
        // The version guards writers, the attempt belongs to schedules: neither is shown.
        let Job {
            id,
            host_id,
            repository_id,
            kind,
            mode,
            source_group_id,
            paths,
            actor,
            attempt: _,
            created_at,
            cancel_requested,
            state,
            version: _,
        } = job;
        Self {
            id: id.to_string(),
            host_id: host_id.to_string(),
            hostname: hostname.to_string(),
            repository_id: repository_id.to_string(),
            kind: v1::JobKind::from(kind).into(),
            status: v1::JobStatus::from(state.status()).into(),
            phase: v1::JobPhase::from(state.phase()).into(),
            with_issues: state.with_issues(),
            result_code: state.result_code().map(|code| code.to_string()).unwrap_or_default(),
            error: state.error(kind).unwrap_or_default(),
            actor_kind: v1::JobActorKind::from(actor).into(),
            actor_id: actor.id().unwrap_or_default(),
            actor_name: actor_name.to_string(),
            source_group_id: source_group_id.map(|id| id.to_string()),
            paths: paths.as_ref().map(BackupPaths::to_strings).unwrap_or_default(),
            created_at: Some(to_timestamp(created_at)),
            started_at: state.started_at().map(to_timestamp),
            finished_at: state.finished_at().map(to_timestamp),
            exit_code: state.exit_code(),
            summary: state
                .summary()
                .and_then(|summary| backup_summary(summary, state.problems())),
            progress: progress.map(Into::into),
            log_lines: log.lines,
            log_truncated: log.is_incomplete(),
            log_tail: Vec::new(),
            cancel_requested: cancel_requested.is_some() && !state.is_terminal(),
            log_expired: log.removed_at.is_some(),
            unreachable,
            unlock: state.summary().and_then(unlock_summary),
            remove_all: mode == Mode::All,
            must_be_new: mode == Mode::Anew,
        }
    }
}

impl From<Progress> for v1::JobProgress {
    fn from(progress: Progress) -> Self {
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
        Self {
            percent_done: share(bytes_done.as_bytes(), bytes_total.as_bytes()),
            total_files: files_total,
            files_done,
            total_bytes: bytes_total.as_bytes(),
            bytes_done: bytes_done.as_bytes(),
            error_count,
            seconds_elapsed: elapsed.as_secs(),
            seconds_remaining: remaining.map(|remaining| remaining.as_secs()),
            current_files: current_files.iter().map(ToString::to_string).collect(),
            waiting_for_repository,
        }
    }
}

impl From<JobKind> for v1::JobKind {
    fn from(kind: JobKind) -> Self {
        match kind {
            JobKind::Backup => Self::Backup,
            JobKind::Init => Self::Init,
            JobKind::Probe => Self::Probe,
            JobKind::Snapshots => Self::Snapshots,
            JobKind::Unlock => Self::Unlock,
            JobKind::Stats => Self::Stats,
        }
    }
}

impl From<Status> for v1::JobStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Succeeded => Self::Succeeded,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Phase> for v1::JobPhase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Queued => Self::Queued,
            Phase::Sent => Self::Sent,
            Phase::Accepted => Self::Accepted,
            Phase::Preparing => Self::Preparing,
            Phase::Running => Self::Running,
            Phase::Finalizing => Self::Finalizing,
            Phase::Succeeded => Self::Succeeded,
            Phase::Warning => Self::Warning,
            Phase::Failed => Self::Failed,
            Phase::Cancelled => Self::Cancelled,
            Phase::TimedOut => Self::TimedOut,
            Phase::Interrupted => Self::Interrupted,
            Phase::Expired => Self::Expired,
            Phase::Refused => Self::Refused,
            Phase::Lost => Self::Lost,
        }
    }
}

impl From<Actor> for v1::JobActorKind {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User(_) => Self::User,
            Actor::System => Self::System,
            Actor::Host(_) => Self::Host,
        }
    }
}

fn sources(args: &[String], groups: &[String]) -> Result<Sources, Invalid> {
    if !args.is_empty() && !groups.is_empty() {
        return Err(Invalid::argument(
            "source_group_ids",
            "give either paths or source groups, not both",
        ));
    }
    if !args.is_empty() {
        return BackupPaths::parse(args).map(Sources::Paths).map_err(invalid_paths);
    }
    if groups.is_empty() {
        return Ok(Sources::OnlyGroup);
    }
    if groups.len() > GROUPS {
        return Err(Invalid::argument(
            "source_group_ids",
            "at most 64 source groups are allowed",
        ));
    }
    let mut ids: Vec<SourceGroupId> = Vec::with_capacity(groups.len());
    for (index, text) in groups.iter().enumerate() {
        let field = format!("source_group_ids[{index}]");
        let id = parse(&field, text)?;
        if ids.contains(&id) {
            return Err(Invalid::argument(field, "each source group may be given only once"));
        }
        ids.push(id);
    }
    Ok(Sources::Groups(ids))
}

fn invalid_paths(error: InvalidPaths) -> Invalid {
    let field = match error {
        InvalidPaths::Empty | InvalidPaths::TooMany => "args".to_owned(),
        InvalidPaths::Path { index } | InvalidPaths::Twice { index } => format!("args[{index}]"),
    };
    Invalid::with_code(field, ErrorCode::InvalidPath, error)
}

fn without_sources(work: Work, args: &[String], groups: &[String]) -> Result<Work, Invalid> {
    if !args.is_empty() {
        return Err(Invalid::argument("args", "only a backup takes paths"));
    }
    if !groups.is_empty() {
        return Err(Invalid::argument(
            "source_group_ids",
            "only a backup takes source groups",
        ));
    }
    Ok(work)
}

fn kind_filter(kind: i32) -> Result<Option<JobKind>, Invalid> {
    match v1::JobKind::try_from(kind) {
        Ok(v1::JobKind::Unspecified) => Ok(None),
        Ok(v1::JobKind::Backup) => Ok(Some(JobKind::Backup)),
        Ok(v1::JobKind::Init) => Ok(Some(JobKind::Init)),
        Ok(v1::JobKind::Probe) => Ok(Some(JobKind::Probe)),
        Ok(v1::JobKind::Snapshots) => Ok(Some(JobKind::Snapshots)),
        Ok(v1::JobKind::Unlock) => Ok(Some(JobKind::Unlock)),
        Ok(v1::JobKind::Stats) => Ok(Some(JobKind::Stats)),
        Err(_) => Err(Invalid::argument("kind", domain::job::InvalidJobKind)),
    }
}

fn status_filter(status: i32) -> Result<Option<Status>, Invalid> {
    match v1::JobStatus::try_from(status) {
        Ok(v1::JobStatus::Unspecified) => Ok(None),
        Ok(v1::JobStatus::Queued) => Ok(Some(Status::Queued)),
        Ok(v1::JobStatus::Running) => Ok(Some(Status::Running)),
        Ok(v1::JobStatus::Succeeded) => Ok(Some(Status::Succeeded)),
        Ok(v1::JobStatus::Failed) => Ok(Some(Status::Failed)),
        Ok(v1::JobStatus::Cancelled) => Ok(Some(Status::Cancelled)),
        Err(_) => Err(Invalid::argument("status", domain::job::InvalidStatus)),
    }
}

/// The numbers of a backup; other kinds have none to show.
fn backup_summary(summary: &Summary, problems: Option<&Problems>) -> Option<v1::JobSummary> {
    let Summary::Backup(backup) = summary else { return None };
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
    Some(v1::JobSummary {
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
        data_added_packed: bytes_packed.map(domain::ByteSize::as_bytes),
        total_duration_seconds: duration.as_secs_f64(),
        issue_count: problems.map_or(0, Problems::count),
        issues: problems.into_iter().flat_map(Problems::first).map(issue).collect(),
    })
}

fn unlock_summary(summary: &Summary) -> Option<v1::UnlockSummary> {
    let Summary::Unlock(UnlockSummary { removed, left }) = summary else {
        return None;
    };
    let messages = |locks: &[RepositoryLock]| locks.iter().cloned().map(Into::into).collect();
    Some(v1::UnlockSummary {
        removed: messages(removed),
        left: messages(left),
    })
}

fn issue(problem: &Problem) -> v1::JobIssue {
    let Problem { item, message } = problem;
    v1::JobIssue {
        item: item.to_string(),
        message: message.to_string(),
    }
}

/// The share that is done, from 0 to 1; 0 while nothing was found.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than a double holds")]
fn share(done: u64, total: u64) -> f64 {
    if total == 0 {
        0.0
    } else {
        (done.min(total) as f64) / (total as f64)
    }
}

#[cfg(test)]
mod tests;
