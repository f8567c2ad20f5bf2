use domain::Timestamp;
use domain::fleet::{HostView, LastEndedBackup};
use domain::health::Cause;
use domain::id::{HostId, JobId, RepositoryId};
use domain::name::Tags;
use domain::repository::RepoStatus;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait as _, IntoCondition as _};

use crate::store::Error;
use crate::store::entity::host_repository;
use crate::store::row::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hosts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub hostname: String,
    pub hostname_key: String,
    pub restic_host: String,
    pub enrolled_at: i64,
    pub tags: String,
    pub always_on: bool,
    pub limit_upload_kib_s: i64,
    pub limit_download_kib_s: i64,
    pub version: i64,
    pub status: String,
    pub status_since: i64,
    pub last_seen_at: Option<i64>,
    pub boot_id: Option<String>,
    pub protocol_version: Option<i64>,
    pub clock_skew_micros: Option<i64>,
    pub inventory: String,
    pub session_epoch: i64,
    pub desired_version: i64,
    pub applied_version: i64,
    pub applied: String,
    pub last_backup_at: Option<i64>,
    pub last_backup_code: Option<String>,
    pub snapshot_count: i64,
    pub running_job_id: Option<Uuid>,
    pub health: String,
    pub health_reason: String,
    pub urgency: i64,
    pub health_cause: String,
    pub health_since: Option<i64>,
    pub recent_runs: String,
    pub last_success_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The default one; a host has at most one.
impl Related<host_repository::Entity> for Entity {
    fn to() -> RelationDef {
        Entity::belongs_to(host_repository::Entity)
            .from(Column::Id)
            .to(host_repository::Column::HostId)
            .on_condition(|_, binding| {
                Expr::col((binding, host_repository::Column::IsDefault))
                    .eq(true)
                    .into_condition()
            })
            .into()
    }
}

/// A host with its default repository.
pub(in crate::store) fn view(
    host: Model,
    repository: Option<&host_repository::Model>,
    certificate_ends_at: Option<Timestamp>,
) -> Result<HostView, Error> {
    let row = Row::new("hosts", &host.id);
    let last_backup = match (host.last_backup_at, host.last_backup_code) {
        (Some(at), Some(code)) => Some(LastEndedBackup {
            at: row.time("last_backup_at", at)?,
            code: row.word("last_backup_code", &code)?,
        }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(row.fault("last_backup_code", "time and code belong together")),
    };
    Ok(HostView {
        id: HostId::from_uuid(host.id),
        hostname: row.word("hostname", &host.hostname)?,
        restic_host: row.word("restic_host", &host.restic_host)?,
        inventory: row.document("inventory", &host.inventory)?,
        protocol_version: row.count_or_none("protocol_version", host.protocol_version)?,
        status: row.word("status", &host.status)?,
        status_since: row.time("status_since", host.status_since)?,
        last_seen_at: row.time_or_none("last_seen_at", host.last_seen_at)?,
        enrolled_at: row.time("enrolled_at", host.enrolled_at)?,
        certificate_ends_at,
        tags: tags(&row, &host.tags)?,
        repository_id: repository.map(|binding| RepositoryId::from_uuid(binding.repository_id)),
        repo_status: repository.map_or(Ok(RepoStatus::Unset), host_repository::status)?,
        snapshot_count: row.count("snapshot_count", host.snapshot_count)?,
        last_backup,
        last_success_at: row.time_or_none("last_success_at", host.last_success_at)?,
        recent_runs: row.word("recent_runs", &host.recent_runs)?,
        running_job_id: host.running_job_id.map(JobId::from_uuid),
        desired_version: row.count("desired_version", host.desired_version)?,
        applied_version: row.count("applied_version", host.applied_version)?,
        is_always_on: host.always_on,
        health: row.word("health", &host.health)?,
        health_reason: host.health_reason,
        health_cause: cause(&row, &host.health_cause)?,
        health_since: row.time_or_none("health_since", host.health_since)?,
        limit_upload_kib_per_s: row.count("limit_upload_kib_s", host.limit_upload_kib_s)?,
        limit_download_kib_per_s: row.count("limit_download_kib_s", host.limit_download_kib_s)?,
        version: row.count("version", host.version)?,
    })
}

/// Reads why a host is not well.
pub(in crate::store) fn cause(row: &Row, text: &str) -> Result<Option<Cause>, Error> {
    (!text.is_empty()).then(|| row.word("health_cause", text)).transpose()
}

/// Reads a list of tags.
pub(in crate::store) fn tags(row: &Row, json: &str) -> Result<Tags, Error> {
    let texts: Vec<String> = row.document("tags", json)?;
    Tags::parse(&texts).map_err(|source| row.fault("tags", source))
}
