//! What the sessions of agents change of their hosts.

use std::time::Duration;

use domain::host::{HostStatus, Inventory};
use domain::id::{HostId, RepositoryId};
use domain::session::Applied;
use domain::{ReportedText, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, Statement, Value,
};

use super::entity::host::{ActiveModel, Column, Entity, Model};
use super::hosts::TABLE;
use super::row::{Row, json, must_exist, number};
use super::{Error, ReadTx, Tx};

/// Hosts per statement when signs of life are written; two parameters each, and the databases allow at least 32,766.
const BATCH: usize = 1_000;

/// What is kept of a host for its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSession {
    /// Whether its agent is there.
    pub status: HostStatus,
    /// Fences: what a session of a lower epoch says is void.
    pub epoch: u64,
    /// The machine's boot at the last session; `None` before the first.
    pub boot_id: Option<ReportedText<64>>,
    /// When the agent was last heard, as far as it was written; `None` before the first session.
    pub last_seen_at: Option<Timestamp>,
    /// Counts every change of what the agent should hold.
    pub desired_version: u64,
    /// What the agent holds, as it said.
    pub applied: Applied,
}

/// What an agent said when it opened a session, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOpening {
    /// The host's status from then on.
    pub status: HostStatus,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// The machine's boot.
    pub boot_id: ReportedText<64>,
    /// The protocol of the session.
    pub protocol_version: u32,
    /// How far the machine's clock is from the server's, either way.
    pub clock_skew: Duration,
    /// What the machine is.
    pub inventory: Inventory,
    /// What the agent holds.
    pub applied: Applied,
    /// The epoch of the last session that the agent remembers; the new one is higher in any case.
    pub last_epoch: u64,
}

/// A machine that takes a host's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The host's status from then on.
    pub status: HostStatus,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// What the machine said of itself at its enrollment.
    pub inventory: Inventory,
}

impl ReadTx {
    /// Finds what is kept of a host for its sessions.
    pub async fn host_session(&self, id: HostId) -> Result<Option<HostSession>, Error> {
        let found = Entity::find_by_id(id.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(HostSession::try_from).transpose()
    }

    /// Lists the hosts that count as online although their agent was last heard before `limit`, as far as that was
    /// written.
    pub async fn silent_hosts(&self, limit: Timestamp) -> Result<Vec<(HostId, Timestamp)>, Error> {
        let found = Entity::find()
            .filter(Column::Status.eq(HostStatus::Online.as_str()))
            .filter(Column::LastSeenAt.lt(limit.as_micros()))
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let last_heard = |model: Model| {
            let heard = Row::new(TABLE, &model.id).time_or_none("last_seen_at", model.last_seen_at)?;
            Ok(heard.map(|heard| (HostId::from_uuid(model.id), heard)))
        };
        found
            .into_iter()
            .filter_map(|model| last_heard(model).transpose())
            .collect()
    }
}

impl Tx {
    /// Opens a session: keeps what the agent said and raises the host's epoch, above the agent's own memory of it too: a
    /// database may be an earlier copy of itself. Returns the epoch of the session.
    pub async fn open_session(&self, id: HostId, opening: &SessionOpening) -> Result<u64, Error> {
        self.catch_up_epoch(id, opening.last_epoch).await?;
        let micros = u64::try_from(opening.clock_skew.as_micros()).unwrap_or(u64::MAX);
        let row = ActiveModel {
            last_seen_at: Set(Some(opening.at.as_micros())),
            boot_id: Set(Some(opening.boot_id.to_string())),
            protocol_version: Set(Some(i64::from(opening.protocol_version))),
            clock_skew_micros: Set(Some(number(TABLE, "clock_skew_micros", micros)?)),
            inventory: Set(json(TABLE, "inventory", &opening.inventory)?),
            applied: Set(json(TABLE, "applied", &opening.applied)?),
            ..ActiveModel::default()
        };
        self.begin_epoch(id, row).await?;
        self.set_host_status(id, opening.status, opening.at).await?;
        // Also when the status is the one it had: the inventory counts too.
        self.recompute(id).await?;
        let session = self.host_session(id).await?;
        session.map(|session| session.epoch).ok_or_else(|| Error::Missing {
            table: TABLE,
            row: id.to_string(),
        })
    }

    /// Forgets the agent that a host had, for another machine or another key comes in its place. What the former agent says
    /// in a session that is still open is void, and the new one is sent everything that it should hold.
    pub async fn replace_agent(&self, id: HostId, replacement: &Replacement) -> Result<(), Error> {
        let row = ActiveModel {
            last_seen_at: Set(None),
            boot_id: Set(None),
            protocol_version: Set(None),
            clock_skew_micros: Set(None),
            inventory: Set(json(TABLE, "inventory", &replacement.inventory)?),
            applied: Set(json(TABLE, "applied", &Applied::default())?),
            applied_version: Set(0),
            ..ActiveModel::default()
        };
        self.begin_epoch(id, row).await?;
        self.set_host_status(id, replacement.status, replacement.at).await?;
        self.recompute(id).await
    }

    /// Writes what goes with it and raises the host's epoch by one.
    async fn begin_epoch(&self, id: HostId, row: ActiveModel) -> Result<(), Error> {
        let done = Entity::update_many()
            .set(row)
            .col_expr(Column::SessionEpoch, Expr::col(Column::SessionEpoch).add(1))
            .filter(Column::Id.eq(id.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }

    /// Sets whether a host's agent is there, and since when. A host that has the status already keeps its time.
    pub async fn set_host_status(&self, id: HostId, status: HostStatus, since: Timestamp) -> Result<(), Error> {
        let row = ActiveModel {
            status: Set(status.as_str().to_owned()),
            status_since: Set(since.as_micros()),
            ..ActiveModel::default()
        };
        let done = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Status.ne(status.as_str()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        if done.rows_affected == 0 {
            return Ok(());
        }
        self.recompute(id).await
    }

    /// Writes when agents were last heard. A time that is older than what is written changes nothing, nor does a host that
    /// is gone.
    pub async fn record_signs_of_life(&self, heard: &[(HostId, Timestamp)]) -> Result<(), Error> {
        for batch in heard.chunks(BATCH) {
            let places: Vec<String> = (0..batch.len())
                .map(|n| format!("(${}, ${})", 2 * n + 1, 2 * n + 2))
                .collect();
            let sql = format!(
                "UPDATE hosts SET last_seen_at = heard.column2 FROM (VALUES {}) AS heard \
                 WHERE hosts.id = heard.column1 AND coalesce(hosts.last_seen_at, heard.column2 - 1) < heard.column2",
                places.join(", ")
            );
            let values = batch
                .iter()
                .flat_map(|(id, at)| [Value::from(id.as_uuid()), at.as_micros().into()]);
            let statement = Statement::from_sql_and_values(self.on.get_database_backend(), sql, values);
            self.on.execute_raw(statement).await.map_err(Error::at(TABLE))?;
        }
        Ok(())
    }

    async fn catch_up_epoch(&self, id: HostId, at_least: u64) -> Result<(), Error> {
        let at_least = number(TABLE, "session_epoch", at_least)?;
        Entity::update_many()
            .col_expr(Column::SessionEpoch, Expr::value(at_least))
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::SessionEpoch.lt(at_least))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Counts a change of what the agent should hold. Returns the new version.
    pub async fn raise_desired_version(&self, id: HostId) -> Result<u64, Error> {
        let done = Entity::update_many()
            .col_expr(Column::DesiredVersion, Expr::col(Column::DesiredVersion).add(1))
            .filter(Column::Id.eq(id.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)?;
        let session = self.host_session(id).await?;
        session
            .map(|session| session.desired_version)
            .ok_or_else(|| Error::Missing {
                table: TABLE,
                row: id.to_string(),
            })
    }

    /// Counts a change of what the agent should hold so that the new version is above `version`: an agent refuses what is
    /// older than what it holds.
    pub async fn raise_desired_version_above(&self, id: HostId, version: u64) -> Result<(), Error> {
        let done = Entity::update_many()
            .col_expr(Column::DesiredVersion, above(Column::DesiredVersion, version)?)
            .filter(Column::Id.eq(id.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }

    /// Counts a change of what the agents of all hosts with this repository should hold. Returns these hosts.
    pub async fn raise_desired_versions_of(&self, repository: RepositoryId) -> Result<Vec<HostId>, Error> {
        let hosts: Vec<HostId> = self
            .repository_hosts(repository)
            .await?
            .into_iter()
            .map(|binding| binding.host_id)
            .collect();
        for host in &hosts {
            self.raise_desired_version(*host).await?;
        }
        Ok(hosts)
    }

    /// Keeps what an agent holds by now, and the version up to which that is all it should hold.
    pub async fn set_applied(&self, id: HostId, applied: &Applied, version: u64) -> Result<(), Error> {
        let row = ActiveModel {
            applied: Set(json(TABLE, "applied", applied)?),
            applied_version: Set(number(TABLE, "applied_version", version)?),
            ..ActiveModel::default()
        };
        let done = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(id.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_exist(done.rows_affected, TABLE, &id)
    }
}

/// One more than a counter says, or than `other` if that is higher.
fn above(counter: Column, other: u64) -> Result<Expr, Error> {
    let other = number(TABLE, "desired_version", other)?;
    let higher: Expr = Expr::case(Expr::col(counter).gt(other), Expr::col(counter))
        .finally(other)
        .into();
    Ok(higher.add(1))
}

impl TryFrom<Model> for HostSession {
    type Error = Error;

    fn try_from(model: Model) -> Result<Self, Error> {
        let row = Row::new(TABLE, &model.id);
        Ok(Self {
            status: row.word("status", &model.status)?,
            epoch: row.count("session_epoch", model.session_epoch)?,
            boot_id: model.boot_id.map(Into::into),
            last_seen_at: row.time_or_none("last_seen_at", model.last_seen_at)?,
            desired_version: row.count("desired_version", model.desired_version)?,
            applied: row.document("applied", &model.applied)?,
        })
    }
}
