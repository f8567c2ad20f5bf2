//! Hosts as people see and change them. What their sessions change is in `host_sessions`, what is computed in
//! `projections`.

use domain::Timestamp;
use domain::fleet::{HostOrderKey, HostQuery, HostView, UpdateHost};
use domain::health::Health;
use domain::host::{HostStatus, Inventory};
use domain::id::HostId;
use domain::name::{Hostname, Tag, Tags};
use domain::session::Applied;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, NullOrdering};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::host::{self, ActiveModel, Column, Entity};
use super::entity::host_repository;
use super::page::{Page, PageRequest};
use super::row::{contains, json, must_be_fresh, must_exist, number};
use super::{Error, ReadTx, Tx};

pub(super) const TABLE: &str = "hosts";

/// A host at its enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHost {
    /// Its id.
    pub id: HostId,
    /// Its name here.
    pub hostname: Hostname,
    /// The name that restic will record in its snapshots, for ever.
    pub restic_host: Hostname,
    /// Its labels.
    pub tags: Tags,
    /// False for a machine that sleeps.
    pub is_always_on: bool,
    /// What the machine said of itself.
    pub inventory: Inventory,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

/// The cursor of the host list: what the last host has in each of the orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCursor {
    hostname: String,
    urgency: u8,
    enrolled_at: i64,
    last_seen_at: Option<i64>,
    last_backup_at: Option<i64>,
    id: HostId,
}

impl ReadTx {
    /// Finds a host.
    pub async fn host(&self, id: HostId) -> Result<Option<HostView>, Error> {
        self.one_host(Column::Id.eq(id.as_uuid())).await
    }

    /// Finds a host by name, in any case.
    pub async fn host_by_name(&self, name: &Hostname) -> Result<Option<HostView>, Error> {
        self.one_host(Column::HostnameKey.eq(name.key())).await
    }

    /// Lists hosts by the query's filters and in its order; the query's own page is for the caller, who has turned its
    /// token into `page`.
    pub async fn hosts(
        &self,
        query: &HostQuery,
        page: &PageRequest<HostCursor>,
    ) -> Result<Page<HostView, HostCursor>, Error> {
        let matching = Entity::find()
            .find_also_related(host_repository::Entity)
            .filter(matching(&self.on, query));
        let total = matching.clone().count(&self.on).await.map_err(Error::at(TABLE))?;
        let (column, direction) = (order_column(query.order.key), direction(query.order.descending));
        let mut wanted = matching
            .order_by_with_nulls(column, direction, NullOrdering::Last)
            .order_by_asc(Column::Id)
            .limit(page.limit());
        if let Some(after) = &page.after {
            wanted = wanted.filter(after.behind(query.order.key, query.order.descending));
        }
        let rows = wanted.all(&self.on).await.map_err(Error::at(TABLE))?;
        let ids: Vec<HostId> = rows.iter().map(|(host, _)| HostId::from_uuid(host.id)).collect();
        let ends = self.certificate_ends(&ids).await?;
        let end = |host: &host::Model| ends.get(&HostId::from_uuid(host.id)).copied();
        let hosts = rows
            .into_iter()
            .map(|(host, binding)| {
                let certificate_ends_at = end(&host);
                host::view(host, binding.as_ref(), certificate_ends_at)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(hosts, page, total, HostCursor::of))
    }

    async fn one_host(&self, which: Expr) -> Result<Option<HostView>, Error> {
        let found = Entity::find()
            .find_also_related(host_repository::Entity)
            .filter(which)
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let Some((host, binding)) = found else {
            return Ok(None);
        };
        let id = HostId::from_uuid(host.id);
        let ends = self.certificate_ends(&[id]).await?;
        host::view(host, binding.as_ref(), ends.get(&id).copied()).map(Some)
    }
}

impl Tx {
    /// Adds a host whose agent has not connected yet. [`Error::Taken`] when the name exists in any case.
    pub async fn insert_host(&self, new: &NewHost) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(new.id.as_uuid()),
            hostname: Set(new.hostname.to_string()),
            hostname_key: Set(new.hostname.key()),
            restic_host: Set(new.restic_host.to_string()),
            enrolled_at: Set(new.enrolled_at.as_micros()),
            tags: Set(tags_json(&new.tags)?),
            always_on: Set(new.is_always_on),
            limit_upload_kib_s: Set(0),
            limit_download_kib_s: Set(0),
            version: Set(1),
            status: Set(HostStatus::Pending.as_str().to_owned()),
            status_since: Set(new.enrolled_at.as_micros()),
            last_seen_at: Set(None),
            boot_id: Set(None),
            protocol_version: Set(None),
            clock_skew_micros: Set(None),
            inventory: Set(json(TABLE, "inventory", &new.inventory)?),
            session_epoch: Set(0),
            // An agent holds version 0 until it was given something.
            desired_version: Set(1),
            applied_version: Set(0),
            applied: Set(json(TABLE, "applied", &Applied::default())?),
            last_backup_at: Set(None),
            last_backup_code: Set(None),
            snapshot_count: Set(0),
            running_job_id: Set(None),
            health: Set(Health::Pending.as_str().to_owned()),
            health_reason: Set(String::new()),
            urgency: Set(Health::Pending.urgency().into()),
            health_cause: Set(String::new()),
            health_since: Set(None),
            recent_runs: Set(String::new()),
            last_success_at: Set(None),
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        self.recompute(new.id).await
    }

    /// Changes what people change of a host. [`Error::Stale`] when it is not of the version that was read,
    /// [`Error::Taken`] when the new name exists.
    pub async fn update_host(&self, change: &UpdateHost) -> Result<(), Error> {
        let UpdateHost {
            id,
            hostname,
            tags,
            is_always_on,
            limit_upload_kib_per_s,
            limit_download_kib_per_s,
            version,
        } = change;
        let mut row = ActiveModel::default();
        if let Some(name) = hostname {
            row.hostname = Set(name.to_string());
            row.hostname_key = Set(name.key());
        }
        if let Some(tags) = tags {
            row.tags = Set(tags_json(tags)?);
        }
        if let Some(always_on) = is_always_on {
            row.always_on = Set(*always_on);
        }
        if let Some(limit) = limit_upload_kib_per_s {
            row.limit_upload_kib_s = Set(i64::from(*limit));
        }
        if let Some(limit) = limit_download_kib_per_s {
            row.limit_download_kib_s = Set(i64::from(*limit));
        }
        let version = number(TABLE, "version", *version)?;
        row.version = Set(version + 1);
        let done = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Version.eq(version))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_be_fresh(done.rows_affected, TABLE, &id)?;
        self.recompute(*id).await
    }

    /// Deletes a host and everything that belongs to it.
    pub async fn delete_host(&self, id: HostId) -> Result<(), Error> {
        let done = Entity::delete_by_id(id.as_uuid())
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }
}

impl HostCursor {
    fn of(host: &HostView) -> Self {
        Self {
            hostname: host.hostname.key(),
            urgency: host.health.urgency(),
            enrolled_at: host.enrolled_at.as_micros(),
            last_seen_at: host.last_seen_at.map(Timestamp::as_micros),
            last_backup_at: host.last_backup.map(|backup| backup.at.as_micros()),
            id: host.id,
        }
    }

    /// What comes behind the cursor. Hosts that lack the value come last, and hosts that are equal in it by id.
    fn behind(&self, key: HostOrderKey, descending: bool) -> Condition {
        let column = order_column(key);
        let value: Option<sea_orm::Value> = match key {
            HostOrderKey::Hostname => Some(self.hostname.clone().into()),
            HostOrderKey::Health => Some(i64::from(self.urgency).into()),
            HostOrderKey::EnrolledAt => Some(self.enrolled_at.into()),
            HostOrderKey::LastSeenAt => self.last_seen_at.map(Into::into),
            HostOrderKey::LastBackupAt => self.last_backup_at.map(Into::into),
        };
        let later_id = Column::Id.gt(self.id.as_uuid());
        let Some(value) = value else {
            return Condition::all().add(column.is_null()).add(later_id);
        };
        let further = if descending {
            column.lt(value.clone())
        } else {
            column.gt(value.clone())
        };
        Condition::any()
            .add(further)
            .add(column.is_null())
            .add(Condition::all().add(column.eq(value)).add(later_id))
    }
}

fn matching(on: &DatabaseTransaction, query: &HostQuery) -> Condition {
    let HostQuery {
        words,
        status,
        health,
        tag,
        repo_status,
        repository,
        order: _,
        page: _,
    } = query;
    let mut all = Condition::all();
    for word in words {
        let in_name = contains(on, Expr::col((Entity, Column::HostnameKey)), word);
        // A word that can be no tag could still match the JSON between two of them.
        all = all.add(match word.parse::<Tag>() {
            Ok(tag) => {
                let tags = Expr::expr(Func::lower(Expr::col((Entity, Column::Tags))));
                in_name.or(contains(on, tags, &in_quotes(&tag)))
            }
            Err(_) => in_name,
        });
    }
    all.add_option(status.map(|status| Column::Status.eq(status.as_str())))
        .add_option(health.map(|health| Column::Health.eq(health.as_str())))
        .add_option(
            tag.as_ref()
                .map(|tag| contains(on, Expr::col((Entity, Column::Tags)), &in_quotes(tag))),
        )
        .add_option(repo_status.map(|word| match word {
            "unset" => host_repository::Column::Status.is_null(),
            word => host_repository::Column::Status.eq(word),
        }))
        .add_option(repository.map(|id| host_repository::Column::RepositoryId.eq(id.as_uuid())))
}

/// A tag as it stands in the column's JSON: no tag holds a character that JSON would escape.
fn in_quotes(tag: &Tag) -> String {
    format!("\"{tag}\"")
}

fn order_column(key: HostOrderKey) -> Column {
    match key {
        HostOrderKey::Hostname => Column::HostnameKey,
        HostOrderKey::Health => Column::Urgency,
        HostOrderKey::EnrolledAt => Column::EnrolledAt,
        HostOrderKey::LastSeenAt => Column::LastSeenAt,
        HostOrderKey::LastBackupAt => Column::LastBackupAt,
    }
}

fn direction(descending: bool) -> sea_orm::Order {
    if descending {
        sea_orm::Order::Desc
    } else {
        sea_orm::Order::Asc
    }
}

fn tags_json(tags: &Tags) -> Result<String, Error> {
    let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    json(TABLE, "tags", &texts)
}
