//! `/repositories/{id}`: how one repository is, what opens it, who uses it, and what can be done with it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use proto::v1::event::Event as Change;
use proto::v1::{
    ConfirmReplacedRequest, GetRepositoryRequest, GetRepositoryStatsRequest, Host, ListHostsRequest, Replacement,
    Repository as RepositoryMessage,
};

use super::super::action::Action;
use super::super::shell::Crumbs;
use super::credentials::{AdminCredentials, Everyday};
use super::crumb;
use super::danger::Danger;
use super::facts::{Location, Numbers};
use super::hosts::HostsUsing;
use super::locks::Locks;
use super::work::Work;
use crate::api;
use crate::i18n::t;
use crate::kit::{
    Button, Callout, ConfirmDialog, FormError, Moment, Pill, Remote, RemoteView, SkeletonRows, Title, remote,
};
use crate::live;
use crate::model::repository_view::{Verdict, verdict};
use crate::model::untrusted::visible;
use crate::session::session;

/// How many hosts are shown; the list of hosts has the others.
pub(super) const HOSTS_SHOWN: usize = 50;

/// The repository as its parts see it.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    /// The repository.
    pub(super) facts: Signal<RepositoryMessage>,
    /// The first of its hosts by urgency.
    pub(super) hosts: Signal<Vec<Host>>,
    read: Remote<RepositoryMessage>,
}

impl Shown {
    /// Shows the repository as a call has answered it. What was being read meanwhile may be older, and is read again.
    pub(super) fn replace(self, repository: RepositoryMessage) {
        self.read.data.set(Some(repository));
        self.read.reload();
    }

    /// Reads it anew.
    pub(super) fn reload(self) {
        self.read.reload();
    }

    /// Its id.
    pub(super) fn id(self) -> String {
        self.facts.with_untracked(|facts| facts.id.clone())
    }
}

#[component]
pub(crate) fn Repository() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("repository").unwrap_or_default()));
    let read = remote(move || id.get(), |id| api::call(GetRepositoryRequest { id }));
    let stats = remote(move || id.get(), |id| api::call(GetRepositoryStatsRequest { id }));
    let hosts = remote(
        move || id.get(),
        |repository_id| {
            api::call(ListHostsRequest {
                repository_id,
                order_by: "health".to_owned(),
                page_size: i32::try_from(HOSTS_SHOWN).unwrap_or_default(),
                ..ListHostsRequest::default()
            })
        },
    );
    let reload = move || {
        read.reload();
        stats.reload();
        hosts.reload();
    };
    live::on_change(move |change| match change {
        Change::Host(host) => {
            let known = hosts.with(|page| page.hosts.iter().find(|known| known.id == host.id).cloned());
            let uses_it = host.repository_id.as_deref() == Some(id.get_untracked().as_str());
            match known {
                Some(known) if uses_it => {
                    let is_new =
                        (known.repo_status, &known.repo_status_detail) != (host.repo_status, &host.repo_status_detail);
                    hosts.patch(|page| {
                        if let Some(shown) = page.hosts.iter_mut().find(|shown| shown.id == host.id) {
                            shown.clone_from(host);
                        }
                    });
                    if is_new {
                        read.reload();
                    }
                }
                None if !uses_it => {}
                // One has come, or gone to another repository.
                Some(_) | None => {
                    read.reload();
                    hosts.reload();
                }
            }
        }
        Change::Job(job) if job.repository_id == id.get_untracked() && job.finished_at.is_some() => {
            read.reload();
            stats.reload();
        }
        Change::HostDeleted(_) | Change::Resync(_) => reload(),
        Change::Job(_) => {}
    });
    let shown = Shown {
        facts: Signal::derive(move || read.data.get().unwrap_or_default()),
        hosts: Signal::derive(move || hosts.with(|page| page.hosts.clone())),
        read,
    };
    let name = Signal::derive(move || read.with(|repository| visible(&repository.name)));
    Crumbs::set(|| vec![crumb()], move || name.get());
    let numbers = Signal::derive(move || stats.data.get().unwrap_or_default());
    view! {
        <RemoteView of=read skeleton=|| view! { <SkeletonRows rows=4 columns=3/> }>
            <Head shown name/>
            <Says shown/>
            <div class="g-host">
                <Location shown/>
                <Numbers shown numbers/>
                <Work shown/>
            </div>
            <div class="g-two">
                <Everyday shown/>
                <AdminCredentials shown/>
            </div>
            <HostsUsing shown/>
            <Locks shown numbers/>
            <Danger shown/>
        </RemoteView>
    }
}

#[component]
fn Head(
    /// The repository.
    shown: Shown,
    /// Its name, as it is shown.
    name: Signal<String>,
) -> impl IntoView {
    let badge = Signal::derive(move || shown.facts.with(|facts| verdict(facts).badge));
    let since = move || shown.facts.with(|facts| crate::millis!(facts.created_at));
    view! {
        <header class="page-head">
            <div>
                <div class="title"><Title text=name/><Pill badge/></div>
                <p class="lead dots">
                    <span>{move || shown.facts.with(|facts| visible(&facts.kind))}</span>
                    <span>{move || shown.facts.with(|facts| t::hosts(facts.host_count))}</span>
                    {move || since().map(|at| view! { <span>{t::KNOWN_SINCE}" "<Moment at/></span> })}
                </p>
            </div>
        </header>
    }
}

/// What is wrong with it, and what to do next.
#[component]
fn Says(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let state = Memo::new(move |_| shown.facts.with(verdict));
    let found = move || shown.facts.with(|facts| facts.replacements.clone());
    view! {
        {move || {
            let Verdict { badge, why, advice } = state.get();
            (!advice.is_empty()).then(|| {
                let heading = if why.is_empty() { badge.label.to_owned() } else { format!("{}: {why}.", badge.label) };
                view! { <Callout tone=badge.tone glyph=badge.glyph heading text=advice/> }
            })
        }}
        {move || found().into_iter().map(|found| view! { <Found shown found/> }).collect_view()}
    }
}

/// Another repository that a host found in the place of this one.
#[component]
fn Found(
    /// The repository.
    shown: Shown,
    /// What was found.
    found: Replacement,
) -> impl IntoView {
    let may = move || session().may::<ConfirmReplacedRequest>();
    let (open, action) = (RwSignal::new(false), Action::new());
    let restic_id = found.restic_repository_id.clone();
    let confirm = {
        let restic_id = restic_id.clone();
        move || {
            let request = ConfirmReplacedRequest {
                id: shown.id(),
                restic_repository_id: restic_id.clone(),
            };
            action.send(request, move |repository| {
                open.set(false);
                shown.replace(repository);
            });
        }
    };
    let at = crate::millis!(found.found_at).unwrap_or_default();
    let found_id = restic_id.clone();
    view! {
        <section class="card pad" aria-label=t::FOUND_ID>
            <div class="card-head">
                <h2>{t::found_by(&visible(&found.hostname), 0)}</h2>
                <span class="end"><Moment at/></span>
            </div>
            <dl class="kv">
                <dt>{t::KNOWN_ID}</dt>
                <dd><code>{move || shown.facts.with(|facts| visible(&facts.restic_repository_id))}</code></dd>
                <dt>{t::FOUND_ID}</dt>
                <dd><code>{visible(&restic_id)}</code></dd>
            </dl>
            <div class="btns note">
                {move || if may() {
                    view! { <Button label=t::CONFIRM_REPLACED on_press=move || open.set(true)/> }.into_any()
                } else {
                    view! { <p class="meta">{t::ASK_ADMIN}</p> }.into_any()
                }}
            </div>
            <ConfirmDialog
                open
                heading=t::CONFIRM_REPLACED_TITLE
                verb=t::CONFIRM_REPLACED
                word=Signal::derive(move || shown.facts.with(|facts| visible(&facts.name)))
                busy=action.busy
                on_confirm=confirm
            >
                <p>{t::CONFIRM_REPLACED_TEXT}</p>
                <p><code>{visible(&found_id)}</code></p>
                <FormError error=action.error fields=&[]/>
            </ConfirmDialog>
        </section>
    }
}
