//! What an operation tells the audit log.

use std::fmt::Display;

use domain::{ActorKind, Timestamp};
use serde_json::{Value, json};

use super::{Caller, Error, Who, once};
use crate::store::{NewAuditEntry, Tx};

/// A change, as the record keeps it: action, target and further facts. Never a secret.
#[derive(Debug, Clone)]
pub(super) struct Change {
    action: &'static str,
    actor_name: Option<String>,
    target: Option<(&'static str, String, String)>,
    payload: Value,
}

impl Change {
    /// Something that was done, under the action's name in the contract.
    pub(super) fn new(action: &'static str) -> Self {
        Self {
            action,
            actor_name: None,
            target: None,
            payload: json!({}),
        }
    }

    /// What it was done to.
    pub(super) fn to(mut self, kind: &'static str, id: impl Display, name: impl Display) -> Self {
        self.target = Some((kind, id.to_string(), name.to_string()));
        self
    }

    /// The name that was tried, where nobody is signed in.
    pub(super) fn tried_by(mut self, name: impl Into<String>) -> Self {
        self.actor_name = Some(name.into());
        self
    }

    /// Further facts: a JSON object.
    pub(super) fn with(mut self, payload: Value) -> Self {
        self.payload = payload;
        self
    }
}

/// Writes the entry into the transaction of the change itself, which is also where a key of the caller is claimed.
pub(super) async fn record(tx: &Tx, caller: &Caller, change: Change, now: Timestamp) -> Result<(), Error> {
    once::claim(tx, caller, now).await?;
    let Change {
        action,
        actor_name,
        target,
        payload,
    } = change;
    let (actor_kind, actor_id, name) = match &caller.who {
        Who::User(user) => (ActorKind::User, Some(user.id.to_string()), user.name.clone()),
        Who::Anonymous => (ActorKind::User, None, actor_name.unwrap_or_default()),
        Who::Agent(host) => (ActorKind::Host, Some(host.to_string()), actor_name.unwrap_or_default()),
        Who::System => (ActorKind::System, None, "system".to_owned()),
    };
    let (target_kind, target_id, target_name) = match target {
        Some((kind, id, name)) => (Some(kind.to_owned()), Some(id), name),
        None => (None, None, String::new()),
    };
    tx.append_audit(NewAuditEntry {
        ts: now,
        actor_kind,
        actor_id,
        actor_name: name.as_str().into(),
        ip: caller.origin.address,
        action: action.to_owned(),
        target_kind,
        target_id,
        target_name: target_name.as_str().into(),
        payload,
    })
    .await?;
    Ok(())
}
