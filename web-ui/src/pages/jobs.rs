//! `/jobs?host=&kind=&status=&range=&page=&from=&after=`: what all hosts do and did, filtered and paged by the server.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};
use proto::v1::event::Event as Change;
use proto::v1::{Job, JobStatus, ListHostsRequest, ListHostsResponse, ListJobsRequest, ListJobsResponse};

use super::job_table::JobTable;
use super::paging::{ListPager, Shown};
use super::shell::Crumbs;
use crate::i18n::t;
use crate::kit::{
    Button, EmptyState, Held, Remote, RemoteView, SelectField, ShowChanges, SkeletonRows, Title, gently, remote,
};
use crate::model::format::count;
use crate::model::jobs_query::{JobsQuery, KINDS, PAGE_SIZE, Range, STATUSES};
use crate::model::list_page::ListPage;
use crate::model::status;
use crate::model::untrusted::visible;
use crate::{api, browser, live};

/// How many hosts can be chosen from; a job's host leads to its jobs in any case.
const CHOICES: i32 = 200;

/// A page of the list, and from when on it was asked for.
#[derive(Clone, Default)]
struct Page {
    from: Option<i64>,
    jobs: ListJobsResponse,
}

#[component]
pub(crate) fn Jobs() -> impl IntoView {
    Crumbs::set(Vec::new, || t::NAV_JOBS.to_owned());
    view! {
        <header class="page-head"><div><div class="title"><Title text=t::NAV_JOBS/></div><Counts/></div></header>
        <JobList/>
    }
}

/// Jobs with their filters: of all hosts, or of the one whose page it is on.
#[component]
pub(super) fn JobList(
    /// The host.
    #[prop(optional, into)]
    host: MaybeProp<String>,
) -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| {
        let read = params.with(|params| JobsQuery::read(|name| params.get(name)));
        match host.get() {
            Some(host) => JobsQuery { host, ..read },
            None => read,
        }
    });
    let place = Place {
        is_host: host.get_untracked().is_some(),
    };
    let list = remote(move || query.get(), ask);
    let hosts = remote(|| (), |()| api::call(choices()));
    let fresh = gently(move || list.reload());
    live::on_change(move |change| match change {
        Change::Job(job) => {
            list.patch(|page| replace(&mut page.jobs, job));
            fresh.ask();
        }
        Change::Resync(_) | Change::HostDeleted(_) => list.reload(),
        Change::Host(_) => {}
    });
    let is_empty = Memo::new(move |_| list.with(|page| page.jobs.jobs.is_empty()));
    view! {
        <div class="toolbar" role="search" aria-label=t::JOBS_FILTER>
            <Filter query hosts place/>
            <span class="push"><ShowChanges of=fresh/></span>
        </div>
        <RemoteView of=list skeleton=|| view! { <SkeletonRows rows=8 columns=6/> }>
            {move || {
                if is_empty.get() {
                    view! { <Nothing query hosts place/> }.into_any()
                } else {
                    view! { <Held by=fresh><Table query list place/></Held> }.into_any()
                }
            }}
        </RemoteView>
    }
}

/// Whether the list is of all hosts, or on the page of one.
#[derive(Clone, Copy)]
struct Place {
    is_host: bool,
}

impl Place {
    fn path(self, query: &JobsQuery) -> String {
        if self.is_host {
            query.path_at_host()
        } else {
            query.path()
        }
    }
}

async fn ask(query: JobsQuery) -> Result<Page, api::ApiError> {
    let request = query.request(browser::now());
    let from = request.from.map(|from| from.seconds);
    let jobs = api::call(request).await?;
    Ok(Page { from, jobs })
}

fn choices() -> ListHostsRequest {
    ListHostsRequest {
        order_by: "hostname".to_owned(),
        page_size: CHOICES,
        ..ListHostsRequest::default()
    }
}

/// A job that is on the page is shown as it now is. None comes, goes or moves.
fn replace(page: &mut ListJobsResponse, job: &Job) {
    if let Some(shown) = page.jobs.iter_mut().find(|shown| shown.id == job.id) {
        shown.clone_from(job);
    }
}

/// What runs, what waits and what has failed lately, each number a link to its list.
#[component]
fn Counts() -> impl IntoView {
    let counted = |list: JobsQuery| {
        let path = list.path();
        let number = remote(
            move || list.clone(),
            |list: JobsQuery| async move {
                let request = ListJobsRequest {
                    page_size: 1,
                    ..list.request(browser::now())
                };
                Ok(api::call(request).await?.total_count)
            },
        );
        (path, number)
    };
    let of = |status, range| JobsQuery {
        status,
        range,
        ..JobsQuery::default()
    };
    let (running, running_now) = counted(of(JobStatus::Running, Range::All));
    let (queued, queued_now) = counted(of(JobStatus::Queued, Range::All));
    let (failed, failed_lately) = counted(of(JobStatus::Failed, Range::Day));
    let numbers = [running_now, queued_now, failed_lately];
    let fresh = gently(move || numbers.into_iter().for_each(Remote::reload));
    live::on_change(move |change| {
        if matches!(change, Change::Job(_) | Change::Resync(_)) {
            fresh.ask();
        }
    });
    let said = |number: Remote<u64>, say: fn(&str) -> String| {
        move || {
            number
                .data
                .get()
                .map_or_else(|| say(t::NOTHING), |number| say(&count(number)))
        }
    };
    view! {
        <p class="lead dots">
            <span><A href=running attr:class="ev">{said(running_now, t::running)}</A></span>
            <span><A href=queued attr:class="ev">{said(queued_now, t::queued)}</A></span>
            <span><A href=failed attr:class="ev">{said(failed_lately, t::failed_lately)}</A></span>
        </p>
    }
}

#[component]
fn Filter(
    /// What is shown.
    query: Memo<JobsQuery>,
    /// The hosts that can be chosen from.
    hosts: Remote<ListHostsResponse>,
    /// Where the list is.
    place: Place,
) -> impl IntoView {
    let navigate = use_navigate();
    let go = move |to: JobsQuery| navigate(&place.path(&to), NavigateOptions::default());
    let choose = move |change: fn(&JobsQuery, &str) -> JobsQuery| {
        let go = go.clone();
        move |word: String| go(change(&query.get_untracked(), &word))
    };
    let with_all = |all: &str, some: Vec<(String, String)>| {
        std::iter::once((String::new(), all.to_owned()))
            .chain(some)
            .collect::<Vec<_>>()
    };
    let kinds = KINDS.map(|(kind, word)| (word.to_owned(), status::kind(kind).to_owned()));
    let states = STATUSES.map(|(state, word)| (word.to_owned(), t::job_status(state).to_owned()));
    let ranges = Range::ALL.map(|range| (range.word().to_owned(), t::range_of(range).to_owned()));
    let machines = Signal::derive(move || {
        let wanted = query.with(|query| query.host.clone());
        let mut known: Vec<(String, String)> = hosts.with(|page| {
            let named = |host: &proto::v1::Host| (host.id.clone(), visible(&host.hostname));
            page.hosts.iter().map(named).collect()
        });
        if !wanted.is_empty() && known.iter().all(|(id, _)| *id != wanted) {
            known.insert(0, (wanted.clone(), wanted));
        }
        with_all(t::EVERY_HOST, known)
    });
    view! {
        <SelectField
            id="status"
            label=t::COLUMN_STATE
            hide_label=true
            options=with_all(t::ALL_JOB_STATES, states.to_vec())
            value=Signal::derive(move || query.with(|query| query.status_word().to_owned()))
            on_choose=choose(JobsQuery::with_status)
        />
        <SelectField
            id="kind"
            label=t::COLUMN_KIND
            hide_label=true
            options=with_all(t::ALL_KINDS, kinds.to_vec())
            value=Signal::derive(move || query.with(|query| query.kind_word().to_owned()))
            on_choose=choose(JobsQuery::with_kind)
        />
        {(!place.is_host).then(|| view! {
            <SelectField
                id="host"
                label=t::COLUMN_HOST
                hide_label=true
                options=machines
                value=Signal::derive(move || query.with(|query| query.host.clone()))
                on_choose=choose(JobsQuery::with_host)
            />
        })}
        <SelectField
            id="range"
            label=t::RANGE
            hide_label=true
            options=ranges.to_vec()
            value=Signal::derive(move || query.with(|query| query.range.word().to_owned()))
            on_choose=choose(JobsQuery::with_range)
        />
    }
}

/// There is no job, or none that matches.
#[component]
fn Nothing(
    /// What is shown.
    query: Memo<JobsQuery>,
    /// The hosts that can be chosen from.
    hosts: Remote<ListHostsResponse>,
    /// Where the list is.
    place: Place,
) -> impl IntoView {
    let navigate = use_navigate();
    let clear = {
        let navigate = navigate.clone();
        move || {
            let host = query.with_untracked(|query| query.host.clone());
            let all = JobsQuery {
                host: if place.is_host { host } else { String::new() },
                ..JobsQuery::default()
            };
            navigate(&place.path(&all), NavigateOptions::default());
        }
    };
    let further = move || {
        let all = query.get_untracked().with_range(Range::All.word());
        navigate(&place.path(&all), NavigateOptions::default());
    };
    let host = move || {
        let wanted = query.with(|query| query.host.clone());
        let name = hosts.with(|page| {
            let found = page.hosts.iter().find(|host| host.id == wanted);
            found.map(|host| visible(&host.hostname))
        });
        name.unwrap_or(wanted)
    };
    let is_filtered = Memo::new(move |_| query.with(|query| query.is_filtered_beside(place.is_host)));
    let is_limited = Memo::new(move |_| query.with(|query| query.range != Range::All));
    let text = Signal::derive(move || {
        let filter = query.with(|query| query.filter_with(&host()));
        t::no_jobs_match(&filter, query.with(|query| query.range))
    });
    move || {
        let (clear, further) = (clear.clone(), further.clone());
        if is_filtered.get() {
            return view! {
                <div class="card">
                    <EmptyState heading=t::JOBS_NONE_MATCH text>
                        <Button label=t::CLEAR_FILTERS on_press=clear/>
                        {is_limited.get().then(|| view! { <Button label=t::ANY_TIME on_press=further/> })}
                    </EmptyState>
                </div>
            }
            .into_any();
        }
        if is_limited.get() {
            return view! {
                <div class="card">
                    <EmptyState heading=t::JOBS_NONE_MATCH text>
                        <Button label=t::ANY_TIME on_press=further/>
                    </EmptyState>
                </div>
            }
            .into_any();
        }
        view! {
            <div class="card">
                <EmptyState heading=t::JOBS_EMPTY text=t::JOBS_EMPTY_TEXT>
                    <A href="/hosts" attr:class="btn">{t::TO_HOSTS}</A>
                </EmptyState>
            </div>
        }
        .into_any()
    }
}

#[component]
fn Table(
    /// What is shown.
    query: Memo<JobsQuery>,
    /// The page of the list.
    list: Remote<Page>,
    /// Where the list is.
    place: Place,
) -> impl IntoView {
    let shown = move || {
        list.with(|page| Shown {
            rows: page.jobs.jobs.len(),
            total: page.jobs.total_count,
            next: page.jobs.next_page_token.clone(),
        })
    };
    let address = move |page: &ListPage| {
        let from = list
            .data
            .with_untracked(|page| page.as_ref().and_then(|page| page.from));
        query.with_untracked(|query| place.path(&query.at(page, from)))
    };
    let cancelled = Callback::new(move |job: Job| list.patch(|page| replace(&mut page.jobs, &job)));
    view! {
        <JobTable
            jobs=Signal::derive(move || list.with(|page| page.jobs.jobs.clone()))
            caption=t::NAV_JOBS
            with_host=!place.is_host
            on_cancelled=cancelled
        >
            <ListPager
                page=Memo::new(move |_| query.with(|query| query.page.clone()))
                page_size=PAGE_SIZE.unsigned_abs()
                shown=Signal::derive(shown)
                address
            />
        </JobTable>
    }
}
