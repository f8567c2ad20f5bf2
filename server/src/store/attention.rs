//! Which hosts need somebody, those with the same trouble together.

use domain::fleet::{Attention, AttentionList, HostName, MOST_LINES, RepositoryNamed, TOGETHER};
use domain::health::Health;
use domain::id::{HostId, RepositoryId};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, NullOrdering};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, Order, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use uuid::Uuid;

use super::entity::{host, host_repository, repository};
use super::hosts::TABLE;
use super::row::Row;
use super::{Error, ReadTx};

/// The name of [`shared_repository`]: PostgreSQL takes the expression itself for another one, as its values are bound anew.
const SHARED: &str = "shared_repository";

/// Hosts with one trouble.
#[derive(Debug, FromQueryResult)]
struct Group {
    health: String,
    health_cause: String,
    shared_repository: Option<Uuid>,
    hosts: i64,
    since: Option<i64>,
}

impl ReadTx {
    /// Lists what somebody has to look at, the worst and oldest first.
    pub async fn attention(&self) -> Result<AttentionList, Error> {
        let mut list = AttentionList {
            host_count: needing().count(&self.on).await.map_err(Error::at(TABLE))?,
            ..AttentionList::default()
        };
        for group in self.groups().await? {
            list.lines.extend(self.lines(&group).await?);
        }
        list.sort_and_cut();
        Ok(list)
    }

    async fn groups(&self) -> Result<Vec<Group>, Error> {
        needing()
            .select_only()
            .column(host::Column::Health)
            .column(host::Column::HealthCause)
            .column_as(shared_repository(), SHARED)
            .column_as(host::Column::Id.count(), "hosts")
            .column_as(host::Column::HealthSince.min(), "since")
            .group_by(host::Column::Urgency)
            .group_by(host::Column::Health)
            .group_by(host::Column::HealthCause)
            .group_by(Expr::col(SHARED))
            .order_by_asc(host::Column::Urgency)
            .order_by_with_nulls(host::Column::HealthSince.min(), Order::Asc, NullOrdering::Last)
            .order_by_asc(host::Column::HealthCause)
            .limit(MOST_LINES as u64)
            .into_model()
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))
    }

    /// One line for many hosts, or a line for each of a few.
    async fn lines(&self, group: &Group) -> Result<Vec<Attention>, Error> {
        let members = self.members(group).await?;
        let count: u64 = Row::new(TABLE, &"in need").count("hosts", group.hosts)?;
        let repository = self.repository_of(group).await?;
        if count < TOGETHER {
            return members
                .iter()
                .map(|only| line(only, 1, only.health_since, vec![name(only)?], repository.clone()))
                .collect();
        }
        let Some(first) = members.first() else {
            return Ok(Vec::new());
        };
        let hosts = members.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        Ok(vec![line(first, count, group.since, hosts, repository)?])
    }

    /// The first hosts of a group by name; all of them when each gets a line of its own.
    async fn members(&self, group: &Group) -> Result<Vec<host::Model>, Error> {
        let mut members = needing()
            .filter(host::Column::Health.eq(&group.health))
            .filter(host::Column::HealthCause.eq(&group.health_cause));
        if let Some(repository) = group.shared_repository {
            members = members.filter(host_repository::Column::RepositoryId.eq(repository));
        }
        members
            .order_by_asc(host::Column::HostnameKey)
            .limit(TOGETHER)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))
    }

    async fn repository_of(&self, group: &Group) -> Result<Option<RepositoryNamed>, Error> {
        let Some(id) = group.shared_repository else {
            return Ok(None);
        };
        let found = repository::Entity::find_by_id(id).one(&self.on).await;
        let Some(found) = found.map_err(Error::at("repositories"))? else {
            return Ok(None);
        };
        Ok(Some(RepositoryNamed {
            id: RepositoryId::from_uuid(id),
            name: Row::new("repositories", &id).word("name", &found.name)?,
        }))
    }
}

fn needing() -> Select<host::Entity> {
    let urgencies = Health::ALL.into_iter().filter(|health| health.needs_attention());
    host::Entity::find()
        .left_join(host_repository::Entity)
        .filter(host::Column::Urgency.is_in(urgencies.map(|health| i64::from(health.urgency()))))
}

/// The repository, where the trouble is likely to be there.
fn shared_repository() -> Expr {
    let column = || Expr::col((host::Entity, host::Column::HealthCause));
    CaseStatement::new()
        .case(
            column()
                .like("repository_unusable:%")
                .or(column().like("backup_failed:%")),
            Expr::col((host_repository::Entity, host_repository::Column::RepositoryId)),
        )
        .into()
}

fn line(
    first: &host::Model,
    host_count: u64,
    since: Option<i64>,
    hosts: Vec<HostName>,
    repository: Option<RepositoryNamed>,
) -> Result<Attention, Error> {
    let row = Row::new(TABLE, &first.id);
    Ok(Attention {
        health: row.word("health", &first.health)?,
        cause: row.word("health_cause", &first.health_cause)?,
        reason: first.health_reason.clone(),
        since: row.time_or_none("health_since", since)?,
        host_count,
        hosts,
        repository,
    })
}

fn name(host: &host::Model) -> Result<HostName, Error> {
    Ok(HostName {
        id: HostId::from_uuid(host.id),
        hostname: Row::new(TABLE, &host.id).word("hostname", &host.hostname)?,
    })
}
