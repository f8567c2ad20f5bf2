//! `/repositories?page=&after=`: all repositories by name, with the worst that is known of each.

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;
use proto::v1::event::Event as Change;
use proto::v1::{CreateRepositoryRequest, ListRepositoriesRequest, ListRepositoriesResponse, Repository};

use super::super::paging::{ListPager, Shown};
use super::super::shell::Crumbs;
use crate::api;
use crate::i18n::t;
use crate::kit::{EmptyState, Icon, RemoteView, SkeletonRows, StatusBadge, Title, remote};
use crate::live;
use crate::model::format::{bytes, count};
use crate::model::list_page::ListPage;
use crate::model::repository_view::{Verdict, verdict};
use crate::model::untrusted::{middle, visible};
use crate::session::session;

const PAGE_SIZE: u32 = 50;

#[component]
pub(crate) fn Repositories() -> impl IntoView {
    Crumbs::set(Vec::new, || t::NAV_REPOSITORIES.to_owned());
    let params = use_query_map();
    let page = Memo::new(move |_| params.with(|params| ListPage::read(|name| params.get(name))));
    let list = remote(
        move || page.get(),
        |page: ListPage| {
            api::call(ListRepositoriesRequest {
                page_size: PAGE_SIZE.cast_signed(),
                page_token: page.after,
            })
        },
    );
    // A job that ends is what changes the state or the size of a repository.
    live::on_change(move |change| match change {
        Change::Job(job) if job.finished_at.is_some() => {
            if list.with(|page| page.repositories.iter().any(|shown| shown.id == job.repository_id)) {
                list.reload();
            }
        }
        Change::HostDeleted(_) | Change::Resync(_) => list.reload(),
        Change::Host(_) | Change::Job(_) => {}
    });
    let total = Signal::derive(move || list.with(|page| page.total_count));
    let is_empty = Memo::new(move |_| list.with(|page| page.repositories.is_empty()));
    let may_add = move || session().may::<CreateRepositoryRequest>();
    view! {
        <header class="page-head">
            <div class="title">
                <Title text=t::NAV_REPOSITORIES/>
                <span class="count" role="status">{move || count(total.get())}</span>
            </div>
            {move || (may_add() && !is_empty.get()).then(|| view! { <div class="btns"><AddLink/></div> })}
        </header>
        <RemoteView of=list skeleton=|| view! { <SkeletonRows rows=6 columns=6/> }>
            {move || {
                if !is_empty.get() {
                    return view! { <Table page list=list.data/> }.into_any();
                }
                view! {
                    <div class="card">
                        <EmptyState heading=t::REPOSITORIES_EMPTY text=t::REPOSITORIES_EMPTY_TEXT>
                            {move || may_add().then(|| view! { <AddLink/> })}
                        </EmptyState>
                    </div>
                }
                .into_any()
            }}
        </RemoteView>
    }
}

#[component]
fn AddLink() -> impl IntoView {
    view! {
        <A href="/repositories/new" attr:class="btn primary">
            <Icon name="i-plus"/>
            <span>{t::ADD_REPOSITORY}</span>
        </A>
    }
}

#[component]
fn Table(
    /// Which page is shown.
    page: Memo<ListPage>,
    /// The page.
    list: RwSignal<Option<ListRepositoriesResponse>>,
) -> impl IntoView {
    let ids = Memo::new(move |_| {
        list.with(|page| {
            let all = page.iter().flat_map(|page| &page.repositories);
            all.map(|repository| repository.id.clone()).collect::<Vec<_>>()
        })
    });
    let shown = move || {
        list.with(|page| {
            page.as_ref().map_or_else(Shown::default, |page| Shown {
                rows: page.repositories.len(),
                total: page.total_count,
                next: page.next_page_token.clone(),
            })
        })
    };
    view! {
        <div class="card table-box">
            <table class="table cards">
                <caption class="vh">{t::NAV_REPOSITORIES}</caption>
                <thead>
                    <tr>
                        <th scope="col" aria-sort="ascending">{t::COLUMN_NAME}</th>
                        <th scope="col">{t::COLUMN_STATE}</th>
                        <th scope="col">{t::COLUMN_KIND}</th>
                        <th scope="col">{t::COLUMN_LOCATION}</th>
                        <th scope="col" class="num">{t::COLUMN_HOSTS}</th>
                        <th scope="col" class="num">{t::COLUMN_SIZE}</th>
                        <th scope="col" class="num">{t::COLUMN_SNAPSHOTS}</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || ids.get() key=Clone::clone let:id>
                        <Row id list/>
                    </For>
                </tbody>
            </table>
            <ListPager
                page
                page_size=PAGE_SIZE
                shown=Signal::derive(shown)
                address=|page: &ListPage| page.path("/repositories", &[])
            />
        </div>
    }
}

#[component]
fn Row(
    /// The repository's id.
    id: String,
    /// Where the repository is found.
    list: RwSignal<Option<ListRepositoriesResponse>>,
) -> impl IntoView {
    let href = format!("/repositories/{id}");
    let repository = Memo::new(move |earlier: Option<&Repository>| {
        let found = list.with(|page| page.as_ref()?.repositories.iter().find(|one| one.id == id).cloned());
        found.or_else(|| earlier.cloned()).unwrap_or_default()
    });
    let state = Memo::new(move |_| repository.with(verdict));
    let text = move |read: fn(&Repository) -> String| move || repository.with(read);
    let known = |number: Option<String>| number.unwrap_or_else(|| t::NOTHING.to_owned());
    view! {
        <tr>
            <th scope="row" class="name"><A href=href>{text(|repository| visible(&repository.name))}</A></th>
            <td class="c-wide why-cell">
                <StatusBadge
                    badge=Signal::derive(move || state.with(|state: &Verdict| state.badge))
                    why=Signal::derive(move || state.with(|state| state.why.clone()))
                />
            </td>
            <td data-label=t::COLUMN_KIND>{text(|repository| visible(&repository.kind))}</td>
            <td class="path c-hide" title=text(|repository| visible(&repository.repo_url))>
                {text(|repository| middle(&visible(&repository.repo_url), 44))}
            </td>
            <td class="num" data-label=t::COLUMN_HOSTS>{text(|repository| count(repository.host_count))}</td>
            <td class="num" data-label=t::COLUMN_SIZE>
                {move || repository.with(|repository| known(repository.raw_size.map(bytes)))}
            </td>
            <td class="num" data-label=t::COLUMN_SNAPSHOTS>
                {move || repository.with(|repository| known(repository.snapshot_count.map(count)))}
            </td>
        </tr>
    }
}
