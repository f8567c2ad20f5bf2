//! The record of who did what. It only grows.

use std::net::IpAddr;

use domain::audit::{ChainHash, Entry};
use domain::audit_query::{ActionFilter, AuditQuery};
use domain::{ActorKind, ReportedText, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use super::entity::{audit_entry, audit_head};
use super::page::{Page, PageRequest};
use super::row::{Row, begins_with, can_be_stored, json, must_exist, number};
use super::{Error, ReadTx, Tx};

const TABLE: &str = "audit_log";
const HEAD: &str = "audit_head";
/// The id of the one row of `audit_head`.
const HEAD_ID: i64 = 1;

/// What is to be recorded. Its position in the chain follows from the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAuditEntry {
    /// By the server's clock.
    pub ts: Timestamp,
    /// See [`Entry::actor_kind`].
    pub actor_kind: ActorKind,
    /// See [`Entry::actor_id`].
    pub actor_id: Option<String>,
    /// See [`Entry::actor_name`].
    pub actor_name: ReportedText<256>,
    /// See [`Entry::ip`].
    pub ip: Option<IpAddr>,
    /// See [`Entry::action`].
    pub action: String,
    /// See [`Entry::target_kind`].
    pub target_kind: Option<String>,
    /// See [`Entry::target_id`].
    pub target_id: Option<String>,
    /// See [`Entry::target_name`].
    pub target_name: ReportedText<256>,
    /// A JSON object with further facts, never a secret.
    pub payload: serde_json::Value,
}

/// One line of the record with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// What happened.
    pub entry: Entry,
    /// The hash over it and all lines before.
    pub hash: ChainHash,
}

impl ReadTx {
    /// Lists the record, newest first. The cursor is the id of the last line seen; the query's own page is for the caller,
    /// who has turned its token into `page`.
    pub async fn audit_log(&self, query: &AuditQuery, page: &PageRequest<u64>) -> Result<Page<AuditLine, u64>, Error> {
        let matching = matching(&self.on, query);
        let total = matching.clone().count(&self.on).await.map_err(Error::at(TABLE))?;
        let mut wanted = matching.order_by_desc(audit_entry::Column::Id).limit(page.limit());
        if let Some(after) = page.after {
            wanted = wanted.filter(audit_entry::Column::Id.lt(number(TABLE, "id", after)?));
        }
        let rows = wanted.all(&self.on).await.map_err(Error::at(TABLE))?;
        let lines = rows
            .into_iter()
            .map(AuditLine::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(lines, page, total, |line| line.entry.id))
    }
}

impl Tx {
    /// Adds a line at the end of the chain.
    ///
    /// From here to the commit the chain's head is locked, so on PostgreSQL too only one transaction at a time gets past
    /// this. Let it be the last write of its transaction: one that goes on to lock other rows can meet one that holds them
    /// and waits here.
    pub async fn append_audit(&self, new: NewAuditEntry) -> Result<AuditLine, Error> {
        let head = audit_head::Entity::find_by_id(HEAD_ID)
            .lock_exclusive()
            .one(&self.on)
            .await
            .map_err(Error::at(HEAD))?;
        let head = head.ok_or_else(|| Error::Missing {
            table: HEAD,
            row: HEAD_ID.to_string(),
        })?;
        let row = Row::new(HEAD, &HEAD_ID);
        let previous = ChainHash::from_bytes(row.hash("hash", head.hash)?);
        let line = new.after(row.count("last_id", head.last_id)?, previous)?;
        self.insert(&line).await?;
        let moved = audit_head::Entity::update_many()
            .col_expr(audit_head::Column::LastId, Expr::value(head.last_id + 1))
            .col_expr(audit_head::Column::Hash, Expr::value(line.hash.as_bytes().to_vec()))
            .filter(audit_head::Column::Id.eq(HEAD_ID))
            .exec(&self.on)
            .await
            .map_err(Error::at(HEAD))?;
        must_exist(moved.rows_affected, HEAD, &HEAD_ID)?;
        Ok(line)
    }

    async fn insert(&self, line: &AuditLine) -> Result<(), Error> {
        let AuditLine { entry, hash } = line;
        let row = audit_entry::ActiveModel {
            id: Set(number(TABLE, "id", entry.id)?),
            at: Set(entry.ts.as_micros()),
            actor_kind: Set(entry.actor_kind.as_str().to_owned()),
            actor_id: Set(entry.actor_id.clone()),
            actor_name: Set(entry.actor_name.to_string()),
            ip: Set(entry.ip.map(|ip| ip.to_string())),
            action: Set(entry.action.clone()),
            target_kind: Set(entry.target_kind.clone()),
            target_id: Set(entry.target_id.clone()),
            target_name: Set(entry.target_name.to_string()),
            payload: Set(entry.payload.clone()),
            hash: Set(hash.as_bytes().to_vec()),
        };
        audit_entry::Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }
}

impl NewAuditEntry {
    fn after(self, last_id: u64, previous: ChainHash) -> Result<AuditLine, Error> {
        let Self {
            ts,
            actor_kind,
            actor_id,
            actor_name,
            ip,
            action,
            target_kind,
            target_id,
            target_name,
            payload,
        } = self;
        let entry = Entry {
            id: last_id + 1,
            ts,
            actor_kind,
            actor_id,
            actor_name,
            ip,
            action,
            target_kind,
            target_id,
            target_name,
            payload: json(TABLE, "payload", &payload)?,
        };
        let hash = entry.hash(previous);
        Ok(AuditLine { entry, hash })
    }
}

fn matching(on: &DatabaseTransaction, query: &AuditQuery) -> Select<audit_entry::Entity> {
    use audit_entry::Column;
    let AuditQuery {
        action,
        actor,
        target,
        from,
        to,
        page: _,
    } = query;
    let mut all = Condition::all();
    match action {
        ActionFilter::Any => {}
        ActionFilter::Exactly(action) => all = all.add(is(Column::Action, action)),
        ActionFilter::Prefix(prefix) => all = all.add(begins_with(on, Expr::col(Column::Action), prefix)),
    }
    if !actor.is_empty() {
        all = all.add(is(Column::ActorId, actor).or(is(Column::ActorName, actor)));
    }
    if !target.is_empty() {
        all = all.add(is(Column::TargetId, target).or(is(Column::TargetName, target)));
    }
    all = all
        .add_option(from.map(|from| Column::At.gte(from.as_micros())))
        .add_option(to.map(|to| Column::At.lt(to.as_micros())));
    audit_entry::Entity::find().filter(all)
}

fn is(column: audit_entry::Column, text: &str) -> Expr {
    if can_be_stored(text) {
        column.eq(text)
    } else {
        Expr::value(false)
    }
}
