//! `/hosts/{id}`: how one host is, what it last did, and the button that backs it up.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_params_map};
use proto::v1::event::Event as Change;
use proto::v1::{
    GetHostRequest, Health, Host as HostMessage, HostStatus, Job, JobKind, ListHostJobsRequest, RunJobRequest,
};

use super::job_table::JobTable;
use super::shell::{Crumbs, hosts};
use crate::api::{self, ApiError};
use crate::i18n::t;
use crate::kit::{
    Ago, BackupBar, Button, ButtonKind, Callout, ErrorState, Moment, Pill, RemoteView, SkeletonRows, StatusBadge,
    Title, remote,
};
use crate::live;
use crate::model::format::count;
use crate::model::untrusted::{middle, visible};
use crate::model::{bars, status};
use crate::session::session;

#[component]
pub(crate) fn Host() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("host").unwrap_or_default()));
    let host = remote(move || id.get(), |id| api::call(GetHostRequest { id }));
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
        Change::Host(changed) if changed.id == id.get_untracked() => host.patch(|host| host.clone_from(changed)),
        Change::Job(job) if job.host_id == id.get_untracked() => {
            recent.patch(|page| merge(&mut page.jobs, job));
            if job.kind() == JobKind::Backup {
                backups.patch(|page| merge(&mut page.jobs, job));
            }
        }
        Change::Resync(_) => {
            host.reload();
            recent.reload();
            backups.reload();
        }
        Change::HostDeleted(deleted) if deleted.id == id.get_untracked() => host.reload(),
        Change::Host(_) | Change::Job(_) | Change::HostDeleted(_) => {}
    });
    let name = Signal::derive(move || host.with(|host| visible(&host.hostname)));
    Crumbs::set(|| vec![hosts()], move || name.get());
    let facts = Signal::derive(move || host.data.get().unwrap_or_default());
    view! {
        <RemoteView of=host skeleton=|| view! { <SkeletonRows rows=4 columns=3/> }>
            <Head facts name/>
            <Verdict facts/>
            <section class="g-host" aria-label=t::SUMMARY>
                <Backups facts backups=Signal::derive(move || backups.with(|page| page.jobs.clone()))/>
                <Repository facts/>
                <Machine facts/>
            </section>
            <section class="section" aria-labelledby="h-jobs">
                <div class="card-head"><h2 id="h-jobs">{t::RECENT_JOBS}</h2></div>
                <RemoteView of=recent skeleton=|| view! { <SkeletonRows rows=3 columns=5/> }>
                    {move || {
                        if recent.with(|page| page.jobs.is_empty()) {
                            return view! { <p class="t2">{t::NO_JOBS}</p> }.into_any();
                        }
                        view! { <JobTable jobs=Signal::derive(move || recent.with(|page| page.jobs.clone()))/> }.into_any()
                    }}
                </RemoteView>
            </section>
        </RemoteView>
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
fn Head(
    /// The host.
    facts: Signal<HostMessage>,
    /// Its name, as it is shown.
    name: Signal<String>,
) -> impl IntoView {
    let badge = Signal::derive(move || facts.with(|host| status::health(host.health())));
    let seen = Signal::derive(move || facts.with(|host| crate::millis!(host.last_seen_at)));
    let versions = move || {
        facts.with(|host| {
            [
                visible(&host.os_version),
                visible(&host.arch),
                t::agent(&host.agent_version),
                t::restic(&host.restic_version),
            ]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| view! { <span>{text}</span> })
            .collect_view()
        })
    };
    view! {
        <header class="page-head">
            <div>
                <div class="title">
                    <Title text=name/>
                    <Pill badge/>
                    <span class="tags">
                        {move || facts.with(|host| {
                            host.tags.iter().map(|tag| view! { <span class="tag">{visible(tag)}</span> }).collect_view()
                        })}
                    </span>
                </div>
                <p class="lead dots">
                    {versions}
                    <span>{t::SEEN}" "<Ago at=seen/></span>
                </p>
            </div>
            <RunBackup facts/>
        </header>
    }
}

#[component]
fn RunBackup(
    /// The host.
    facts: Signal<HostMessage>,
) -> impl IntoView {
    let navigate = use_navigate();
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let run = move || {
        busy.set(true);
        error.set(None);
        let request = RunJobRequest {
            host_id: facts.with_untracked(|host| host.id.clone()),
            kind: "backup".to_owned(),
            queue_if_offline: true,
            request_id: api::request_id(),
            ..RunJobRequest::default()
        };
        let navigate = navigate.clone();
        spawn_local(async move {
            match api::call(request).await {
                Ok(job) => navigate(&format!("/jobs/{}", job.id), leptos_router::NavigateOptions::default()),
                Err(refused) => error.set(Some(refused)),
            }
            busy.set(false);
        });
    };
    let because = Signal::derive(move || facts.with(status::no_backup_because).map(str::to_owned));
    let note = move || {
        let is_offline = facts.with(|host| host.status() == HostStatus::Offline);
        because
            .get()
            .or_else(|| is_offline.then(|| t::RUNS_WHEN_BACK.to_owned()))
    };
    let may = move || session().may::<RunJobRequest>();
    let again = run.clone();
    view! {
        <div class="act">
            {move || {
                let run = run.clone();
                may().then(|| view! {
                    <div class="btns">
                        <Button
                            label=t::RUN_BACKUP
                            kind=ButtonKind::Primary
                            icon="i-play"
                            refused_because=because
                            busy=busy
                            on_press=run
                        />
                    </div>
                    <p class="meta">{note}</p>
                })
            }}
            {move || error.get().map(|error| view! {
                <div class="card"><ErrorState error on_retry=again.clone()/></div>
            })}
        </div>
    }
}

#[component]
fn Verdict(
    /// The host.
    facts: Signal<HostMessage>,
) -> impl IntoView {
    move || {
        let (health, reason) = facts.with(|host| (host.health(), host.health_reason.clone()));
        let badge = status::health(health);
        let says_more = !reason.is_empty() && !matches!(health, Health::Ok | Health::Asleep);
        says_more
            .then(|| view! { <Callout tone=badge.tone glyph=badge.glyph heading=badge.label text=visible(&reason)/> })
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
