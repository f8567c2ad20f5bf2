//! `/`: whether the fleet is protected, in one sentence; then what needs somebody; then the hosts.

mod fleet;
mod start;

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::event::Event as Change;
use proto::v1::{
    CreateEnrollmentTokenRequest, FleetSummary, GetFleetSummaryRequest, JobKind, JobStatus, ListAttentionRequest,
    ListAttentionResponse, ListHostsRequest, ListJobsRequest,
};

use self::fleet::{Cards, Worst};
use self::start::Start;
use super::host_row::replace;
use super::hosts::AddHostLink;
use super::job_table::JobTable;
use super::shell::Crumbs;
use crate::i18n::t;
use crate::kit::{
    Ago, AttentionList, Glyph, HealthTiles, Held, Remote, RemoteView, ShowChanges, SkeletonRows, Title, gently, remote,
};
use crate::model::format::count;
use crate::model::overview::{self, Density, Standing};
use crate::session::session;
use crate::{api, browser, live};

/// How many of the latest jobs a small fleet shows.
const RECENT: i32 = 5;

#[component]
pub(crate) fn Overview() -> impl IntoView {
    Crumbs::set(Vec::new, || t::NAV_OVERVIEW.to_owned());
    let summary = remote(|| (), |()| api::call(GetFleetSummaryRequest {}));
    let attention = remote(|| (), |()| api::call(ListAttentionRequest {}));
    let backing_up = remote(
        || (),
        |()| async { Ok(api::call(running_backups()).await?.total_count > 0) },
    );
    let hosts = remote(|| (), |()| api::call(worst_hosts()));
    let jobs = remote(|| (), |()| api::call(recent_jobs()));
    let numbers = gently(move || {
        summary.reload();
        backing_up.reload();
    });
    let lists = gently(move || {
        attention.reload();
        hosts.reload();
        jobs.reload();
    });
    live::on_change(move |change| {
        match change {
            Change::Host(host) => hosts.patch(|page| {
                replace(page, host);
            }),
            Change::Job(job) => jobs.patch(|page| {
                if let Some(shown) = page.jobs.iter_mut().find(|shown| shown.id == job.id) {
                    shown.clone_from(job);
                }
            }),
            Change::HostDeleted(_) | Change::Resync(_) => {}
        }
        numbers.ask();
        lists.ask();
    });
    let facts = Signal::derive(move || summary.data.get().unwrap_or_default());
    let density = Memo::new(move |_| facts.with(|facts| overview::density(facts.hosts)));
    let has_hosts = Memo::new(move |_| facts.with(|facts| facts.hosts > 0));
    view! {
        <RemoteView of=summary skeleton=|| view! { <SkeletonRows rows=6 columns=6/> }>
            <Sentence facts backing_up=Signal::derive(move || backing_up.with(|is| *is)) as_of=summary.as_of/>
            {move || {
                if !has_hosts.get() {
                    return view! { <Start/> }.into_any();
                }
                view! {
                    <section aria-label=t::HEALTH_OF_FLEET>
                        <HealthTiles tiles=Signal::derive(move || {
                            facts.with(|facts| overview::tiles(facts, &attention.with(|list| list.lines.clone())))
                        })/>
                    </section>
                    <Held by=lists>
                        <Attention attention><ShowChanges of=lists/></Attention>
                        <section class="section" aria-labelledby="h-hosts">
                            <HostsHead facts/>
                            <RemoteView of=hosts skeleton=|| view! { <SkeletonRows rows=4 columns=6/> }>
                                {move || match density.get() {
                                    Density::Cards => view! { <Cards page=hosts.data/> }.into_any(),
                                    Density::Worst => view! { <Worst page=hosts.data/> }.into_any(),
                                    Density::Problems => ().into_any(),
                                }}
                            </RemoteView>
                        </section>
                        <section class="section" aria-labelledby="h-jobs">
                            <div class="card-head">
                                <h2 id="h-jobs">{t::RECENT_JOBS}</h2>
                                <span class="end"><A href="/jobs">{t::ALL_JOBS}</A></span>
                            </div>
                            <RemoteView of=jobs skeleton=|| view! { <SkeletonRows rows=3 columns=6/> }>
                                <JobTable
                                    jobs=Signal::derive(move || jobs.with(|page| page.jobs.clone()))
                                    with_host=true
                                />
                            </RemoteView>
                        </section>
                    </Held>
                }
                .into_any()
            }}
        </RemoteView>
    }
}

fn running_backups() -> ListJobsRequest {
    ListJobsRequest {
        kind: JobKind::Backup.into(),
        status: JobStatus::Running.into(),
        page_size: 1,
        ..ListJobsRequest::default()
    }
}

fn worst_hosts() -> ListHostsRequest {
    ListHostsRequest {
        order_by: "health".to_owned(),
        page_size: i32::try_from(overview::CARDS).unwrap_or(i32::MAX),
        ..ListHostsRequest::default()
    }
}

fn recent_jobs() -> ListJobsRequest {
    ListJobsRequest {
        page_size: RECENT,
        ..ListJobsRequest::default()
    }
}

/// The sentence, and the numbers behind it.
#[component]
fn Sentence(
    /// The fleet in numbers.
    facts: Signal<FleetSummary>,
    /// Whether backups run.
    backing_up: Signal<bool>,
    /// When that was so.
    as_of: RwSignal<i64>,
) -> impl IntoView {
    let standing = Memo::new(move |_| facts.with(|facts| overview::standing(facts, backing_up.get())));
    let badge = Memo::new(move |_| facts.with(|facts| overview::badge(standing.get(), facts)));
    let parts = Memo::new(move |_| facts.with(overview::parts));
    let lead = move || {
        if standing.get() == Standing::NoHosts {
            return view! { <span>{t::NO_HOSTS_LEAD}</span> }.into_any();
        }
        view! {
            <For each=move || parts.get() key=|part| part.href.clone() let:first>
                {
                    let href = first.href.clone();
                    let text = Memo::new(move |_| parts.with(|parts| {
                        let found = parts.iter().find(|part| part.href == first.href);
                        found.unwrap_or(&first).text.clone()
                    }));
                    view! { <span><A href=href attr:class="ev">{text}</A></span> }
                }
            </For>
            {move || facts.with(|facts| crate::millis!(facts.last_backup_at)).map(|at| view! {
                <span>{t::LAST_BACKUP_ENDED}" "<Ago at=Signal::stored(Some(at))/></span>
            })}
        }
        .into_any()
    };
    view! {
        <header class="sentence">
            <div class="head">
                <Glyph
                    name=Signal::derive(move || badge.get().glyph)
                    tone=Signal::derive(move || badge.get().tone.class())
                    turns=Signal::derive(move || badge.get().turns())
                />
                <Title
                    text=Signal::derive(move || facts.with(|facts| overview::sentence(standing.get(), facts)))
                    tab=t::NAV_OVERVIEW
                />
            </div>
            <p class="asof">{move || t::as_of(&browser::clock(as_of.get()))}</p>
            <p class="lead dots">{lead}</p>
        </header>
    }
}

/// What needs somebody; nothing when nobody is needed.
#[component]
fn Attention(
    /// The list.
    attention: Remote<ListAttentionResponse>,
    /// What stands at the end of its head.
    children: ChildrenFn,
) -> impl IntoView {
    let rows = Memo::new(move |_| attention.with(|list| overview::rows(&list.lines)));
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let failed = Memo::new(move |_| attention.data.with(Option::is_none) && attention.error.with(Option::is_some));
    move || {
        let children = children.clone();
        (failed.get() || !is_empty.get()).then(|| {
            view! {
                <section class="section" aria-labelledby="h-attention">
                    <div class="card-head">
                        <h2 id="h-attention">
                            {t::NEEDS_ATTENTION}<span class="count">{move || count(rows.with(Vec::len) as u64)}</span>
                        </h2>
                        <span class="end">{children()}</span>
                    </div>
                    <RemoteView of=attention skeleton=|| view! { <SkeletonRows rows=2 columns=4/> }>
                        <AttentionList rows/>
                    </RemoteView>
                </section>
            }
        })
    }
}

#[component]
fn HostsHead(
    /// The fleet in numbers.
    facts: Signal<FleetSummary>,
) -> impl IntoView {
    let said = move || {
        let hosts = facts.with(|facts| facts.hosts);
        match overview::density(hosts) {
            Density::Worst => t::WORST_FIRST.to_owned(),
            Density::Cards | Density::Problems => count(hosts),
        }
    };
    let may_add = move || session().may::<CreateEnrollmentTokenRequest>();
    view! {
        <div class="card-head">
            <h2 id="h-hosts">{t::NAV_HOSTS}<span class="count">{said}</span></h2>
            <span class="end">
                <A href="/hosts">{t::ALL_HOSTS}</A>
                {move || may_add().then(|| view! { <AddHostLink primary=false/> })}
            </span>
        </div>
    }
}
