//! The snapshots of hosts, as their agents list them.
//!
//! A list comes in parts. Until its last part is there the one before it stays in force, so rows of two lists can stand
//! side by side; which one counts says the host's use of the repository.

use domain::id::{HostId, SourceGroupId};
use domain::name::SourceGroupName;
use domain::session::SnapshotPart;
use domain::snapshot::Snapshot;
use domain::snapshot_query::{SnapshotQuery, SnapshotView};
use domain::{SnapshotId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::host_repository;
use super::entity::snapshot::{ActiveModel, Column, Entity};
use super::host_repositories::{self, HostRepository};
use super::page::{Page, PageRequest};
use super::row::{contains, json, must_exist, number};
use super::{Error, ReadTx, Tx};

const TABLE: &str = "snapshots";
/// Rows per statement; eleven parameters each, and the databases allow at least 32,766.
const BATCH: usize = 1_000;

/// The cursor of a list of snapshots: the time of the last one, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotCursor {
    micros: i64,
    id: SnapshotId,
}

impl ReadTx {
    /// Lists the snapshots that a host has in its repository, newest first. Empty when it has no repository, or none was
    /// listed; the query's own page is for the caller, who has turned its token into `page`.
    pub async fn snapshots(
        &self,
        query: &SnapshotQuery,
        page: &PageRequest<SnapshotCursor>,
    ) -> Result<Page<SnapshotView, SnapshotCursor>, Error> {
        let groups = self.source_groups(query.host).await?;
        let groups: Vec<(SourceGroupId, SourceGroupName)> =
            groups.into_iter().map(|group| (group.id, group.name)).collect();
        let binding = self.host_repository(query.host).await?;
        let Some((current, refreshed_at)) = binding.as_ref().and_then(current_list) else {
            return Ok(Page {
                items: Vec::new(),
                next: None,
                total: 0,
            });
        };
        let mut matching = Entity::find().filter(current);
        if let Some(wanted) = query.group {
            let group = groups.iter().find(|(id, _)| *id == wanted);
            // The names of groups hold no character that JSON would escape.
            let is_tagged =
                |name: &SourceGroupName| contains(&self.on, Expr::col(Column::Tags), &format!("\"{name}\""));
            matching = matching.filter(group.map_or(Expr::value(false), |(_, name)| is_tagged(name)));
        }
        let total = matching.clone().count(&self.on).await.map_err(Error::at(TABLE))?;
        let mut wanted = matching
            .order_by_desc(Column::Time)
            .order_by_desc(Column::Id)
            .limit(page.limit());
        if let Some(after) = &page.after {
            wanted = wanted.filter(after.older());
        }
        let rows = wanted.all(&self.on).await.map_err(Error::at(TABLE))?;
        let view = |snapshot: Snapshot| SnapshotView {
            group: snapshot.source_group(groups.iter().map(|(id, name)| (*id, name))),
            snapshot,
            refreshed_at,
        };
        let views = rows
            .into_iter()
            .map(|row| row.try_into().map(view))
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Page::new(views, page, total, |view| SnapshotCursor {
            micros: view.snapshot.time.as_micros(),
            id: view.snapshot.id,
        }))
    }
}

impl Tx {
    /// Keeps a part of a host's list. With the last part the list takes effect and the one before it goes.
    ///
    /// Whether a list took effect. A part for a repository that the host does not use (any more) changes nothing.
    pub async fn put_snapshots(&self, host: HostId, part: &SnapshotPart, now: Timestamp) -> Result<bool, Error> {
        let binding = self.host_repository(host).await?;
        if binding.is_none_or(|binding| binding.repository_id != part.repository) {
            return Ok(false);
        }
        for batch in part.snapshots.chunks(BATCH) {
            let rows = batch
                .iter()
                .map(|snapshot| row(host, part, snapshot))
                .collect::<Result<Vec<_>, _>>()?;
            // A repository that lists a snapshot twice is none of ours to repair.
            Entity::insert_many(rows)
                .on_conflict_do_nothing()
                .exec_without_returning(&self.on)
                .await
                .map_err(Error::at(TABLE))?;
        }
        if part.last {
            self.swap(host, part, now).await?;
        }
        Ok(part.last)
    }

    /// Counts what is there of the list that a part belongs to.
    pub async fn snapshots_listed(&self, host: HostId, part: &SnapshotPart) -> Result<u64, Error> {
        Entity::find()
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::RepositoryId.eq(part.repository.as_uuid()))
            .filter(Column::ListId.eq(part.job.as_uuid()))
            .count(&self.on)
            .await
            .map_err(Error::at(TABLE))
    }

    /// Removes what is there of lists that never came to their end, but for the one that a part belongs to.
    pub async fn drop_unfinished_snapshots(&self, host: HostId, part: &SnapshotPart) -> Result<(), Error> {
        let binding = self.host_repository(host).await?;
        let in_force = binding.and_then(|binding| binding.snapshot_list);
        let kept = in_force.into_iter().chain([part.job]).map(|list| list.as_uuid());
        Entity::delete_many()
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::RepositoryId.eq(part.repository.as_uuid()))
            .filter(Column::ListId.is_not_in(kept))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    async fn swap(&self, host: HostId, part: &SnapshotPart, now: Timestamp) -> Result<(), Error> {
        let of_binding = || {
            Condition::all()
                .add(Column::HostId.eq(host.as_uuid()))
                .add(Column::RepositoryId.eq(part.repository.as_uuid()))
        };
        Entity::delete_many()
            .filter(of_binding())
            .filter(Column::ListId.ne(part.job.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let count = Entity::find()
            .filter(of_binding())
            .count(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let row = host_repository::ActiveModel {
            snapshot_list: Set(Some(part.job.as_uuid())),
            snapshots_refreshed_at: Set(Some(now.as_micros())),
            snapshot_count: Set(number(host_repositories::TABLE, "snapshot_count", count)?),
            ..host_repository::ActiveModel::default()
        };
        let done = host_repository::Entity::update_many()
            .set(row)
            .filter(host_repository::Column::HostId.eq(host.as_uuid()))
            .filter(host_repository::Column::RepositoryId.eq(part.repository.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(host_repositories::TABLE))?;
        must_exist(
            done.rows_affected,
            host_repositories::TABLE,
            &format_args!("{host}/{}", part.repository),
        )?;
        self.recompute(host).await
    }
}

impl SnapshotCursor {
    fn older(&self) -> Condition {
        Condition::any().add(Column::Time.lt(self.micros)).add(
            Condition::all()
                .add(Column::Time.eq(self.micros))
                .add(Column::Id.lt(self.id.to_string())),
        )
    }
}

/// The rows of the list in force, and when it came.
fn current_list(binding: &HostRepository) -> Option<(Condition, Timestamp)> {
    let current = Condition::all()
        .add(Column::HostId.eq(binding.host_id.as_uuid()))
        .add(Column::RepositoryId.eq(binding.repository_id.as_uuid()))
        .add(Column::ListId.eq(binding.snapshot_list?.as_uuid()));
    Some((current, binding.snapshots_refreshed_at?))
}

fn row(host: HostId, part: &SnapshotPart, snapshot: &Snapshot) -> Result<ActiveModel, Error> {
    let size = snapshot
        .size
        .map(|size| number(TABLE, "size_bytes", size.as_bytes()))
        .transpose()?;
    let file_count = snapshot
        .file_count
        .map(|count| number(TABLE, "file_count", count))
        .transpose()?;
    Ok(ActiveModel {
        host_id: Set(host.as_uuid()),
        repository_id: Set(part.repository.as_uuid()),
        list_id: Set(part.job.as_uuid()),
        id: Set(snapshot.id.to_string()),
        time: Set(snapshot.time.as_micros()),
        restic_host: Set(snapshot.restic_host.to_string()),
        paths: Set(json(TABLE, "paths", &snapshot.paths)?),
        tags: Set(json(TABLE, "tags", &snapshot.tags)?),
        size_bytes: Set(size),
        file_count: Set(file_count),
        program_version: Set(snapshot.program_version.as_ref().map(ToString::to_string)),
    })
}
