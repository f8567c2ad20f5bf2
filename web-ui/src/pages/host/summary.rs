//! How one host is, and what it last did.

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::event::Event as Change;
use proto::v1::{Host as HostMessage, Job, JobKind, ListHostJobsRequest};

use super::super::job_table::JobTable;
use super::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{BackupBar, Moment, RemoteView, SkeletonRows, StatusBadge, remote};
use crate::live;
use crate::model::format::count;
use crate::model::untrusted::{middle, visible};
use crate::model::{bars, status};

#[component]
pub(crate) fn HostSummary() -> impl IntoView {
    let Shown { id, facts, .. } = Shown::here();
    let jobs = |kind: JobKind, page_size| {
        remote(
            move || id.get(),
            move |host_id| {
                api::call(ListHostJobsRequest {
                    host_id,
                    kind: kind.into(),
                    page_size,
                    ..ListHostJobsRequest::default()
                })
            },
        )
    };
    let (backups, recent) = (jobs(JobKind::Backup, 30), jobs(JobKind::Unspecified, 10));
    live::on_change(move |change| match change {
        Change::Job(job) if job.host_id == id.get_untracked() => {
            recent.patch(|page| merge(&mut page.jobs, job));
            if job.kind() == JobKind::Backup {
                backups.patch(|page| merge(&mut page.jobs, job));
            }
        }
        Change::Resync(_) => {
            recent.reload();
            backups.reload();
        }
        Change::Host(_) | Change::Job(_) | Change::HostDeleted(_) => {}
    });
    view! {
        <section class="g-host" aria-label=t::SUMMARY>
            <Backups facts backups=Signal::derive(move || backups.with(|page| page.jobs.clone()))/>
            <Repository facts/>
            <Machine facts/>
        </section>
        <section class="section" aria-labelledby="h-jobs">
            <div class="card-head">
                <h2 id="h-jobs">{t::RECENT_JOBS}</h2>
                <span class="end"><A href=move || format!("/hosts/{}/jobs", id.get())>{t::ALL_JOBS}</A></span>
            </div>
            <RemoteView of=recent skeleton=|| view! { <SkeletonRows rows=3 columns=5/> }>
                {move || {
                    if recent.with(|page| page.jobs.is_empty()) {
                        return view! { <p class="t2">{t::NO_JOBS}</p> }.into_any();
                    }
                    view! { <JobTable jobs=Signal::derive(move || recent.with(|page| page.jobs.clone()))/> }.into_any()
                }}
            </RemoteView>
        </section>
    }
}

/// A job as it now is. A new one comes first: the list is the newest of one host.
fn merge(jobs: &mut Vec<Job>, job: &Job) {
    match jobs.iter_mut().find(|known| known.id == job.id) {
        Some(known) => known.clone_from(job),
        None => jobs.insert(0, job.clone()),
    }
}

#[component]
fn Backups(
    /// The host.
    facts: Signal<HostMessage>,
    /// Its last backups, the newest first.
    backups: Signal<Vec<Job>>,
) -> impl IntoView {
    let latest = move || backups.with(|jobs| jobs.first().cloned());
    view! {
        <div class="card pad">
            <div class="card-head">
                <h2>{t::BACKUPS}<span class="count">{t::LAST_30}</span></h2>
                <span class="end">
                    {move || latest().map(|job| view! { <A href=format!("/jobs/{}", job.id)>{t::OPEN_LOG}</A> })}
                </span>
            </div>
            <div class="bar-box"><BackupBar fluid=true bars=Signal::derive(move || backups.with(|jobs| bars::bars(jobs)))/></div>
            <dl class="kv">
                <dt>{t::LAST_RESULT}</dt>
                <dd>
                    {move || match latest() {
                        Some(job) => view! { <StatusBadge badge=Signal::stored(status::job(job.phase()))/> }.into_any(),
                        None => view! { <span class="t3">{t::NEVER}</span> }.into_any(),
                    }}
                </dd>
                <dt>{t::COLUMN_LAST_BACKUP}</dt>
                <dd>
                    {move || match facts.with(|host| crate::millis!(host.last_backup_at)) {
                        Some(at) => view! { <Moment at/> }.into_any(),
                        None => view! { <span class="t3">{t::NEVER}</span> }.into_any(),
                    }}
                </dd>
                <dt>{t::COLUMN_SNAPSHOTS}</dt>
                <dd>{move || facts.with(|host| count(host.snapshot_count))}</dd>
            </dl>
        </div>
    }
}

#[component]
fn Repository(
    /// The host.
    facts: Signal<HostMessage>,
) -> impl IntoView {
    let badge = Signal::derive(move || facts.with(|host| status::repository(host.repo_status())));
    let limit = |kib: u32| {
        if kib == 0 {
            t::NO_LIMIT.to_owned()
        } else {
            t::per_second(&crate::model::format::bytes(u64::from(kib) * 1024))
        }
    };
    view! {
        <div class="card pad">
            <div class="card-head"><h2>{t::REPOSITORY}</h2></div>
            <p class="run-head"><StatusBadge badge/></p>
            <dl class="kv">
                {move || facts.with(|host| {
                    let detail = visible(&host.repo_status_detail);
                    (!detail.is_empty()).then(|| view! { <dt>{t::REASON}</dt><dd><code>{detail}</code></dd> })
                })}
                <dt>{t::KNOWN_AS}</dt>
                <dd>{move || facts.with(|host| visible(&host.restic_host))}</dd>
                <dt>{t::LIMIT_UPLOAD}</dt>
                <dd>{move || limit(facts.with(|host| host.limit_upload_kib_s))}</dd>
                <dt>{t::LIMIT_DOWNLOAD}</dt>
                <dd>{move || limit(facts.with(|host| host.limit_download_kib_s))}</dd>
            </dl>
        </div>
    }
}

#[component]
fn Machine(
    /// The host.
    facts: Signal<HostMessage>,
) -> impl IntoView {
    let moment = |at: Option<i64>| match at {
        Some(at) => view! { <Moment at/> }.into_any(),
        None => view! { <span class="t3">{t::NEVER}</span> }.into_any(),
    };
    view! {
        <div class="card pad">
            <div class="card-head"><h2>{t::COLUMN_AGENT}</h2></div>
            <p class="run-head">
                <StatusBadge badge=Signal::derive(move || facts.with(|host| status::connection(host.status())))/>
            </p>
            <dl class="kv">
                <dt>{t::SINCE}</dt>
                <dd>{move || moment(facts.with(|host| crate::millis!(host.status_since)))}</dd>
                <dt>{t::ENROLLED}</dt>
                <dd>{move || moment(facts.with(|host| crate::millis!(host.enrolled_at)))}</dd>
                <dt>{t::CERTIFICATE_ENDS}</dt>
                <dd>{move || moment(facts.with(|host| crate::millis!(host.certificate_ends_at)))}</dd>
                <dt>{t::TIME_ZONE}</dt>
                <dd>{move || facts.with(|host| if host.time_zone.is_empty() { t::NOTHING.to_owned() } else { visible(&host.time_zone) })}</dd>
                <dt>{t::HOST_ID}</dt>
                <dd><code>{move || facts.with(|host| middle(&host.id, 18))}</code></dd>
            </dl>
        </div>
    }
}
