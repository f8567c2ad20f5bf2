//! What cannot be taken back: forgetting a repository, and making it anew.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use proto::v1::{DeleteRepositoryRequest, ReinitHostRepositoryRequest};

use super::super::action::Action;
use super::detail::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{Button, ButtonKind, ConfirmDialog, FormError};
use crate::model::repository_view::usual_host;
use crate::model::untrusted::visible;
use crate::session::session;

#[component]
pub(super) fn Danger(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let may = move || session().may::<DeleteRepositoryRequest>();
    view! {
        {move || may().then(|| view! {
            <section class="section" aria-labelledby="h-danger">
                <div class="card-head"><h2 id="h-danger">{t::DANGER}</h2></div>
                <ul class="card lines"><Reinit shown/><Forget shown/></ul>
            </section>
        })}
    }
}

#[component]
fn Forget(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let navigate = use_navigate();
    let name = Signal::derive(move || shown.facts.with(|facts| visible(&facts.name)));
    let forget = move || {
        let navigate = navigate.clone();
        action.send(DeleteRepositoryRequest { id: shown.id() }, move |_| {
            navigate("/repositories", NavigateOptions::default());
        });
    };
    view! {
        <li>
            <span class="grow"><b>{t::FORGET}</b><span class="meta">{t::FORGET_HELP}</span></span>
            <Button label=t::FORGET kind=ButtonKind::DangerQuiet on_press=move || open.set(true)/>
            <ConfirmDialog
                open
                heading=Signal::derive(move || t::forget_title(&name.get()))
                verb=t::FORGET
                word=name
                busy=action.busy
                on_confirm=forget
            >
                <p>{t::FORGET_TEXT}</p>
                <FormError error=action.error fields=&[]/>
            </ConfirmDialog>
        </li>
    }
}

#[component]
fn Reinit(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let navigate = use_navigate();
    let host = Signal::derive(move || shown.hosts.with(|hosts| usual_host(hosts).cloned()));
    let because = Signal::derive(move || host.with(Option::is_none).then(|| t::WORK_NONE.to_owned()));
    let reinit = move || {
        let Some(host) = host.get_untracked() else { return };
        let navigate = navigate.clone();
        let request = ReinitHostRepositoryRequest {
            host_id: host.id,
            confirm_hostname: host.hostname,
            request_id: api::request_id(),
        };
        action.send(request, move |job| {
            navigate(&format!("/jobs/{}", job.id), NavigateOptions::default());
        });
    };
    let hostname = move || host.with(|host| host.as_ref().map(|host| visible(&host.hostname)).unwrap_or_default());
    view! {
        <li>
            <span class="grow"><b>{t::REINIT}</b><span class="meta">{t::REINIT_HELP}</span></span>
            <Button
                label=t::REINIT
                kind=ButtonKind::DangerQuiet
                refused_because=because
                on_press=move || open.set(true)
            />
            <ConfirmDialog
                open
                heading=Signal::derive(move || t::reinit_title(&shown.facts.with(|facts| visible(&facts.name))))
                verb=t::REINIT
                word=Signal::derive(hostname)
                busy=action.busy
                on_confirm=reinit
            >
                <p>{t::REINIT_TEXT}</p>
                <FormError error=action.error fields=&[]/>
            </ConfirmDialog>
        </li>
    }
}
