//! How far the events of each agent's outbox are applied.

use domain::Timestamp;
use domain::id::{HostId, OutboxIncarnation};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::agent_cursor::{ActiveModel, Column, Entity};
use super::row::{Row, must_be_fresh, number};
use super::{Error, ReadTx, Tx};

const TABLE: &str = "agent_cursors";

impl ReadTx {
    /// Finds the number of the last event of an outbox that is applied; 0 when none is.
    pub async fn agent_cursor(&self, host: HostId, incarnation: OutboxIncarnation) -> Result<u64, Error> {
        let key = (host.as_uuid(), incarnation.as_uuid());
        let found = Entity::find_by_id(key).one(&self.on).await.map_err(Error::at(TABLE))?;
        found.map_or(Ok(0), |model| {
            Row::new(TABLE, &key_text(host, incarnation)).count("through_seq", model.through_seq)
        })
    }
}

impl Tx {
    /// Moves the cursor of an outbox, in the transaction that applies the events up to `to`. [`Error::Stale`] when it does
    /// not stand at `from`: somebody else has applied them.
    pub async fn advance_agent_cursor(
        &self,
        host: HostId,
        incarnation: OutboxIncarnation,
        from: u64,
        to: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let to = number(TABLE, "through_seq", to)?;
        if from == 0 {
            return self.begin_cursor(host, incarnation, to, now).await;
        }
        let done = Entity::update_many()
            .col_expr(Column::ThroughSeq, Expr::value(to))
            .col_expr(Column::UpdatedAt, Expr::value(now.as_micros()))
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::Incarnation.eq(incarnation.as_uuid()))
            .filter(Column::ThroughSeq.eq(number(TABLE, "through_seq", from)?))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        must_be_fresh(done.rows_affected, TABLE, &key_text(host, incarnation))
    }

    async fn begin_cursor(
        &self,
        host: HostId,
        incarnation: OutboxIncarnation,
        to: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let row = ActiveModel {
            host_id: Set(host.as_uuid()),
            incarnation: Set(incarnation.as_uuid()),
            through_seq: Set(to),
            updated_at: Set(now.as_micros()),
        };
        let inserted = Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE));
        match inserted {
            Ok(_) => Ok(()),
            Err(Error::Taken { .. }) => Err(Error::Stale {
                table: TABLE,
                row: key_text(host, incarnation),
            }),
            Err(other) => Err(other),
        }
    }
}

fn key_text(host: HostId, incarnation: OutboxIncarnation) -> String {
    format!("{host}/{incarnation}")
}
