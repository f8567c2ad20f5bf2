//! Where one host backs up to: how it is for this host, how large, what can be done, and with which login.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use proto::v1::event::Event as Change;
use proto::v1::{
    GetRepositoryRequest, GetRepositoryStatsRequest, Repository as RepositoryMessage, RepositoryStats, RunJobRequest,
};

use super::super::action::Action;
use super::Shown;
use super::attach::Attach;
use super::login::Login;
use crate::i18n::t;
use crate::kit::{Ago, Button, CopyButton, EmptyState, FormError, RemoteView, SkeletonRows, StatusBadge, remote};
use crate::model::format::{bytes, count};
use crate::model::repository_view::{Work, detail, times};
use crate::model::status;
use crate::model::untrusted::visible;
use crate::session::session;
use crate::{api, live};

#[component]
pub(crate) fn HostRepository() -> impl IntoView {
    let shown = Shown::here();
    let repository = Memo::new(move |_| shown.facts.with(|host| host.repository_id.clone()));
    move || match repository.get() {
        Some(id) => view! { <Bound shown id/> }.into_any(),
        None => view! {
            <div class="card">
                <EmptyState heading=t::REPOSITORY_NONE text=t::REPOSITORY_NONE_TEXT>
                    <Attach shown/>
                </EmptyState>
            </div>
        }
        .into_any(),
    }
}

#[component]
fn Bound(
    /// The host.
    shown: Shown,
    /// The repository's id.
    id: String,
) -> impl IntoView {
    let id = Signal::stored(id);
    let repository = remote(move || id.get(), |id| api::call(GetRepositoryRequest { id }));
    let stats = remote(move || id.get(), |id| api::call(GetRepositoryStatsRequest { id }));
    live::on_change(move |change| match change {
        Change::Job(job) if job.repository_id == id.get_untracked() && status::has_ended(job) => {
            repository.reload();
            stats.reload();
        }
        Change::Resync(_) => {
            repository.reload();
            stats.reload();
        }
        Change::Host(_) | Change::Job(_) | Change::HostDeleted(_) => {}
    });
    let facts = Signal::derive(move || repository.data.get().unwrap_or_default());
    view! {
        <RemoteView of=repository skeleton=|| view! { <SkeletonRows rows=4 columns=3/> }>
            <div class="g-host">
                <Place shown facts/>
                <Numbers stats=Signal::derive(move || stats.data.get().unwrap_or_default())/>
                <Orders shown/>
            </div>
            <Login shown facts/>
            <Attach shown/>
        </RemoteView>
    }
}

/// Which one it is, and how this host finds it.
#[component]
fn Place(
    /// The host.
    shown: Shown,
    /// The repository.
    facts: Signal<RepositoryMessage>,
) -> impl IntoView {
    let location = Signal::derive(move || facts.with(|facts| visible(&facts.repo_url)));
    let others = move || facts.with(|facts| facts.host_count.saturating_sub(1));
    view! {
        <section class="card pad" aria-labelledby="h-place">
            <div class="card-head">
                <h2 id="h-place">
                    <A href=move || facts.with(|facts| format!("/repositories/{}", facts.id))>
                        {move || facts.with(|facts| visible(&facts.name))}
                    </A>
                </h2>
            </div>
            <p class="run-head">
                <StatusBadge badge=Signal::derive(move || shown.facts.with(|host| status::repository(host.repo_status())))/>
            </p>
            <dl class="kv">
                {move || shown.facts.with(|host| detail(&host.repo_status_detail)).map(|detail| view! {
                    <dt>{t::REASON}</dt><dd>{detail}</dd>
                })}
                <dt>{t::REPO_LOCATION}</dt>
                <dd class="copyline"><code>{location}</code><CopyButton text=location label=t::COPY_LOCATION/></dd>
                <dt>{t::KNOWN_AS}</dt>
                <dd>{move || shown.facts.with(|host| visible(&host.restic_host))}</dd>
                <dt>{t::SHARED_WITH}</dt>
                <dd>{move || t::other_hosts(others())}</dd>
            </dl>
        </section>
    }
}

/// How large it is, as far as jobs have counted.
#[component]
fn Numbers(
    /// The numbers.
    stats: Signal<RepositoryStats>,
) -> impl IntoView {
    let line = move |label: &'static str, read: fn(&RepositoryStats) -> Option<String>| {
        view! {
            <dt>{label}</dt>
            <dd>{move || stats.with(read).unwrap_or_else(|| t::NOTHING.to_owned())}</dd>
        }
    };
    view! {
        <section class="card pad" aria-labelledby="h-numbers">
            <div class="card-head"><h2 id="h-numbers">{t::NUMBERS}</h2></div>
            <p class="run-head">
                {move || stats.with(|stats| stats.raw_size.map_or_else(|| t::NOTHING.to_owned(), bytes))}
            </p>
            <dl class="kv">
                {line(t::COLUMN_SNAPSHOTS, |stats| stats.snapshot_count.map(count))}
                {line(t::RESTORE_SIZE, |stats| stats.restore_size.map(bytes))}
                {line(t::COMPRESSION, |stats| times(stats.compression_ratio))}
                {line(t::DEDUPLICATION, |stats| times(stats.dedup_ratio))}
                {line(t::LOCKS, |stats| stats.locks_at.map(|_| count(stats.locks.len() as u64)))}
                <dt>{t::COUNTED}</dt>
                <dd>
                    <Ago at=Signal::derive(move || stats.with(|stats| crate::millis!(stats.sizes_at))) never=t::NOT_COUNTED/>
                </dd>
            </dl>
        </section>
    }
}

/// What this host can be told to do with it: each is a job.
#[component]
fn Orders(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let action = Action::new();
    let navigate = use_navigate();
    let may = move || session().may::<RunJobRequest>();
    let buttons = move || {
        Work::ALL
            .map(|work| {
                let navigate = navigate.clone();
                let run = move || {
                    let navigate = navigate.clone();
                    let request = RunJobRequest {
                        host_id: shown.id.get_untracked(),
                        kind: work.kind().to_owned(),
                        request_id: api::request_id(),
                        ..RunJobRequest::default()
                    };
                    action.send(request, move |job| {
                        navigate(&format!("/jobs/{}", job.id), NavigateOptions::default());
                    });
                };
                let because = Signal::derive(move || shown.facts.with(|host| work.not_now(host)).map(str::to_owned));
                view! {
                    <li>
                        <Button label=work.label() refused_because=because busy=action.busy on_press=run/>
                        <span class="meta">{move || because.get()}</span>
                    </li>
                }
            })
            .into_iter()
            .collect_view()
    };
    view! {
        {move || may().then(|| view! {
            <section class="card pad" aria-labelledby="h-work">
                <div class="card-head"><h2 id="h-work">{t::WORK}</h2></div>
                <ul class="orders">{buttons.clone()()}</ul>
                <FormError error=action.error fields=&[]/>
            </section>
        })}
    }
}
