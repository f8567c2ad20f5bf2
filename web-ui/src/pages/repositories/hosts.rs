//! The hosts that use a repository, and how it is for each.

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::{Host, SetHostCredentialsRequest};

use super::detail::Shown;
use super::host_login::HostLogin;
use crate::i18n::t;
use crate::kit::{Ago, Button, StatusBadge};
use crate::model::format::count;
use crate::model::repository_view::detail;
use crate::model::status;
use crate::model::untrusted::visible;
use crate::session::session;

#[component]
pub(super) fn HostsUsing(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let total = move || shown.facts.with(|facts| facts.host_count);
    let ids = Memo::new(move |_| {
        shown
            .hosts
            .with(|hosts| hosts.iter().map(|host| host.id.clone()).collect::<Vec<_>>())
    });
    let others = move || {
        total()
            .checked_sub(ids.with(Vec::len) as u64)
            .filter(|others| *others > 0)
    };
    let login_of = RwSignal::new(String::new());
    view! {
        <section class="section" aria-labelledby="h-hosts">
            <div class="card-head">
                <h2 id="h-hosts">{t::HOSTS_USING}<span class="count">{move || count(total())}</span></h2>
            </div>
            {move || {
                if ids.with(Vec::is_empty) {
                    return view! { <p class="t2">{t::HOSTS_USING_NONE}</p> }.into_any();
                }
                view! {
                    <div class="card table-box">
                        <table class="table compact cards">
                            <caption class="vh">{t::HOSTS_USING}</caption>
                            <thead>
                                <tr>
                                    <th scope="col">{t::COLUMN_HOST}</th>
                                    <th scope="col">{t::REPOSITORY}</th>
                                    <th scope="col">{t::COLUMN_LAST_BACKUP}</th>
                                    <th scope="col" class="num">{t::COLUMN_SNAPSHOTS}</th>
                                    <th scope="col"><span class="vh">{t::OWN_LOGIN}</span></th>
                                </tr>
                            </thead>
                            <tbody>
                                <For each=move || ids.get() key=Clone::clone let:id>
                                    <Row id shown login_of/>
                                </For>
                            </tbody>
                        </table>
                        {move || others().map(|others| view! {
                            <div class="table-foot"><span>{t::and_more(others)}</span></div>
                        })}
                    </div>
                }
                .into_any()
            }}
            <HostLogin shown host=login_of/>
        </section>
    }
}

#[component]
fn Row(
    /// The host's id.
    id: String,
    /// The repository.
    shown: Shown,
    /// The host whose login is asked for.
    login_of: RwSignal<String>,
) -> impl IntoView {
    let (href, own_id) = (format!("/hosts/{id}"), id.clone());
    let host = Memo::new(move |earlier: Option<&Host>| {
        let found = shown
            .hosts
            .with(|hosts| hosts.iter().find(|host| host.id == id).cloned());
        found.or_else(|| earlier.cloned()).unwrap_or_default()
    });
    // A host that has the repository for itself uses the repository's own login.
    let is_shared = move || shown.facts.with(|facts| facts.host_count > 1);
    let may = move || session().may::<SetHostCredentialsRequest>() && is_shared();
    view! {
        <tr>
            <th scope="row"><A href=href>{move || host.with(|host| visible(&host.hostname))}</A></th>
            <td class="c-wide why-cell">
                <StatusBadge
                    badge=Signal::derive(move || host.with(|host| status::repository(host.repo_status())))
                    why=Signal::derive(move || host.with(|host| detail(&host.repo_status_detail).unwrap_or_default()))
                />
            </td>
            <td data-label=t::COLUMN_LAST_BACKUP>
                <Ago at=Signal::derive(move || host.with(|host| crate::millis!(host.last_backup_at)))/>
            </td>
            <td class="num" data-label=t::COLUMN_SNAPSHOTS>{move || host.with(|host| count(host.snapshot_count))}</td>
            <td class="acts">
                {move || {
                    let id = own_id.clone();
                    may().then(|| view! { <Button label=t::OWN_LOGIN on_press=move || login_of.set(id.clone())/> })
                }}
            </td>
        </tr>
    }
}
