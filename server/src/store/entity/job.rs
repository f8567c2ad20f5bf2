use domain::host::HostStatus;
use domain::id::{HostId, JobId, RepositoryId, SourceGroupId};
use domain::job::{Job, JobState, JobView, LogExtent, Phase};
use sea_orm::entity::prelude::*;

use crate::store::row::Row;
use crate::store::{Error, entity};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub host_id: Uuid,
    pub repository_id: Uuid,
    pub kind: String,
    pub source_group_id: Option<Uuid>,
    pub paths: Option<String>,
    pub actor: String,
    pub actor_name: String,
    pub attempt: i64,
    pub created_at: i64,
    pub cancel_requested: Option<String>,
    pub phase: String,
    pub facts: String,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub result_code: Option<String>,
    pub version: i64,
    pub log_lines: i64,
    pub log_bytes: i64,
    pub log_truncated: bool,
    pub log_written: Option<i64>,
    pub log_removed_at: Option<i64>,
    pub mode: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "entity::host::Entity",
        from = "Column::HostId",
        to = "entity::host::Column::Id"
    )]
    Host,
}

impl ActiveModelBehavior for ActiveModel {}

impl Related<entity::host::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Host.def()
    }
}

/// A job with the name of its host.
pub(in crate::store) fn view(model: Model, host: &entity::host::Model) -> Result<JobView, Error> {
    let hostname = Row::new("hosts", &host.id).word("hostname", &host.hostname)?;
    let row = Row::new("jobs", &model.id);
    let log = LogExtent {
        lines: row.count("log_lines", model.log_lines)?,
        truncated: model.log_truncated,
        written: row.count_or_none("log_written", model.log_written)?,
        removed_at: row.time_or_none("log_removed_at", model.log_removed_at)?,
    };
    let actor_name = model.actor_name.as_str().into();
    let job = Job::try_from(model)?;
    let progress = job.state.progress().cloned();
    let status: HostStatus = Row::new("hosts", &host.id).word("status", &host.status)?;
    Ok(JobView {
        unreachable: status != HostStatus::Online && is_on_its_host(job.state.phase()),
        job,
        hostname,
        actor_name,
        log,
        progress,
    })
}

/// Whether a job of this phase has not ended and its host has it.
fn is_on_its_host(phase: Phase) -> bool {
    !phase.is_terminal() && phase >= Phase::Accepted
}

impl TryFrom<Model> for Job {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let row = Row::new("jobs", &model.id);
        Ok(Self {
            id: JobId::from_uuid(model.id),
            host_id: HostId::from_uuid(model.host_id),
            repository_id: RepositoryId::from_uuid(model.repository_id),
            kind: row.word("kind", &model.kind)?,
            mode: model
                .mode
                .map(|mode| row.word("mode", &mode))
                .transpose()?
                .unwrap_or_default(),
            source_group_id: model.source_group_id.map(SourceGroupId::from_uuid),
            paths: model.paths.map(|paths| row.document("paths", &paths)).transpose()?,
            actor: row.document("actor", &model.actor)?,
            attempt: row.count("attempt", model.attempt)?,
            created_at: row.time("created_at", model.created_at)?,
            cancel_requested: model
                .cancel_requested
                .map(|request| row.document("cancel_requested", &request))
                .transpose()?,
            state: state(&row, &model.phase, &model.facts)?,
            version: row.count("version", model.version)?,
        })
    }
}

fn state(row: &Row, phase: &str, facts: &str) -> Result<JobState, Error> {
    let facts: serde_json::Value = row.document("facts", facts)?;
    JobState::from_stored(phase, &facts).map_err(|source| row.fault("phase", source))
}
