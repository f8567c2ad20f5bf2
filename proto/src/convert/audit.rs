//! The audit log.

use domain::audit_query::{ActionFilter, AuditQuery};

use super::{Invalid, from_timestamp, page::page};
use crate::v1;

/// Longest filter text, in bytes.
const FILTER_LIMIT: usize = 256;

impl TryFrom<v1::ListAuditEntriesRequest> for AuditQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListAuditEntriesRequest) -> Result<Self, Invalid> {
        let v1::ListAuditEntriesRequest { action, actor, target, from, to, page_size, page_token } = message;
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

/// Reads a filter: text that can stand in an index.
pub(super) fn filter(field: &str, text: String) -> Result<String, Invalid> {
    if text.len() > FILTER_LIMIT || text.chars().any(char::is_control) {
        return Err(Invalid::argument(field, "text of at most 256 bytes without control characters is needed"));
    }
    Ok(text)
}
