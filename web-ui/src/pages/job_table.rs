//! Jobs as rows.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use proto::v1::{CancelJobRequest, Job};

use crate::api::{self, ApiError};
use crate::errors::sentence;
use crate::i18n::t;
use crate::kit::{Ago, Button, ButtonKind, Clock, StatusBadge};
use crate::model::format::{bytes, duration, percent};
use crate::model::untrusted::visible;
use crate::model::{job_view, status};
use crate::session::session;

/// Jobs, in the order given.
#[component]
pub(super) fn JobTable(
    /// The jobs.
    #[prop(into)]
    jobs: Signal<Vec<Job>>,
    /// What the table is of.
    #[prop(default = t::RECENT_JOBS)]
    caption: &'static str,
    /// Whether they are of several hosts.
    #[prop(optional)]
    with_host: bool,
    /// What takes a job that was just cancelled; without it none can be.
    #[prop(optional, into)]
    on_cancelled: Option<Callback<Job>>,
    /// What stands below the rows.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let may_cancel = Memo::new(move |_| on_cancelled.is_some() && session().may::<CancelJobRequest>());
    view! {
        <div class="card table-box">
            <table class="table compact cards">
                <caption class="vh">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t::COLUMN_STATE}</th>
                        <th scope="col">{t::COLUMN_KIND}</th>
                        {with_host.then(|| view! { <th scope="col">{t::COLUMN_HOST}</th> })}
                        <th scope="col">{t::COLUMN_STARTED}</th>
                        <th scope="col" class="num">{t::COLUMN_DURATION}</th>
                        <th scope="col" class="num">{t::COLUMN_ADDED}</th>
                        <th scope="col" class="c-hide">{t::COLUMN_BY}</th>
                        {move || may_cancel.get().then(|| view! {
                            <th scope="col"><span class="vh">{t::COLUMN_ACTION}</span></th>
                        })}
                    </tr>
                </thead>
                <tbody>
                    <For each=move || jobs.get() key=|job| job.id.clone() let:job>
                        <Row
                            id=job.id.clone()
                            first=job
                            jobs
                            with_host
                            on_cancelled=Signal::derive(move || on_cancelled.filter(|_| may_cancel.get()))
                        />
                    </For>
                </tbody>
            </table>
            {children.map(|children| children())}
        </div>
    }
}

/// One row, which follows its job as that changes.
#[component]
fn Row(
    /// The job's id.
    id: String,
    /// The job as it is at first.
    first: Job,
    /// Where it is found later.
    jobs: Signal<Vec<Job>>,
    /// Whether its host is named.
    with_host: bool,
    /// What takes the job once it is cancelled; `None` where that may not be done.
    on_cancelled: Signal<Option<Callback<Job>>>,
) -> impl IntoView {
    let clock: Clock = expect_context();
    let href = format!("/jobs/{id}");
    let host_href = format!("/hosts/{}", first.host_id);
    let job = Memo::new(move |earlier: Option<&Job>| {
        let found = jobs.with(|jobs| jobs.iter().find(|job| job.id == id).cloned());
        found.or_else(|| earlier.cloned()).unwrap_or_else(|| first.clone())
    });
    let took = move || {
        job.with(|job| {
            let now = if status::has_ended(job) { 0 } else { clock.second.get() };
            job_view::took(job, now).map_or_else(|| t::NOTHING.to_owned(), duration)
        })
    };
    let added = move || {
        job.with(|job| {
            let added = job
                .summary
                .as_ref()
                .map(|summary| summary.data_added_packed.unwrap_or(summary.data_added));
            added.map_or_else(|| t::NOTHING.to_owned(), bytes)
        })
    };
    let since =
        Signal::derive(move || job.with(|job| crate::millis!(job.started_at).or(crate::millis!(job.created_at))));
    view! {
        <tr>
            <td class="c-side"><State job/></td>
            <th scope="row"><A href=href>{move || job.with(|job| status::kind(job.kind()))}</A></th>
            {with_host.then(|| view! {
                <td data-label=t::COLUMN_HOST>
                    <A href=host_href>{move || job.with(|job| visible(&job.hostname))}</A>
                </td>
            })}
            <td data-label=t::COLUMN_STARTED><Ago at=since/></td>
            <td class="num" data-label=t::COLUMN_DURATION>{took}</td>
            <td class="num" data-label=t::COLUMN_ADDED>{added}</td>
            <td class="sub c-hide">{move || job.with(|job| visible(&job.actor_name))}</td>
            {move || on_cancelled.get().map(|done| view! { <td class="acts"><Cancel job done/></td> })}
        </tr>
    }
}

/// Where a job is, with a thin bar while it is measured.
#[component]
fn State(
    /// The job.
    job: Memo<Job>,
) -> impl IntoView {
    let badge = Signal::derive(move || job.with(|job| status::job(job.phase())));
    let done = Memo::new(move |_| {
        let running = |job: &Job| !status::has_ended(job);
        job.with(|job| {
            let progress = job.progress.as_ref().filter(|_| running(job));
            progress.map(|progress| percent(progress.percent_done))
        })
    });
    let is_measured = Memo::new(move |_| done.with(Option::is_some));
    let name = move || job.with(|job| t::progress_of(status::kind(job.kind()), &visible(&job.hostname)));
    view! {
        <StatusBadge
            badge
            why=Signal::derive(move || done.get().map(t::percent).unwrap_or_default())
        />
        {move || is_measured.get().then(|| view! {
            <progress class="progress thin" max="100" value=move || done.get().unwrap_or_default() aria-label=name></progress>
        })}
    }
}

#[component]
fn Cancel(
    /// The job.
    job: Memo<Job>,
    /// What takes it once that is recorded.
    done: Callback<Job>,
) -> impl IntoView {
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let cancel = move || {
        busy.set(true);
        error.set(None);
        let id = job.with_untracked(|job| job.id.clone());
        spawn_local(async move {
            match api::call(CancelJobRequest { id }).await {
                Ok(cancelled) => done.run(cancelled),
                Err(refused) => error.set(Some(refused)),
            }
            busy.set(false);
        });
    };
    let is_open = Memo::new(move |_| job.with(|job| !status::has_ended(job)));
    let asked = Memo::new(move |_| job.with(|job| job.cancel_requested));
    let name = Signal::derive(move || job.with(|job| t::cancel_of(status::kind(job.kind()), &visible(&job.hostname))));
    move || {
        is_open.get().then(|| {
            if asked.get() {
                return view! { <span class="t3" role="status">{t::CANCELLING}</span> }.into_any();
            }
            view! {
                <Button label=t::CANCEL_SHORT kind=ButtonKind::DangerQuiet small=true name busy on_press=cancel/>
                {move || error.get().map(|error| view! { <span class="err" role="alert">{sentence(&error)}</span> })}
            }
            .into_any()
        })
    }
}
