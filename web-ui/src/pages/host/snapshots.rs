//! The snapshots of one host, as its agent last listed them.

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;
use proto::v1::event::Event as Change;
use proto::v1::{HostStatus, JobKind, ListSnapshotsRequest, ListSnapshotsResponse, RunJobRequest, Snapshot};

use super::super::action::Action;
use super::super::paging::{ListPager, Shown as PageShown};
use super::Shown;
use crate::i18n::t;
use crate::kit::{Ago, Button, CopyButton, EmptyState, FormError, RemoteView, SkeletonRows, remote};
use crate::model::format::{bytes, count};
use crate::model::list_page::ListPage;
use crate::model::status;
use crate::model::untrusted::{middle, visible};
use crate::session::session;
use crate::{api, browser, live};

const PAGE_SIZE: u32 = 50;
/// Characters of a path that are shown.
const PATH: usize = 40;

#[component]
pub(crate) fn HostSnapshots() -> impl IntoView {
    let shown = Shown::here();
    let params = use_query_map();
    let page = Memo::new(move |_| params.with(|params| ListPage::read(|name| params.get(name))));
    let list = remote(
        move || (shown.id.get(), page.get()),
        |(host_id, page): (String, ListPage)| {
            api::call(ListSnapshotsRequest {
                host_id,
                page_size: i32::try_from(PAGE_SIZE).unwrap_or_default(),
                page_token: page.after,
                ..ListSnapshotsRequest::default()
            })
        },
    );
    live::on_change(move |change| match change {
        // Both kinds end with a new list.
        Change::Job(job) if job.host_id == shown.id.get_untracked() && status::has_ended(job) => {
            if matches!(job.kind(), JobKind::Backup | JobKind::Snapshots) {
                list.reload();
            }
        }
        Change::Resync(_) => list.reload(),
        Change::Host(_) | Change::Job(_) | Change::HostDeleted(_) => {}
    });
    let listed_at = Signal::derive(move || {
        list.with(|page| {
            page.snapshots
                .first()
                .and_then(|newest| crate::millis!(newest.refreshed_at))
        })
    });
    let total = move || list.data.get().map_or_else(String::new, |page| count(page.total_count));
    let is_empty = Memo::new(move |_| list.with(|page| page.snapshots.is_empty()));
    view! {
        <section class="section" aria-labelledby="h-snapshots">
            <div class="card-head">
                <h2 id="h-snapshots">{t::COLUMN_SNAPSHOTS}<span class="count" role="status">{total}</span></h2>
                <span class="end">
                    {move || listed_at.get().map(|at| view! {
                        <span>{t::LISTED}" "<Ago at=Signal::stored(Some(at))/></span>
                    })}
                    <Refresh shown/>
                </span>
            </div>
            <RemoteView of=list skeleton=|| view! { <SkeletonRows rows=6 columns=6/> }>
                {move || {
                    if is_empty.get() {
                        return view! {
                            <div class="card">
                                <EmptyState heading=t::SNAPSHOTS_EMPTY text=t::SNAPSHOTS_EMPTY_TEXT>
                                    <A href=move || format!("/hosts/{}/jobs", shown.id.get()) attr:class="btn">
                                        {t::SEE_JOBS}
                                    </A>
                                </EmptyState>
                            </div>
                        }
                        .into_any();
                    }
                    view! { <Table shown page list=list.data/> }.into_any()
                }}
            </RemoteView>
        </section>
    }
}

/// Has the host list its snapshots anew: a job like any other.
#[component]
fn Refresh(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let action = Action::new();
    let job = RwSignal::new(String::new());
    let run = move || {
        let request = RunJobRequest {
            host_id: shown.id.get_untracked(),
            kind: "snapshots".to_owned(),
            queue_if_offline: true,
            request_id: api::request_id(),
            ..RunJobRequest::default()
        };
        action.send(request, move |started| job.set(started.id));
    };
    let because = Signal::derive(move || shown.facts.with(status::no_backup_because).map(str::to_owned));
    let note = move || {
        let is_offline = shown.facts.with(|host| host.status() == HostStatus::Offline);
        because
            .get()
            .or_else(|| is_offline.then(|| t::RUNS_WHEN_BACK.to_owned()))
    };
    let may = move || session().may::<RunJobRequest>();
    view! {
        <span role="status">
            {move || {
                let id = job.get();
                (!id.is_empty()).then(|| view! { <A href=format!("/jobs/{id}")>{t::LISTING}</A> })
            }}
        </span>
        {move || may().then(|| view! {
            <span class="meta">{note}</span>
            <Button
                label=t::REFRESH_LIST
                icon="i-refresh"
                small=true
                refused_because=because
                busy=action.busy
                on_press=run
            />
        })}
        <FormError error=action.error fields=&[]/>
    }
}

#[component]
fn Table(
    /// The host.
    shown: Shown,
    /// Which page is shown.
    page: Memo<ListPage>,
    /// What it holds.
    list: RwSignal<Option<ListSnapshotsResponse>>,
) -> impl IntoView {
    let zone = Memo::new(move |_| shown.facts.with(|host| host.time_zone.clone()));
    let rows = move || list.with(|page| page.as_ref().map(|page| page.snapshots.clone()).unwrap_or_default());
    let held = Signal::derive(move || {
        list.with(|page| {
            page.as_ref().map_or_else(PageShown::default, |page| PageShown {
                rows: page.snapshots.len(),
                total: page.total_count,
                next: page.next_page_token.clone(),
            })
        })
    });
    let address = move |page: &ListPage| page.path(&format!("/hosts/{}/snapshots", shown.id.get_untracked()), &[]);
    view! {
        <div class="card table-box">
            <table class="table compact cards">
                <caption class="vh">{t::COLUMN_SNAPSHOTS}</caption>
                <thead>
                    <tr>
                        <th scope="col">{move || t::time_in(&visible(&zone.get()))}</th>
                        <th scope="col">{t::COLUMN_ID}</th>
                        <th scope="col">{t::TAGS}</th>
                        <th scope="col" class="num">{t::FIGURE_FILES}</th>
                        <th scope="col" class="num">{t::COLUMN_SIZE}</th>
                        <th scope="col" class="c-hide">{t::PATHS}</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=rows key=|snapshot| snapshot.id.clone() let:snapshot><Row snapshot zone/></For>
                </tbody>
            </table>
            <ListPager page page_size=PAGE_SIZE shown=held address/>
        </div>
    }
}

#[component]
fn Row(
    /// The snapshot, which never changes.
    snapshot: Snapshot,
    /// The time zone of its host.
    zone: Memo<String>,
) -> impl IntoView {
    let at = crate::millis!(snapshot.time).unwrap_or_default();
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| t::NOTHING.to_owned());
    let tags: Vec<String> = snapshot.tags.iter().map(|tag| visible(tag)).collect();
    let paths: Vec<String> = snapshot.paths.iter().map(|path| visible(path)).collect();
    let (first, others) = (
        paths.first().map(|path| middle(path, PATH)),
        paths.len().saturating_sub(1),
    );
    let more = (others > 0).then(|| view! { <span class="t3">{t::and_more(others as u64)}</span> });
    view! {
        <tr>
            <th scope="row">
                <time title=browser::date_time(at, true)>{move || browser::date_time_in(at, &zone.get())}</time>
            </th>
            <td data-label=t::COLUMN_ID>
                <span class="copyline">
                    <code title=visible(&snapshot.id)>{visible(&snapshot.short_id)}</code>
                    <CopyButton text=snapshot.id.clone() label=t::COPY_SNAPSHOT_ID/>
                </span>
            </td>
            <td data-label=t::TAGS>
                {tags.into_iter().map(|tag| view! { <span class="tag">{tag}</span> }).collect_view()}
            </td>
            <td class="num" data-label=t::FIGURE_FILES>{or_nothing(snapshot.file_count.map(count))}</td>
            <td class="num" data-label=t::COLUMN_SIZE>{or_nothing(snapshot.size_bytes.map(bytes))}</td>
            <td class="c-hide path" title=paths.join("\n")>{first}" "{more}</td>
        </tr>
    }
}
