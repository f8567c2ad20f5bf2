//! Hosts as people see, change and delete them.

use domain::ErrorCode;
use domain::fleet::{DeleteHost, HostQuery, HostView, UpdateHost};
use domain::health::Health;
use domain::host::HostStatus;
use domain::id::HostId;
use domain::name::Tag;
use domain::page::Page;
use domain::session::GoodbyeReason;
use serde_json::json;

use super::enrollment_tokens::refuse_taken;
use super::host_credentials::{known_host, repository_of};
use super::news::News;
use super::record::{Change, record};
use super::repositories::version_conflict;
use super::{App, Caller, Error, paging};
use crate::events;

impl App {
    /// Lists hosts. Errors: `invalid_page_token`.
    pub async fn list_hosts(&self, _: &Caller, query: HostQuery) -> Result<Page<HostView>, Error> {
        let HostQuery {
            words,
            status,
            health,
            tag,
            repo_status,
            repository,
            order,
            page,
        } = &query;
        let list = json!([
            "hosts",
            words,
            status.map(HostStatus::as_str),
            health.map(Health::as_str),
            tag.as_ref().map(Tag::as_str),
            repo_status,
            repository.map(|repository| repository.to_string()),
            order,
        ]);
        let request = paging::open(page, &list)?;
        let page = self.0.store.read().await?.hosts(&query, &request).await?;
        paging::close(page, &list)
    }

    /// Shows one host. Errors: `host_not_found`.
    pub async fn get_host(&self, _: &Caller, id: HostId) -> Result<HostView, Error> {
        known_host(&self.0.store.read().await?, id).await
    }

    /// Changes what people change of a host; what is absent stays. A connected agent gets new limits at once.
    ///
    /// Errors: `host_not_found`, `version_conflict`, `host_exists`.
    pub async fn update_host(&self, caller: &Caller, update: UpdateHost) -> Result<HostView, Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let before = known_host(&tx, update.id).await?;
        if before.version != update.version {
            return Err(version_conflict(before.version));
        }
        let fields = changed_fields(&before, &update);
        if fields.is_empty() {
            return Ok(before);
        }
        if let Some(name) = update
            .hostname
            .as_ref()
            .filter(|name| name.key() != before.hostname.key())
        {
            refuse_taken(&tx, name).await?;
        }
        tx.update_host(&update).await?;
        if fields.iter().any(|field| field.starts_with("limit_")) {
            tx.raise_desired_version(update.id).await?;
        }
        let after = known_host(&tx, update.id).await?;
        record(
            &tx,
            caller,
            about("host.updated", &after).with(json!({ "fields": fields })),
            now,
        )
        .await?;
        tx.commit().await?;
        let mut news = News::default();
        news.host(update.id);
        self.tell(news);
        Ok(after)
    }

    /// Deletes a host. Its certificates go with its rows, so that nobody comes in with one any more, and a connected agent
    /// is cut off with the words to forget its credentials. The repository's data stays.
    ///
    /// Returns what remains to be done by a person; empty when the host had no repository.
    /// Errors: `host_not_found`, `confirmation_mismatch`.
    pub async fn delete_host(&self, caller: &Caller, delete: DeleteHost) -> Result<String, Error> {
        let DeleteHost { id, confirmation } = delete;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let host = known_host(&tx, id).await?;
        refuse_unconfirmed(&host, &confirmation)?;
        let repository = repository_of(&tx, id).await?;
        tx.delete_host(id).await?;
        let facts = json!({
            "restic_host": host.restic_host.as_str(),
            "repository_id": repository.as_ref().map(|repository| repository.id.to_string()),
        });
        record(&tx, caller, about("host.deleted", &host).with(facts), now).await?;
        tx.commit().await?;
        self.cut_off(id, GoodbyeReason::Revoked);
        self.0.events.publish(events::Change::HostDeleted(id));
        Ok(repository.map_or_else(String::new, |repository| {
            format!(
                "The snapshots of {} stay in the repository {} ({}). The host had the credentials for it and is told to \
                 forget them, but a copy may remain: replace them at the repository's server and here.",
                host.hostname, repository.name, repository.url
            )
        }))
    }
}

/// Errors: `confirmation_mismatch`.
pub(super) fn refuse_unconfirmed(host: &HostView, confirmation: &str) -> Result<(), Error> {
    if confirmation == host.hostname.as_str() {
        return Ok(());
    }
    Err(Error::refuse_field(
        ErrorCode::ConfirmationMismatch,
        "confirm_hostname",
        ErrorCode::ConfirmationMismatch.meaning(),
    ))
}

pub(super) fn about(action: &'static str, host: &HostView) -> Change {
    Change::new(action).to("host", host.id, &host.hostname)
}

/// The names of the fields that the update changes, as JSON spells them.
fn changed_fields(before: &HostView, update: &UpdateHost) -> Vec<&'static str> {
    let UpdateHost {
        id: _,
        hostname,
        tags,
        is_always_on,
        limit_upload_kib_per_s,
        limit_download_kib_per_s,
        version: _,
    } = update;
    [
        (
            "hostname",
            hostname.as_ref().is_some_and(|name| *name != before.hostname),
        ),
        ("tags", tags.as_ref().is_some_and(|tags| *tags != before.tags)),
        (
            "always_on",
            is_always_on.is_some_and(|always_on| always_on != before.is_always_on),
        ),
        (
            "limit_upload_kib_s",
            limit_upload_kib_per_s.is_some_and(|limit| limit != before.limit_upload_kib_per_s),
        ),
        (
            "limit_download_kib_s",
            limit_download_kib_per_s.is_some_and(|limit| limit != before.limit_download_kib_per_s),
        ),
    ]
    .into_iter()
    .filter_map(|(name, is_changed)| is_changed.then_some(name))
    .collect()
}
