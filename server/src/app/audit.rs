//! Reading the audit log.

use domain::audit_query::{ActionFilter, AuditQuery};
use domain::page::Page;
use serde_json::json;

use super::{App, Caller, Error, paging};
use crate::store::AuditLine;

impl App {
    /// Lists audit entries, newest first. Errors: `invalid_page_token`.
    pub async fn list_audit_entries(&self, _: &Caller, query: AuditQuery) -> Result<Page<AuditLine>, Error> {
        let action = match &query.action {
            ActionFilter::Any => json!(null),
            ActionFilter::Exactly(action) => json!({ "is": action }),
            ActionFilter::Prefix(prefix) => json!({ "begins": prefix }),
        };
        let micros = |time: Option<domain::Timestamp>| time.map(domain::Timestamp::as_micros);
        let list = json!([
            "audit",
            action,
            query.actor,
            query.target,
            micros(query.from),
            micros(query.to)
        ]);
        let request = paging::open(&query.page, &list)?;
        let page = self.0.store.read().await?.audit_log(&query, &request).await?;
        paging::close(page, &list)
    }
}
