//! The hosts of the overview: cards for a few, the worst as a table for more.

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::{Health, Host, ListHostsResponse};

use super::super::host_row::{HostRow, follow, ids};
use crate::i18n::t;
use crate::kit::{Ago, BackupBar, StatusBadge};
use crate::model::bars::of_runs;
use crate::model::format::count;
use crate::model::status;
use crate::model::untrusted::visible;

/// All hosts as cards.
#[component]
pub(super) fn Cards(
    /// The hosts, the worst first.
    page: RwSignal<Option<ListHostsResponse>>,
) -> impl IntoView {
    let ids = ids(page);
    view! {
        <ul class="g-cards">
            <For each=move || ids.get() key=Clone::clone let:id><Card id page/></For>
        </ul>
    }
}

#[component]
fn Card(
    /// The host's id.
    id: String,
    /// Where the host is found.
    page: RwSignal<Option<ListHostsResponse>>,
) -> impl IntoView {
    let href = format!("/hosts/{id}");
    let host = follow(id, page);
    let system = move || {
        host.with(|host| {
            let facts = [visible(&host.os_version), visible(&host.arch)];
            let known = facts.into_iter().filter(|fact| !fact.is_empty());
            known.map(|fact| view! { <span>{fact}</span> }).collect_view()
        })
    };
    let why = move || {
        host.with(|host| {
            let is_quiet = matches!(host.health(), Health::Ok | Health::Asleep);
            (!is_quiet && !host.health_reason.is_empty()).then(|| visible(&host.health_reason))
        })
    };
    let running = Memo::new(move |_| host.with(|host| host.running_job_id.clone()));
    view! {
        <li class="card hostcard">
            <div>
                <div class="head">
                    <h3><A href=href>{move || host.with(|host| visible(&host.hostname))}</A></h3>
                    <StatusBadge badge=Signal::derive(move || host.with(|host| status::health(host.health())))/>
                </div>
                <p class="sub dots">{system}</p>
            </div>
            {move || why().map(|why| view! { <p class="why" title=why.clone()>{why.clone()}</p> })}
            <BackupBar fluid=true bars=Signal::derive(move || host.with(|host| of_runs(&host.recent_runs)))/>
            <dl class="figures">
                <div>
                    <dt>{t::LAST_OK}</dt>
                    <dd><Ago at=Signal::derive(move || host.with(|host| crate::millis!(host.last_success_at)))/></dd>
                </div>
                <div>
                    <dt>{t::COLUMN_SNAPSHOTS}</dt>
                    <dd>{move || host.with(|host: &Host| count(host.snapshot_count))}</dd>
                </div>
                <div>
                    {move || match running.get() {
                        Some(job) => view! {
                            <dt>{t::COLUMN_NOW}</dt>
                            <dd><A href=format!("/jobs/{job}") attr:class="over">{t::NOW_RUNNING}</A></dd>
                        }
                        .into_any(),
                        None => view! {
                            <dt>{t::COLUMN_SEEN}</dt>
                            <dd><Ago at=Signal::derive(move || host.with(|host| crate::millis!(host.last_seen_at)))/></dd>
                        }
                        .into_any(),
                    }}
                </div>
            </dl>
        </li>
    }
}

/// The worst hosts as a table.
#[component]
pub(super) fn Worst(
    /// The hosts, the worst first.
    page: RwSignal<Option<ListHostsResponse>>,
) -> impl IntoView {
    let ids = ids(page);
    let range = move || {
        let (shown, total) = page.with(|page| {
            page.as_ref()
                .map_or((0, 0), |page| (page.hosts.len() as u64, page.total_count))
        });
        t::range(&count(1), &count(shown), &count(total))
    };
    view! {
        <div class="card table-box">
            <table class="table cards">
                <caption class="vh">{t::NAV_HOSTS}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t::COLUMN_HOST}</th>
                        <th scope="col">{t::COLUMN_HEALTH}</th>
                        <th scope="col" class="c-hide">{t::COLUMN_RUNS}</th>
                        <th scope="col">{t::COLUMN_LAST_BACKUP}</th>
                        <th scope="col" class="num">{t::COLUMN_SNAPSHOTS}</th>
                        <th scope="col">{t::COLUMN_SEEN}</th>
                        <th scope="col" class="c-hide">{t::COLUMN_AGENT}</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || ids.get() key=Clone::clone let:id><HostRow id page/></For>
                </tbody>
            </table>
            <div class="table-foot"><span>{range}</span></div>
        </div>
    }
}
