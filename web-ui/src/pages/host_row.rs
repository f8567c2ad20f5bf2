//! One host as a row of a table, which follows the host as that changes.

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::{Host, ListHostsResponse};

use crate::i18n::t;
use crate::kit::{Ago, BackupBar, StatusBadge};
use crate::model::bars::of_runs;
use crate::model::format::count;
use crate::model::status;
use crate::model::untrusted::visible;

/// The host with this id on a page of the list; what it was last, when it is not there.
pub(super) fn follow(id: String, page: RwSignal<Option<ListHostsResponse>>) -> Memo<Host> {
    Memo::new(move |earlier: Option<&Host>| {
        let found = page.with(|page| page.as_ref()?.hosts.iter().find(|host| host.id == id).cloned());
        found.or_else(|| earlier.cloned()).unwrap_or_default()
    })
}

/// The ids of a page, in its order.
pub(super) fn ids(page: RwSignal<Option<ListHostsResponse>>) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        page.with(|page| {
            page.iter()
                .flat_map(|page| &page.hosts)
                .map(|host| host.id.clone())
                .collect()
        })
    })
}

/// A host that is on the page is shown as it now is, and whether it is. None comes, goes or moves.
pub(super) fn replace(page: &mut ListHostsResponse, host: &Host) -> bool {
    let shown = page.hosts.iter_mut().find(|shown| shown.id == host.id);
    let is_shown = shown.is_some();
    if let Some(shown) = shown {
        shown.clone_from(host);
    }
    is_shown
}

#[component]
pub(super) fn HostRow(
    /// The host's id.
    id: String,
    /// Where the host is found.
    page: RwSignal<Option<ListHostsResponse>>,
) -> impl IntoView {
    let href = format!("/hosts/{id}");
    let host = follow(id, page);
    let text = move |read: fn(&Host) -> String| move || host.with(read);
    view! {
        <tr>
            <th scope="row">
                <A href=href>{text(|host| visible(&host.hostname))}</A>
                {move || host.with(|host| {
                    host.tags.iter().map(|tag| view! { <span class="tag">{visible(tag)}</span> }).collect_view()
                })}
            </th>
            <td class="c-wide why-cell">
                <StatusBadge
                    badge=Signal::derive(move || host.with(|host| status::health(host.health())))
                    why=Signal::derive(text(|host| host.health_reason.clone()))
                />
            </td>
            <td class="c-hide">
                <BackupBar bars=Signal::derive(move || host.with(|host| of_runs(&host.recent_runs)))/>
            </td>
            <td data-label=t::COLUMN_LAST_BACKUP>
                <Ago at=Signal::derive(move || host.with(|host| crate::millis!(host.last_backup_at)))/>
            </td>
            <td class="num" data-label=t::COLUMN_SNAPSHOTS>{text(|host| count(host.snapshot_count))}</td>
            <td data-label=t::COLUMN_SEEN>
                <Ago at=Signal::derive(move || host.with(|host| crate::millis!(host.last_seen_at)))/>
            </td>
            <td class="sub c-hide">{text(|host| visible(&host.agent_version))}</td>
        </tr>
    }
}
