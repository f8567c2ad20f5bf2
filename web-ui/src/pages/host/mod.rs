//! `/hosts/{id}` and what lies below it: one host, an address for each tab.

mod attach;
mod danger;
mod jobs;
mod login;
mod repository;
mod settings;
mod snapshots;
mod summary;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::{A, Outlet};
use leptos_router::hooks::{use_location, use_navigate, use_params_map};
use proto::v1::event::Event as Change;
use proto::v1::{GetHostRequest, Health, Host as HostMessage, HostStatus, RunJobRequest};

pub(crate) use self::jobs::HostJobs;
pub(crate) use self::repository::HostRepository;
pub(crate) use self::settings::HostSettings;
pub(crate) use self::snapshots::HostSnapshots;
pub(crate) use self::summary::HostSummary;
use super::action::Action;
use super::shell::{Crumbs, hosts};
use crate::api;
use crate::i18n::t;
use crate::kit::{
    Ago, Button, ButtonKind, Callout, ErrorState, Pill, Remote, RemoteView, SkeletonRows, Tabs, Title, remote,
};
use crate::live;
use crate::model::status::{self, Tone};
use crate::model::untrusted::visible;
use crate::session::session;

/// The host as its tabs see it.
#[derive(Clone, Copy)]
struct Shown {
    /// Its id, as the address says.
    id: Memo<String>,
    /// The host.
    facts: Signal<HostMessage>,
    /// What remains to be done, once it is deleted.
    deleted: RwSignal<Option<String>>,
    read: Remote<HostMessage>,
}

impl Shown {
    /// The host of the page that the calling tab is in.
    fn here() -> Self {
        expect_context()
    }

    /// Shows the host as a call has answered it.
    fn replace(self, host: HostMessage) {
        self.read.data.set(Some(host));
    }

    /// Its name, as it is shown.
    fn name(self) -> String {
        self.facts.with(|host| visible(&host.hostname))
    }
}

#[component]
pub(crate) fn Host() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("host").unwrap_or_default()));
    let read = remote(move || id.get(), |id| api::call(GetHostRequest { id }));
    let deleted = RwSignal::new(None::<String>);
    live::on_change(move |change| match change {
        Change::Host(changed) if changed.id == id.get_untracked() => read.patch(|host| host.clone_from(changed)),
        Change::HostDeleted(gone) if gone.id == id.get_untracked() => {
            deleted.update(|reminder| {
                reminder.get_or_insert_default();
            });
        }
        Change::Resync(_) => read.reload(),
        Change::Host(_) | Change::Job(_) | Change::HostDeleted(_) => {}
    });
    let shown = Shown {
        id,
        facts: Signal::derive(move || read.data.get().unwrap_or_default()),
        deleted,
        read,
    };
    provide_context(shown);
    Crumbs::set(|| vec![hosts()], move || shown.name());
    view! {
        {move || match deleted.get() {
            Some(reminder) => view! { <Deleted reminder/> }.into_any(),
            None => view! {
                <RemoteView of=read skeleton=|| view! { <SkeletonRows rows=4 columns=3/> }>
                    <Head shown/>
                    <Verdict shown/>
                    {move || {
                        let path = format!("/hosts/{}", id.get());
                        let tabs = TABS.map(|(end, name)| (format!("{path}{end}"), name));
                        view! { <Tabs label=t::HOST_TABS tabs=tabs.to_vec()/> }
                    }}
                    <Outlet/>
                </RemoteView>
            }
            .into_any(),
        }}
    }
}

/// The host is no more.
#[component]
fn Deleted(
    /// What remains to be done; may be empty.
    reminder: String,
) -> impl IntoView {
    let text = visible(&reminder);
    view! {
        <header class="page-head"><Title text=t::HOST_IS_DELETED/></header>
        <Callout tone=Tone::Warn glyph="g-warning" heading=t::SNAPSHOTS_STAY text>
            <A href="/hosts" attr:class="btn">{t::TO_HOSTS}</A>
        </Callout>
    }
}

/// The end of the address and the name of each tab.
const TABS: [(&str, &str); 5] = [
    ("", t::SUMMARY),
    ("/snapshots", t::COLUMN_SNAPSHOTS),
    ("/jobs", t::NAV_JOBS),
    ("/repository", t::REPOSITORY),
    ("/settings", t::NAV_SETTINGS),
];

#[component]
fn Head(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let facts = shown.facts;
    let location = use_location();
    let badge = Signal::derive(move || facts.with(|host| status::health(host.health())));
    let seen = Signal::derive(move || facts.with(|host| crate::millis!(host.last_seen_at)));
    let tab = move || {
        let path = location.pathname.get();
        let (_, name) = TABS
            .iter()
            .skip(1)
            .find(|(end, _)| path.ends_with(end))
            .unwrap_or(&("", ""));
        if name.is_empty() {
            shown.name()
        } else {
            t::tab_of(&shown.name(), name)
        }
    };
    let versions = move || {
        facts.with(|host| {
            [
                visible(&host.os_version),
                visible(&host.arch),
                t::agent(&visible(&host.agent_version)),
                t::restic(&visible(&host.restic_version)),
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
                    <Title text=Signal::derive(move || shown.name()) tab=Signal::derive(tab)/>
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
            <RunBackup shown/>
        </header>
    }
}

#[component]
fn RunBackup(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let facts = shown.facts;
    let navigate = use_navigate();
    let action = Action::new();
    let run = move || {
        let request = RunJobRequest {
            host_id: facts.with_untracked(|host| host.id.clone()),
            kind: "backup".to_owned(),
            queue_if_offline: true,
            request_id: api::request_id(),
            ..RunJobRequest::default()
        };
        let navigate = navigate.clone();
        action.send(request, move |job| {
            navigate(&format!("/jobs/{}", job.id), NavigateOptions::default());
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
                            busy=action.busy
                            on_press=run
                        />
                    </div>
                    <p class="meta">{note}</p>
                })
            }}
            {move || action.error.get().map(|error| view! {
                <div class="card"><ErrorState error on_retry=again.clone()/></div>
            })}
        </div>
    }
}

#[component]
fn Verdict(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    move || {
        let (health, reason) = shown.facts.with(|host| (host.health(), host.health_reason.clone()));
        let badge = status::health(health);
        let says_more = !reason.is_empty() && !matches!(health, Health::Ok | Health::Asleep);
        says_more
            .then(|| view! { <Callout tone=badge.tone glyph=badge.glyph heading=badge.label text=visible(&reason)/> })
    }
}
