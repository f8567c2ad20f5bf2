//! Jobs as rows.

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::Job;

use crate::i18n::t;
use crate::kit::{Ago, Clock, StatusBadge};
use crate::model::format::{bytes, duration};
use crate::model::untrusted::visible;
use crate::model::{job_view, status};

/// The jobs of one host, in the order given.
#[component]
pub(super) fn JobTable(
    /// The jobs.
    #[prop(into)]
    jobs: Signal<Vec<Job>>,
) -> impl IntoView {
    view! {
        <div class="card table-box">
            <table class="table compact cards">
                <caption class="vh">{t::RECENT_JOBS}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t::COLUMN_STATE}</th>
                        <th scope="col">{t::COLUMN_KIND}</th>
                        <th scope="col">{t::COLUMN_STARTED}</th>
                        <th scope="col" class="num">{t::COLUMN_DURATION}</th>
                        <th scope="col" class="num">{t::COLUMN_ADDED}</th>
                        <th scope="col" class="c-hide">{t::COLUMN_BY}</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || jobs.get() key=|job| job.id.clone() let:job>
                        <Row id=job.id.clone() first=job jobs/>
                    </For>
                </tbody>
            </table>
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
) -> impl IntoView {
    let clock: Clock = expect_context();
    let href = format!("/jobs/{id}");
    let job = Memo::new(move |earlier: Option<&Job>| {
        let found = jobs.with(|jobs| jobs.iter().find(|job| job.id == id).cloned());
        found.or_else(|| earlier.cloned()).unwrap_or_else(|| first.clone())
    });
    let badge = Signal::derive(move || job.with(|job| status::job(job.phase())));
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
            <td class="c-side"><StatusBadge badge/></td>
            <th scope="row"><A href=href>{move || job.with(|job| status::kind(job.kind()))}</A></th>
            <td data-label=t::COLUMN_STARTED><Ago at=since/></td>
            <td class="num" data-label=t::COLUMN_DURATION>{took}</td>
            <td class="num" data-label=t::COLUMN_ADDED>{added}</td>
            <td class="sub c-hide">{move || job.with(|job| visible(&job.actor_name))}</td>
        </tr>
    }
}
