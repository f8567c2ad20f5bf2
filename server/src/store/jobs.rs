//! Jobs and where they stand.

use std::time::Duration;

use domain::id::{HostId, JobId, RepositoryId};
use domain::job::{Job, JobKind, JobQuery, JobState, JobView, Mode, Phase, ResultCode, Status};
use domain::repository::Tried;
use domain::{ReportedText, Timestamp};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};

use super::entity::host;
use super::entity::job::{self, ActiveModel, Column, Entity};
use super::page::{Page, PageRequest, TimeCursor};
use super::row::{Row, json, must_be_fresh, number};
use super::{Error, ReadTx, Tx};

pub(super) const TABLE: &str = "jobs";
/// Jobs from which it is told how long such a job usually takes.
const ALIKE: u64 = 5;

impl ReadTx {
    /// Finds a job with what is shown of it.
    pub async fn job(&self, id: JobId) -> Result<Option<JobView>, Error> {
        let found = Entity::find_by_id(id.as_uuid())
            .find_also_related(host::Entity)
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.and_then(view).transpose()
    }

    /// Lists jobs by the query's filters, newest first; the query's own page is for the caller, who has turned its token
    /// into `page`.
    pub async fn jobs(
        &self,
        query: &JobQuery,
        page: &PageRequest<TimeCursor>,
    ) -> Result<Page<JobView, TimeCursor>, Error> {
        let matching = Entity::find().filter(matching(query));
        let total = matching.clone().count(&self.on).await.map_err(Error::at(TABLE))?;
        let mut wanted = matching
            .find_also_related(host::Entity)
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit());
        if let Some(after) = &page.after {
            wanted = wanted.filter(after.older(Column::CreatedAt, Column::Id));
        }
        let rows = wanted.all(&self.on).await.map_err(Error::at(TABLE))?;
        let jobs = rows.into_iter().filter_map(view).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(jobs, page, total, |view| {
            TimeCursor::new(view.job.created_at, view.job.id.as_uuid())
        }))
    }

    /// Lists a host's jobs that have not ended, as far as is known, the oldest first.
    pub async fn live_jobs(&self, host: HostId) -> Result<Vec<Job>, Error> {
        let found = live()
            .filter(Column::HostId.eq(host.as_uuid()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.into_iter().map(Job::try_from).collect()
    }

    /// Lists the jobs that hosts have which were last heard before `heard_before`, as far as that was written, and when that
    /// was.
    pub async fn jobs_of_silent_hosts(&self, heard_before: Timestamp) -> Result<Vec<(Job, Timestamp)>, Error> {
        let on_their_hosts = Phase::ALL
            .into_iter()
            .filter(|phase| !phase.is_terminal() && *phase >= Phase::Accepted);
        let found = Entity::find()
            .filter(Column::Phase.is_in(on_their_hosts.map(Phase::as_str)))
            .find_also_related(host::Entity)
            .filter(host::Column::LastSeenAt.lt(heard_before.as_micros()))
            .order_by_asc(Column::Id)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let mut jobs = Vec::new();
        for (job, host) in found {
            let Some(host) = host else { continue };
            let heard = Row::new("hosts", &host.id).time_or_none("last_seen_at", host.last_seen_at)?;
            if let Some(heard) = heard {
                jobs.push((Job::try_from(job)?, heard));
            }
        }
        Ok(jobs)
    }

    /// How many jobs of a host were made since a time, by the server's clock.
    pub async fn jobs_made_since(&self, host: HostId, since: Timestamp) -> Result<u64, Error> {
        Entity::find()
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::CreatedAt.gte(since.as_micros()))
            .count(&self.on)
            .await
            .map_err(Error::at(TABLE))
    }

    /// How long the last jobs took that did the same on the same host and ended well; at most [`ALIKE`].
    pub async fn durations_like(&self, job: &Job) -> Result<Vec<Duration>, Error> {
        let group = match job.source_group_id {
            Some(group) => Column::SourceGroupId.eq(group.as_uuid()),
            None => Column::SourceGroupId.is_null(),
        };
        let alike = Entity::find()
            .filter(Column::HostId.eq(job.host_id.as_uuid()))
            .filter(Column::Kind.eq(job.kind.as_str()))
            .filter(group)
            .filter(Column::Phase.is_in(Status::Succeeded.phases().map(Phase::as_str)))
            .order_by_desc(Column::FinishedAt)
            .limit(ALIKE)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let took = |model: job::Model| {
            let row = Row::new(TABLE, &model.id);
            let started = row.time_or_none("started_at", model.started_at)?;
            let finished = row.time_or_none("finished_at", model.finished_at)?;
            Ok(started.zip(finished).map(|(started, finished)| finished.since(started)))
        };
        alike.into_iter().filter_map(|model| took(model).transpose()).collect()
    }

    /// Lists the jobs, of any host, that hosts have been sent to do on a repository and that have not ended, as far as is
    /// known, the oldest first.
    pub async fn jobs_under_way(&self, repository: RepositoryId) -> Result<Vec<JobView>, Error> {
        let found = live()
            .filter(Column::RepositoryId.eq(repository.as_uuid()))
            .filter(Column::Phase.ne(Phase::Queued.as_str()))
            .find_also_related(host::Entity)
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.into_iter().filter_map(view).collect()
    }

    /// Finds out what was tried to make or open a repository, as seen from one of its hosts.
    pub async fn tried(&self, host: HostId, repository: RepositoryId) -> Result<Tried, Error> {
        let (init, probe) = (JobKind::Init.as_str(), JobKind::Probe.as_str());
        let on_it = Column::RepositoryId.eq(repository.as_uuid());
        let (here, elsewhere) = (Column::HostId.eq(host.as_uuid()), Column::HostId.ne(host.as_uuid()));
        let underway = live()
            .filter(on_it.clone())
            .filter(here.clone())
            .filter(Column::Kind.is_in([init, probe]));
        if self.any(underway).await? {
            return Ok(Tried::Underway);
        }
        if self
            .any(
                live()
                    .filter(on_it.clone())
                    .filter(elsewhere)
                    .filter(Column::Kind.eq(init)),
            )
            .await?
        {
            return Ok(Tried::InitElsewhere);
        }
        // A repository that some host has made is not made again, wherever it lies by now.
        let here_or_made = Condition::any()
            .add(here)
            .add(Column::Phase.eq(Phase::Succeeded.as_str()));
        let before = Entity::find()
            .filter(on_it)
            .filter(here_or_made)
            .filter(Column::Kind.eq(init));
        Ok(if self.any(before).await? {
            Tried::Init
        } else {
            Tried::Nothing
        })
    }

    async fn any(&self, jobs: Select<Entity>) -> Result<bool, Error> {
        Ok(jobs.limit(1).one(&self.on).await.map_err(Error::at(TABLE))?.is_some())
    }
}

impl Tx {
    /// Adds a job. `actor_name` is the name of whoever asked for it, as it is now. [`Error::Taken`] when there is a job of
    /// this id.
    pub async fn insert_job(&self, job: &Job, actor_name: &ReportedText<256>) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(job.id.as_uuid()),
            host_id: Set(job.host_id.as_uuid()),
            repository_id: Set(job.repository_id.as_uuid()),
            kind: Set(job.kind.as_str().to_owned()),
            mode: Set((job.mode != Mode::Usual).then(|| job.mode.as_str().to_owned())),
            source_group_id: Set(job.source_group_id.map(|id| id.as_uuid())),
            paths: Set(job
                .paths
                .as_ref()
                .map(|paths| json(TABLE, "paths", paths))
                .transpose()?),
            actor: Set(json(TABLE, "actor", &job.actor)?),
            actor_name: Set(actor_name.to_string()),
            attempt: Set(i64::from(job.attempt)),
            created_at: Set(job.created_at.as_micros()),
            version: Set(number(TABLE, "version", job.version)?),
            log_lines: Set(0),
            log_bytes: Set(0),
            log_truncated: Set(false),
            log_written: Set(None),
            log_removed_at: Set(None),
            ..standing(job)?
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        if job.state.status() == Status::Queued {
            return Ok(());
        }
        self.recompute(job.host_id).await
    }

    /// Sets where a job stands and whether somebody wants it to end. `version` of the job is the one that was read; on
    /// return it has been raised. [`Error::Stale`] when the row is of another version by now.
    pub async fn update_job(&self, job: &mut Job) -> Result<(), Error> {
        let version = number(TABLE, "version", job.version)?;
        let row = Entity::find_by_id(job.id.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let is_projected = row.is_none_or(|row| projected(&row) != projected_of(&job.state));
        let done = Entity::update_many()
            .set(ActiveModel {
                version: Set(version + 1),
                ..standing(job)?
            })
            .filter(Column::Id.eq(job.id.as_uuid()))
            .filter(Column::Version.eq(version))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_be_fresh(done.rows_affected, TABLE, &job.id)?;
        job.version += 1;
        if is_projected {
            self.recompute(job.host_id).await
        } else {
            Ok(())
        }
    }
}

/// What the projections of a host depend on, of a job. Not on its numbers, which come every second, nor on how far a job has
/// got that waits or runs.
type Projected = (Option<Status>, Option<i64>, Option<i64>, Option<String>);

fn projected(row: &job::Model) -> Projected {
    let phase = row.phase.parse::<Phase>().ok();
    (
        phase.map(Phase::status),
        row.started_at,
        row.finished_at,
        row.result_code.clone(),
    )
}

fn projected_of(state: &JobState) -> Projected {
    (
        Some(state.status()),
        state.started_at().map(Timestamp::as_micros),
        state.finished_at().map(Timestamp::as_micros),
        state.result_code().map(|code| code.to_string()),
    )
}

/// The columns that tell where a job stands. Those beside phase and facts repeat what the facts say, for queries.
fn standing(job: &Job) -> Result<ActiveModel, Error> {
    let state: &JobState = &job.state;
    let cancel = job
        .cancel_requested
        .as_ref()
        .map(|request| json(TABLE, "cancel_requested", request))
        .transpose()?;
    Ok(ActiveModel {
        cancel_requested: Set(cancel),
        phase: Set(state.phase().as_str().to_owned()),
        facts: Set(json(TABLE, "facts", &state.facts())?),
        started_at: Set(state.started_at().map(Timestamp::as_micros)),
        finished_at: Set(state.finished_at().map(Timestamp::as_micros)),
        result_code: Set(state.result_code().map(|code: ResultCode| code.to_string())),
        ..ActiveModel::default()
    })
}

fn live() -> Select<Entity> {
    let living = Phase::ALL.into_iter().filter(|phase| !phase.is_terminal());
    Entity::find().filter(Column::Phase.is_in(living.map(Phase::as_str)))
}

fn matching(query: &JobQuery) -> Condition {
    let JobQuery {
        host,
        kind,
        status,
        from,
        to,
        page: _,
    } = query;
    let phases = |status: Status| Column::Phase.is_in(status.phases().map(Phase::as_str));
    Condition::all()
        .add_option(host.map(|host| Column::HostId.eq(host.as_uuid())))
        .add_option(kind.map(|kind| Column::Kind.eq(kind.as_str())))
        .add_option(status.map(phases))
        .add_option(from.map(|from| Column::CreatedAt.gte(from.as_micros())))
        .add_option(to.map(|to| Column::CreatedAt.lt(to.as_micros())))
}

/// A foreign key says that a job has its host.
fn view((job, host): (job::Model, Option<host::Model>)) -> Option<Result<JobView, Error>> {
    host.map(|host| job::view(job, &host))
}
