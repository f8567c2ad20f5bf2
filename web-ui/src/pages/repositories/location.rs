//! Name and location of a repository: who else would be affected, and what if somebody was faster.

use domain::ErrorCode;
use leptos::prelude::*;
use proto::v1::{Role, UpdateRepositoryRequest};

use super::super::action::Action;
use super::detail::Shown;
use crate::i18n::t;
use crate::kit::{Button, Callout, FormDialog, FormError, TextField};
use crate::model::location::{help, kind_of};
use crate::model::status::Tone;
use crate::model::untrusted::visible;
use crate::session::session;

/// How many hosts are named.
const NAMED: usize = 10;

#[component]
pub(super) fn EditLocation(
    /// The repository.
    shown: Shown,
    /// Whether the form is there.
    open: RwSignal<bool>,
) -> impl IntoView {
    let action = Action::new();
    let (name, location) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let version = RwSignal::new(0);
    let fill = move || {
        shown.facts.with_untracked(|facts| {
            name.set(facts.name.clone());
            location.set(facts.repo_url.clone());
            version.set(facts.version);
        });
        action.error.set(None);
    };
    Effect::new(move || {
        if open.get() {
            fill();
        }
    });
    let submit = move || {
        let request = UpdateRepositoryRequest {
            id: shown.id(),
            name: Some(name.get_untracked().trim().to_owned()),
            repo_url: Some(location.get_untracked().trim().to_owned()),
            version: Some(version.get_untracked()),
        };
        action.send(request, move |repository| {
            open.set(false);
            shown.replace(repository);
        });
    };
    let moves = Memo::new(move |_| {
        let before = shown.facts.with(|facts| facts.repo_url.clone());
        location.with(|location| location.trim() != before)
    });
    let in_conflict = Memo::new(move |_| {
        action
            .error
            .with(|error| error.as_ref().is_some_and(|error| error.is(ErrorCode::VersionConflict)))
    });
    view! {
        <FormDialog open heading=t::EDIT_LOCATION verb=t::SAVE busy=action.busy on_submit=submit>
            <TextField id="name" label=t::COLUMN_NAME value=name error=action.field("name") first=true/>
            <TextField
                id="repo_url"
                label=t::REPO_LOCATION
                value=location
                error=action.field("repo_url")
                help=Signal::derive(move || location.with(|location| help(kind_of(location)).to_owned()))
                mono=true
            />
            {move || moves.get().then(|| view! { <Affected shown/> })}
            {move || if in_conflict.get() {
                view! { <Theirs shown on_take=fill/> }.into_any()
            } else {
                view! { <FormError error=action.error fields=&["name", "repo_url"]/> }.into_any()
            }}
        </FormDialog>
    }
}

/// The hosts that would look for the repository elsewhere.
#[component]
fn Affected(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let count = move || shown.facts.with(|facts| facts.host_count);
    let names = move || {
        shown.hosts.with(|hosts| {
            let names = hosts.iter().take(NAMED).map(|host| visible(&host.hostname));
            names.map(|name| view! { <li>{name}</li> }).collect_view()
        })
    };
    let others = move || {
        let named = shown.hosts.with(|hosts| hosts.len().min(NAMED)) as u64;
        count().checked_sub(named).filter(|others| *others > 0 && named > 0)
    };
    let is_admin = move || {
        session()
            .who
            .with(|who| who.as_ref().is_some_and(|who| who.role() == Role::Admin))
    };
    view! {
        <div class="callout warn" role="note">
            <crate::kit::Glyph name="g-warning"/>
            <div class="body">
                {move || (count() > 0).then(|| view! {
                    <b>{t::MOVES_HOSTS}</b>
                    <ul class="named">
                        {names}
                        {move || others().map(|others| view! { <li class="t2">{t::and_more(others)}</li> })}
                    </ul>
                })}
                <p class="t2">{t::MOVES_NOTHING}</p>
                {move || (!is_admin()).then(|| view! { <p class="t2">{t::ADMIN_MOVES}</p> })}
            </div>
        </div>
    }
}

/// Somebody was faster: nothing was saved, and what they have set can be looked at.
#[component]
fn Theirs(
    /// The repository.
    shown: Shown,
    /// What puts theirs into the form.
    on_take: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    shown.reload();
    let theirs = Signal::derive(move || {
        shown
            .facts
            .with(|facts| format!("{} \u{b7} {}", visible(&facts.name), visible(&facts.repo_url)))
    });
    view! {
        <Callout tone=Tone::Warn glyph="g-warning" heading=t::CONFLICT text=theirs>
            <Button label=t::TAKE_THEIRS on_press=on_take/>
        </Callout>
    }
}
