//! The audit log.

use domain::audit_query::{ActionFilter, AuditQuery};

use domain::ActorKind;
use domain::audit::{ChainHash, Entry};
use pbjson_types::value::Kind;
use pbjson_types::{ListValue, Struct, Value};

use super::{Invalid, from_timestamp, page::page, to_timestamp};
use crate::v1;

/// Longest filter text, in bytes.
const FILTER_LIMIT: usize = 256;

impl TryFrom<v1::ListAuditEntriesRequest> for AuditQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListAuditEntriesRequest) -> Result<Self, Invalid> {
        let v1::ListAuditEntriesRequest {
            action,
            actor,
            target,
            from,
            to,
            page_size,
            page_token,
        } = message;
        Ok(Self {
            action: ActionFilter::new(&filter("action", action)?),
            actor: filter("actor", actor)?,
            target: filter("target", target)?,
            from: from.map(|from| from_timestamp("from", &from)).transpose()?,
            to: to.map(|to| from_timestamp("to", &to)).transpose()?,
            page: page(page_size, page_token)?,
        })
    }
}

impl From<(Entry, ChainHash)> for v1::AuditEntry {
    fn from((entry, hash): (Entry, ChainHash)) -> Self {
        let Entry {
            id,
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
        } = entry;
        Self {
            id,
            ts: Some(to_timestamp(ts)),
            actor_kind: v1::ActorKind::from(actor_kind).into(),
            actor_id: actor_id.unwrap_or_default(),
            actor_name: actor_name.as_str().to_owned(),
            ip: ip.map(|ip| ip.to_string()).unwrap_or_default(),
            action,
            target_kind: target_kind.unwrap_or_default(),
            target_id: target_id.unwrap_or_default(),
            target_name: target_name.as_str().to_owned(),
            payload: object(&payload),
            hash: hash.to_string(),
        }
    }
}

impl From<ActorKind> for v1::ActorKind {
    fn from(kind: ActorKind) -> Self {
        match kind {
            ActorKind::User => Self::User,
            ActorKind::System => Self::System,
            ActorKind::Host => Self::Host,
        }
    }
}

/// Reads the stored payload. It is an object by construction; anything else is shown as nothing.
fn object(text: &str) -> Option<Struct> {
    match value(serde_json::from_str(text).ok()?).kind? {
        Kind::StructValue(object) => Some(object),
        Kind::NullValue(_) | Kind::NumberValue(_) | Kind::StringValue(_) | Kind::BoolValue(_) | Kind::ListValue(_) => {
            None
        }
    }
}

fn value(json: serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(value) => Kind::BoolValue(value),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(values) => Kind::ListValue(ListValue {
            values: values.into_iter().map(value).collect(),
        }),
        serde_json::Value::Object(fields) => Kind::StructValue(Struct {
            fields: fields.into_iter().map(|(name, field)| (name, value(field))).collect(),
        }),
    };
    Value { kind: Some(kind) }
}

/// Reads a filter: text that can stand in an index.
pub(super) fn filter(field: &str, text: String) -> Result<String, Invalid> {
    if text.len() > FILTER_LIMIT || text.chars().any(char::is_control) {
        return Err(Invalid::argument(
            field,
            "text of at most 256 bytes without control characters is needed",
        ));
    }
    Ok(text)
}
