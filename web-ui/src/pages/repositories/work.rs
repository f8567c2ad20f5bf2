//! What somebody can order to be done with a repository: always from one of its hosts, always a job.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use proto::v1::{Host, RunJobRequest};

use super::super::action::Action;
use super::detail::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{Button, FormError, SelectField};
use crate::model::repository_view::{self, usual_host};
use crate::model::status;
use crate::model::untrusted::visible;
use crate::session::session;

#[component]
pub(super) fn Work(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let may = move || session().may::<RunJobRequest>();
    let has_hosts = Memo::new(move |_| shown.hosts.with(|hosts| !hosts.is_empty()));
    view! {
        {move || may().then(|| view! {
            <section class="card pad" aria-labelledby="h-work">
                <div class="card-head"><h2 id="h-work">{t::WORK}</h2></div>
                {move || if has_hosts.get() {
                    view! { <Orders shown/> }.into_any()
                } else {
                    view! { <p class="t2">{t::WORK_NONE}</p> }.into_any()
                }}
            </section>
        })}
    }
}

#[component]
fn Orders(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let action = Action::new();
    let navigate = use_navigate();
    let chosen = RwSignal::new(None::<String>);
    let host = Memo::new(move |_| {
        shown.hosts.with(|hosts| {
            let wanted = chosen.with(|id| hosts.iter().find(|host| Some(&host.id) == id.as_ref()));
            wanted.or_else(|| usual_host(hosts)).cloned().unwrap_or_default()
        })
    });
    let options = Signal::derive(move || {
        shown.hosts.with(|hosts| {
            hosts
                .iter()
                .map(|host| (host.id.clone(), named(host)))
                .collect::<Vec<_>>()
        })
    });
    let buttons = repository_view::Work::ALL.map(|work| {
        let navigate = navigate.clone();
        let run = move || {
            let navigate = navigate.clone();
            let request = RunJobRequest {
                host_id: host.with_untracked(|host| host.id.clone()),
                kind: work.kind().to_owned(),
                request_id: api::request_id(),
                ..RunJobRequest::default()
            };
            action.send(request, move |job| {
                navigate(&format!("/jobs/{}", job.id), NavigateOptions::default());
            });
        };
        let because = Signal::derive(move || host.with(|host| work.not_now(host)).map(str::to_owned));
        view! {
            <li>
                <Button label=work.label() refused_because=because busy=action.busy on_press=run/>
                <span class="meta">{move || because.get()}</span>
            </li>
        }
    });
    view! {
        <SelectField
            id="work-host"
            label=t::WORK_HOST
            options
            value=Signal::derive(move || host.with(|host| host.id.clone()))
            on_choose=move |id| chosen.set(Some(id))
        />
        <ul class="orders">{buttons.into_iter().collect_view()}</ul>
        <FormError error=action.error fields=&[]/>
    }
}

/// A host by its name, and whether it is there.
fn named(host: &Host) -> String {
    format!(
        "{} \u{b7} {}",
        visible(&host.hostname),
        status::connection(host.status()).label
    )
}
