//! `/hosts?q=&health=&sort=&page=&after=`: all hosts, filtered, sorted and paged by the server.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};
use proto::v1::event::Event as Change;
use proto::v1::{CreateEnrollmentTokenRequest, Health, ListHostsResponse};

use super::host_row::{HostRow, ids, replace};
use super::paging::{ListPager, Shown};
use super::shell::Crumbs;
use crate::api;
use crate::i18n::t;
use crate::kit::{Button, EmptyState, Icon, RemoteView, SelectField, SkeletonRows, SortHeader, Title, remote};
use crate::live;
use crate::model::format::count;
use crate::model::hosts_query::{HEALTHS, HostsQuery, PAGE_SIZE};
use crate::model::list_page::ListPage;
use crate::model::status;
use crate::session::session;

#[component]
pub(crate) fn Hosts() -> impl IntoView {
    Crumbs::set(Vec::new, || t::NAV_HOSTS.to_owned());
    let params = use_query_map();
    let query = Memo::new(move |_| params.with(|params| HostsQuery::read(|name| params.get(name))));
    let list = remote(move || query.get(), |query: HostsQuery| api::call(query.request()));
    live::on_change(move |change| match change {
        Change::Host(host) => list.patch(|page| {
            replace(page, host);
        }),
        Change::HostDeleted(_) | Change::Resync(_) => list.reload(),
        Change::Job(_) => {}
    });
    let total = Signal::derive(move || list.with(|page| page.total_count));
    let is_empty = Memo::new(move |_| list.with(|page| page.hosts.is_empty()));
    let may_add = move || session().may::<CreateEnrollmentTokenRequest>();
    view! {
        <header class="page-head">
            <div class="title">
                <Title text=t::NAV_HOSTS/>
                <span class="count" role="status">{move || count(total.get())}</span>
            </div>
            {move || may_add().then(|| view! { <div class="btns"><AddHostLink/></div> })}
        </header>
        <Filter query/>
        <RemoteView of=list skeleton=|| view! { <SkeletonRows rows=8 columns=6/> }>
            {move || {
                if !is_empty.get() {
                    return view! { <Table query page=list.data/> }.into_any();
                }
                if query.with(HostsQuery::is_filtered) {
                    return view! { <NoneMatch query/> }.into_any();
                }
                view! {
                    <div class="card">
                        <EmptyState heading=t::HOSTS_EMPTY text=t::HOSTS_EMPTY_TEXT>
                            {move || may_add().then(|| view! { <AddHostLink/> })}
                        </EmptyState>
                    </div>
                }
                .into_any()
            }}
        </RemoteView>
    }
}

/// The way to a new host.
#[component]
pub(super) fn AddHostLink(
    /// Whether it is the one thing that the page is for.
    #[prop(default = true)]
    primary: bool,
) -> impl IntoView {
    view! {
        <A href="/hosts/add" attr:class=if primary { "btn primary" } else { "btn small" }>
            <Icon name="i-plus"/>
            <span>{t::ADD_HOST}</span>
        </A>
    }
}

#[component]
fn Filter(
    /// What is shown.
    query: Memo<HostsQuery>,
) -> impl IntoView {
    let navigate = use_navigate();
    let type_words = {
        let navigate = navigate.clone();
        move |words: String| {
            // Typing is one step back, not many.
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&query.get_untracked().with_words(words.trim_start()).path(), options);
        }
    };
    let options = {
        let all = std::iter::once((String::new(), t::ALL_HEALTHS.to_owned()));
        let some = HEALTHS
            .iter()
            .map(|(health, word)| ((*word).to_owned(), status::health(*health).label.to_owned()));
        all.chain(some).collect::<Vec<_>>()
    };
    let chosen = move || {
        let wanted = query.with(|query| query.health);
        HEALTHS
            .iter()
            .find(|(health, _)| *health == wanted)
            .map_or("", |(_, word)| word)
            .to_owned()
    };
    let choose = move |word: String| {
        let found = HEALTHS.iter().find(|(_, known)| **known == word);
        let health = found.map_or(Health::Unspecified, |(health, _)| *health);
        navigate(
            &query.get_untracked().with_health(health).path(),
            NavigateOptions::default(),
        );
    };
    view! {
        <div class="toolbar" role="search">
            <div class="filterbar">
                <Icon name="i-search"/>
                <input
                    type="search"
                    aria-label=t::FILTER_HOSTS
                    placeholder=t::FILTER_HOSTS
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || query.with(|query| query.q.clone())
                    on:input:target=move |event| type_words(event.target().value())
                />
            </div>
            <SelectField
                id="health"
                label=t::COLUMN_HEALTH
                hide_label=true
                options=options
                value=Signal::derive(chosen)
                on_choose=choose
            />
        </div>
    }
}

#[component]
fn NoneMatch(
    /// What is shown.
    query: Memo<HostsQuery>,
) -> impl IntoView {
    let navigate = use_navigate();
    let clear = move || navigate("/hosts", NavigateOptions::default());
    view! {
        <div class="card">
            <EmptyState
                heading=t::HOSTS_NONE_MATCH
                text=Signal::derive(move || t::none_match(&query.with(HostsQuery::filter)))
            >
                <Button label=t::CLEAR_FILTERS on_press=clear/>
            </EmptyState>
        </div>
    }
}

#[component]
fn Table(
    /// What is shown.
    query: Memo<HostsQuery>,
    /// The page of the list.
    page: RwSignal<Option<ListHostsResponse>>,
) -> impl IntoView {
    let navigate = use_navigate();
    let go = move |to: HostsQuery| navigate(&to.path(), NavigateOptions::default());
    let to_sort = go.clone();
    let sort = move |column: &'static str| {
        let go = to_sort.clone();
        move || go(query.get_untracked().sorted_by(column))
    };
    let order = |column: &'static str| {
        Signal::derive(move || query.with(|query| query.sorts_by(column).then_some(query.descending)))
    };
    let ids = ids(page);
    let shown = move || {
        page.with(|page| {
            page.as_ref().map_or_else(Shown::default, |page| Shown {
                rows: page.hosts.len(),
                total: page.total_count,
                next: page.next_page_token.clone(),
            })
        })
    };
    view! {
        <div class="card table-box">
            <table class="table cards">
                <caption class="vh">{t::NAV_HOSTS}</caption>
                <thead>
                    <tr>
                        <SortHeader label=t::COLUMN_HOST descending=order("hostname") on_sort=sort("hostname")/>
                        <SortHeader label=t::COLUMN_HEALTH descending=order("health") on_sort=sort("health")/>
                        <th scope="col" class="c-hide">{t::COLUMN_RUNS}</th>
                        <SortHeader
                            label=t::COLUMN_LAST_BACKUP
                            descending=order("last_backup_at")
                            on_sort=sort("last_backup_at")
                        />
                        <th scope="col" class="num">{t::COLUMN_SNAPSHOTS}</th>
                        <SortHeader label=t::COLUMN_SEEN descending=order("last_seen_at") on_sort=sort("last_seen_at")/>
                        <th scope="col" class="c-hide">{t::COLUMN_AGENT}</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || ids.get() key=Clone::clone let:id>
                        <HostRow id page/>
                    </For>
                </tbody>
            </table>
            <ListPager
                page=Memo::new(move |_| query.with(|query| query.page.clone()))
                page_size=PAGE_SIZE.unsigned_abs()
                shown=Signal::derive(shown)
                address=move |page: &ListPage| query.with_untracked(|query| query.path_of(page))
            />
        </div>
    }
}
