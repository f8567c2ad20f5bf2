//! Another repository for a host.

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::{BindRepositoryRequest, ListRepositoriesRequest};

use super::super::action::Action;
use super::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{Button, ConfirmDialog, FormError, SelectField, remote};
use crate::model::untrusted::visible;
use crate::session::session;

/// How many repositories can be chosen from.
const CHOICES: i32 = 500;

#[component]
pub(super) fn Attach(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let may = move || session().may::<BindRepositoryRequest>();
    move || may().then(|| view! { <Choice shown/> })
}

#[component]
fn Choice(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let repositories = remote(
        || (),
        |()| {
            api::call(ListRepositoriesRequest {
                page_size: CHOICES,
                ..ListRepositoriesRequest::default()
            })
        },
    );
    let current = Memo::new(move |_| shown.facts.with(|host| host.repository_id.clone().unwrap_or_default()));
    let chosen = RwSignal::new(String::new());
    let (open, action) = (RwSignal::new(false), Action::new());
    let others = Signal::derive(move || {
        let current = current.get();
        let known = repositories.with(|page| {
            let named = page.repositories.iter().filter(|repository| repository.id != current);
            named
                .map(|repository| (repository.id.clone(), visible(&repository.name)))
                .collect::<Vec<_>>()
        });
        std::iter::once((String::new(), t::CHOOSE_REPOSITORY.to_owned()))
            .chain(known)
            .collect::<Vec<_>>()
    });
    let because = Signal::derive(move || {
        if others.with(Vec::len) < 2 {
            return Some(t::NO_OTHER_REPOSITORY.to_owned());
        }
        chosen.with(String::is_empty).then(|| t::CHOOSE_FIRST.to_owned())
    });
    let name = move || {
        let wanted = chosen.get();
        others.with(|others| {
            let found = others.iter().find(|(id, _)| *id == wanted);
            found.map(|(_, name)| name.clone()).unwrap_or_default()
        })
    };
    let bind = move || {
        let request = BindRepositoryRequest {
            host_id: shown.id.get_untracked(),
            repository_id: chosen.get_untracked(),
            version: Some(shown.facts.with_untracked(|host| host.version)),
        };
        action.send(request, move |host| {
            open.set(false);
            chosen.set(String::new());
            shown.replace(host);
        });
    };
    view! {
        <section class="card pad" aria-labelledby="h-attach">
            <div class="card-head">
                <h2 id="h-attach">{t::ATTACH_ANOTHER}</h2>
                <span class="end"><A href="/repositories/new">{t::ADD_REPOSITORY}</A></span>
            </div>
            <p class="t2">{t::ATTACH_TEXT}</p>
            <div class="row note">
                <SelectField
                    id="attach"
                    label=t::REPOSITORY
                    hide_label=true
                    options=others
                    value=chosen
                    on_choose=move |id| chosen.set(id)
                />
                <Button label=t::ATTACH refused_because=because on_press=move || open.set(true)/>
                <span class="meta">{move || because.get()}</span>
            </div>
            <ConfirmDialog
                open
                heading=Signal::derive(move || t::attach_title(&name(), &shown.name()))
                verb=t::ATTACH
                busy=action.busy
                on_confirm=bind
            >
                <p>{t::ATTACH_CONSEQUENCE}</p>
                <FormError error=action.error fields=&[]/>
            </ConfirmDialog>
        </section>
    }
}
