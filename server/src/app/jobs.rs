//! Jobs: ordering, listing and cancelling them. What their hosts report about them comes in elsewhere.

use std::time::Duration;

use domain::fleet::HostView;
use domain::host::HostStatus;
use domain::id::{CommandId, HostId, Id as _, JobId, RepositoryId, SourceGroupId};
use domain::job::{
    CancelRequest, Job, JobEvent, JobKind, JobQuery, JobState, JobView, Mode, Phase, RunJob, Sources, Status, Work,
};
use domain::page::Page;
use domain::path::BackupPaths;
use domain::repository::{NotAdmitted, RepoEvent};
use domain::{Actor, ErrorCode, ReportedText, Role, Timestamp};
use serde_json::json;

use super::host_credentials::{known_host, repository_of};
use super::news::News;
use super::record::{Change, record};
use super::{App, Caller, Error, Who, paging};
use crate::store::{CommandKind, CommandState, ReadTx, SourceGroup, StoredCommand, Tx};

/// The most jobs of a host that may wait for their turn.
const WAITING: usize = 32;
/// How long a job may wait for a host that is there.
pub(super) const TTL: Duration = Duration::from_mins(15);
/// How long it may wait for a host that is offline, where that was asked for.
const TTL_OFFLINE: Duration = Duration::from_hours(24);
/// How long a wish to cancel waits for a host that is offline: as long as agents remember commands.
const TTL_CANCEL: Duration = Duration::from_hours(30 * 24);

/// A job to be written down, decided and checked.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) host: HostId,
    pub(super) repository: RepositoryId,
    pub(super) kind: JobKind,
    pub(super) mode: Mode,
    pub(super) group: Option<SourceGroupId>,
    pub(super) paths: Option<BackupPaths>,
    pub(super) actor: Actor,
    pub(super) actor_name: ReportedText<256>,
    pub(super) ttl: Duration,
}

impl App {
    /// Orders a job on a host. A backup that waits already is not ordered twice: the answer is the one that waits. Several
    /// source groups are one job each; the answer is the first.
    ///
    /// Errors: `host_not_found`, `source_group_required`, `source_group_not_found`, `host_offline`,
    /// `repository_not_ready`, `repository_replaced`, `repository_ready`, `queue_full`; `forbidden` and `repository_busy` for
    /// an unlock of all locks.
    pub async fn run_job(&self, caller: &Caller, run: RunJob) -> Result<JobView, Error> {
        let RunJob {
            host,
            work,
            queue_if_offline,
        } = run;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let host = known_host(&tx, host).await?;
        // What waits already and how much of it decides about this order.
        tx.exclusively(&format!("jobs of {}", host.id)).await?;
        let (kind, mode) = (work.kind(), work.mode());
        let sources = sources(&tx, host.id, work).await?;
        refuse_unreachable(&host, queue_if_offline)?;
        let repository = self.admitting_repository(&tx, &host, kind).await?;
        if mode == Mode::All {
            refuse_unlocker(caller)?;
            refuse_busy(&tx, repository).await?;
        }
        let live = tx.live_jobs(host.id).await?;
        let (mut first, mut missing) = (None, Vec::new());
        for source in sources {
            let waiting = live
                .iter()
                .find(|job| kind == JobKind::Backup && source.waits_as(job, repository));
            if first.is_none() && missing.is_empty() {
                first = waiting.map(|job| job.id);
            }
            if waiting.is_none() {
                missing.push(source);
            }
        }
        refuse_full(&live, missing.len())?;
        let ttl = if host.status == HostStatus::Online {
            TTL
        } else {
            TTL_OFFLINE
        };
        let (actor, actor_name) = actor(caller)?;
        let (mut news, mut ordered) = (News::default(), Vec::new());
        for Source { group, paths } in missing {
            let actor_name = actor_name.clone();
            let order = Order {
                host: host.id,
                repository,
                kind,
                mode,
                group,
                paths,
                actor,
                actor_name,
                ttl,
            };
            ordered.push(self.order_job(&tx, order, now, &mut news).await?.id);
        }
        if let Some(job) = ordered.first() {
            let ids: Vec<String> = ordered.iter().map(ToString::to_string).collect();
            let facts = json!({
                "kind": kind.as_str(),
                "mode": mode.as_str(),
                "host_id": host.id.to_string(),
                "job_ids": ids,
            });
            record(
                &tx,
                caller,
                Change::new("job.run_now").to("job", job, &host.hostname).with(facts),
                now,
            )
            .await?;
        }
        let Some(answer) = first.or(ordered.first().copied()) else {
            return Err(Error::failed("ordering a job", "there was no job to order"));
        };
        let view = known_job(&tx, answer).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(view)
    }

    /// Lists a host's jobs, newest first. Errors: `host_not_found`, `invalid_page_token`.
    pub async fn list_host_jobs(&self, caller: &Caller, query: JobQuery) -> Result<Page<JobView>, Error> {
        if let Some(host) = query.host {
            known_host(&self.0.store.read().await?, host).await?;
        }
        self.list_jobs(caller, query).await
    }

    /// Lists jobs, newest first. Errors: `invalid_page_token`.
    pub async fn list_jobs(&self, _: &Caller, query: JobQuery) -> Result<Page<JobView>, Error> {
        let micros = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
        let list = json!([
            "jobs",
            query.host.map(|host| host.to_string()),
            query.kind.map(JobKind::as_str),
            query.status.map(Status::as_str),
            micros(query.from),
            micros(query.to),
        ]);
        let request = paging::open(&query.page, &list)?;
        let page = self.0.store.read().await?.jobs(&query, &request).await?;
        let Page {
            items,
            next_token,
            total,
        } = paging::close(page, &list)?;
        Ok(Page {
            items: items.into_iter().map(|view| self.with_latest_numbers(view)).collect(),
            next_token,
            total,
        })
    }

    /// Cancels a job. One that its host has not accepted, as far as is known, is cancelled at once; any other ends when its
    /// host says so. Repeating it until then changes nothing.
    ///
    /// Errors: `job_not_found`, `job_already_finished`.
    pub async fn cancel_job(&self, caller: &Caller, id: JobId) -> Result<JobView, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let view = known_job(&tx, id).await?;
        let mut job = view.job.clone();
        let (by, _) = actor(caller)?;
        if job.state.is_terminal() {
            return Err(Error::refuse(ErrorCode::JobAlreadyFinished));
        }
        if job.cancel_requested.is_some() {
            return Ok(self.with_latest_numbers(view));
        }
        let mut news = News::default();
        if matches!(job.state, JobState::Queued | JobState::Sent { .. }) {
            let was_sent = job.state.phase() == Phase::Sent;
            // In case it turns out that the host has it.
            job.cancel_requested = Some(CancelRequest { at: now, by });
            self.move_job(&tx, &mut job, JobEvent::Withdrawn { at: now, by }, now, &mut news)
                .await?;
            // The acceptance may be under way.
            if was_sent {
                self.order_cancel(&tx, &job, now).await?;
            }
        } else {
            job.cancel_requested = Some(CancelRequest { at: now, by });
            tx.update_job(&mut job).await?;
            self.order_cancel(&tx, &job, now).await?;
            news.job(&job);
        }
        let facts = json!({ "kind": job.kind.as_str(), "host_id": job.host_id.to_string() });
        record(
            &tx,
            caller,
            Change::new("job.cancel").to("job", id, &view.hostname).with(facts),
            now,
        )
        .await?;
        let view = known_job(&tx, id).await?;
        tx.commit().await?;
        self.tell(news);
        Ok(self.with_latest_numbers(view))
    }

    /// Writes down a job and the command that begins it.
    pub(super) async fn order_job(&self, tx: &Tx, order: Order, now: Timestamp, news: &mut News) -> Result<Job, Error> {
        let Order {
            host,
            repository,
            kind,
            mode,
            group,
            paths,
            actor,
            actor_name,
            ttl,
        } = order;
        let job = Job {
            id: JobId::generate(self.0.ids.as_ref()),
            host_id: host,
            repository_id: repository,
            kind,
            mode,
            source_group_id: group,
            paths,
            actor,
            attempt: 1,
            created_at: now,
            cancel_requested: None,
            state: JobState::Queued,
            version: 1,
        };
        tx.insert_job(&job, &actor_name).await?;
        self.order_command(tx, &job, CommandKind::Run, ttl, now).await?;
        if kind == JobKind::Init && mode == Mode::Usual {
            repository_hears(tx, &job, RepoEvent::InitOrdered).await?;
        }
        news.job(&job);
        Ok(job)
    }

    /// Shows the numbers of a running job as they last came in.
    pub(super) fn with_latest_numbers(&self, mut view: JobView) -> JobView {
        view.progress = match view.job.state.status() {
            Status::Running => self.0.sessions.progress(view.job.id).or(view.progress),
            Status::Queued | Status::Succeeded | Status::Failed | Status::Cancelled => None,
        };
        view
    }

    /// Orders that a job be ended.
    pub(super) async fn order_cancel(&self, tx: &Tx, job: &Job, now: Timestamp) -> Result<(), Error> {
        self.order_command(tx, job, CommandKind::Cancel, TTL_CANCEL, now).await
    }

    async fn order_command(
        &self,
        tx: &Tx,
        job: &Job,
        kind: CommandKind,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), Error> {
        let command = StoredCommand {
            id: CommandId::generate(self.0.ids.as_ref()),
            host_id: job.host_id,
            job_id: job.id,
            kind,
            state: CommandState::Queued,
            created_at: now,
            expires_at: now.saturating_add(ttl),
        };
        tx.insert_command(&command).await?;
        Ok(())
    }

    /// The host's repository, when it admits a job of this kind.
    async fn admitting_repository(&self, tx: &ReadTx, host: &HostView, kind: JobKind) -> Result<RepositoryId, Error> {
        let Some(repository) = repository_of(tx, host.id).await? else {
            return Err(not_admitted(NotAdmitted::NoRepository));
        };
        let password_set = self.is_password_set(tx, &repository, host.id).await?;
        host.repo_status.admit(kind, password_set).map_err(not_admitted)?;
        Ok(repository.id)
    }
}

/// What one job works on; nothing for other kinds than backups.
#[derive(Debug, Default)]
struct Source {
    group: Option<SourceGroupId>,
    paths: Option<BackupPaths>,
}

impl Source {
    /// Whether a job is a backup of the same that has not begun and that nobody wants to end.
    fn waits_as(&self, job: &Job, repository: RepositoryId) -> bool {
        let same = match self.group {
            Some(group) => job.source_group_id == Some(group),
            None => job.source_group_id.is_none() && job.paths == self.paths,
        };
        same && job.kind == JobKind::Backup
            && job.repository_id == repository
            && job.state.status() == Status::Queued
            && job.cancel_requested.is_none()
    }
}

impl From<SourceGroup> for Source {
    fn from(group: SourceGroup) -> Self {
        Self {
            group: Some(group.id),
            paths: Some(group.paths),
        }
    }
}

/// Finds a job. Errors: `job_not_found`.
pub(super) async fn known_job(tx: &ReadTx, id: JobId) -> Result<JobView, Error> {
    tx.job(id).await?.ok_or_else(|| Error::refuse(ErrorCode::JobNotFound))
}

/// Moves the status of the repository that a job works on, where the job's host still uses it.
pub(super) async fn repository_hears(tx: &Tx, job: &Job, event: RepoEvent) -> Result<(), Error> {
    let Some(binding) = tx.host_repository(job.host_id).await? else {
        return Ok(());
    };
    let next = binding.status.next(event);
    if binding.repository_id == job.repository_id && next != binding.status {
        tx.set_repo_status(job.host_id, job.repository_id, next).await?;
    }
    Ok(())
}

/// What the jobs of an order work on: at least one.
async fn sources(tx: &ReadTx, host: HostId, work: Work) -> Result<Vec<Source>, Error> {
    let sources = match work {
        Work::Init | Work::Probe | Work::Snapshots | Work::Unlock { .. } | Work::Stats => {
            return Ok(vec![Source::default()]);
        }
        Work::Backup(sources) => sources,
    };
    match sources {
        Sources::Paths(paths) => Ok(vec![Source {
            group: None,
            paths: Some(paths),
        }]),
        Sources::OnlyGroup => {
            let mut groups = tx.source_groups(host).await?;
            match (groups.pop(), groups.len()) {
                (Some(group), 0) => Ok(vec![group.into()]),
                (None | Some(_), _) => Err(Error::refuse_field(
                    ErrorCode::SourceGroupRequired,
                    "source_group_ids",
                    ErrorCode::SourceGroupRequired.meaning(),
                )),
            }
        }
        Sources::Groups(ids) => {
            let mut found = Vec::with_capacity(ids.len());
            for (index, id) in ids.into_iter().enumerate() {
                let group = tx.source_group(id).await?.filter(|group| group.host_id == host);
                let group = group.ok_or_else(|| {
                    Error::refuse_field(
                        ErrorCode::SourceGroupNotFound,
                        &format!("source_group_ids[{index}]"),
                        ErrorCode::SourceGroupNotFound.meaning(),
                    )
                })?;
                found.push(group.into());
            }
            Ok(found)
        }
    }
}

/// Who asks, for the job's own record.
pub(super) fn actor(caller: &Caller) -> Result<(Actor, ReportedText<256>), Error> {
    match &caller.who {
        Who::User(user) => Ok((Actor::User(user.id), user.name.as_str().into())),
        Who::Agent(host) => Ok((Actor::Host(*host), ReportedText::default())),
        Who::System => Ok((Actor::System, "system".into())),
        Who::Anonymous => Err(Error::refuse(ErrorCode::Unauthorized)),
    }
}

pub(super) fn refuse_unreachable(host: &HostView, queue_if_offline: bool) -> Result<(), Error> {
    let message = match host.status {
        HostStatus::Online => return Ok(()),
        HostStatus::Pending | HostStatus::Offline if queue_if_offline => return Ok(()),
        HostStatus::Pending | HostStatus::Offline => ErrorCode::HostOffline.meaning(),
        HostStatus::Quarantined => return Err(Error::refuse(ErrorCode::HostQuarantined)),
        HostStatus::Revoked => {
            "the certificates of this host were revoked, so it gets no jobs; enroll it with a token that has \
             `replace_host_id`"
        }
    };
    Err(Error::refuse_with(ErrorCode::HostOffline, message))
}

/// Locks of a restic that is at work are an admin's to take away.
fn refuse_unlocker(caller: &Caller) -> Result<(), Error> {
    if caller.user().is_some_and(|user| user.role >= Role::Admin) {
        return Ok(());
    }
    Err(Error::refuse_field(
        ErrorCode::Forbidden,
        "remove_all",
        "only an admin may remove locks whose owner may be at work; without this field, an unlock removes those that were left behind",
    ))
}

/// A job that runs would lose its lock, and with it what keeps others from deleting what it relies on.
async fn refuse_busy(tx: &ReadTx, repository: RepositoryId) -> Result<(), Error> {
    let Some(view) = tx.jobs_under_way(repository).await?.into_iter().next() else {
        return Ok(());
    };
    let message = format!(
        "a job of the kind {} of {} is under way on this repository ({}); wait until it has ended, or cancel it",
        view.job.kind, view.hostname, view.job.id
    );
    Err(Error::refuse_with(ErrorCode::RepositoryBusy, message))
}

pub(super) fn refuse_full(live: &[Job], more: usize) -> Result<(), Error> {
    let waiting = live.iter().filter(|job| job.state.status() == Status::Queued).count();
    if more > 0 && waiting + more > WAITING {
        return Err(Error::refuse(ErrorCode::QueueFull));
    }
    Ok(())
}

pub(super) fn not_admitted(why: NotAdmitted) -> Error {
    let (code, message) = match why {
        NotAdmitted::NoRepository => (
            ErrorCode::RepositoryNotReady,
            "the host has no repository; give it one, or set its credentials",
        ),
        NotAdmitted::NoPassword => (
            ErrorCode::RepositoryNotReady,
            "there is no password to open the repository with; set its credentials",
        ),
        NotAdmitted::NotReady => (ErrorCode::RepositoryNotReady, ErrorCode::RepositoryNotReady.meaning()),
        NotAdmitted::Replaced => (ErrorCode::RepositoryReplaced, ErrorCode::RepositoryReplaced.meaning()),
        NotAdmitted::BeingMade => (
            ErrorCode::RepositoryNotReady,
            "the repository is being made; wait until the init job has ended",
        ),
        NotAdmitted::IsMade => (ErrorCode::RepositoryReady, ErrorCode::RepositoryReady.meaning()),
    };
    Error::refuse_with(code, message)
}
