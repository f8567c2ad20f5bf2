//! What cuts a host off, and what lets it in again.

use leptos::prelude::*;
use proto::v1::{DeleteHostRequest, HostStatus, ReleaseQuarantineRequest, RevokeHostRequest};

use super::super::action::Action;
use super::Shown;
use crate::i18n::t;
use crate::kit::{Button, ButtonKind, Callout, ConfirmDialog, FormError};
use crate::model::status::Tone;
use crate::session::session;

#[component]
pub(super) fn Danger(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let may = move || session().may::<DeleteHostRequest>();
    move || {
        may().then(|| {
            view! {
                <section class="section" aria-labelledby="h-danger">
                    <div class="card-head"><h2 id="h-danger">{t::DANGER}</h2></div>
                    <ul class="card lines">
                        <Release shown/>
                        <Revoke shown/>
                        <Delete shown/>
                    </ul>
                </section>
            }
        })
    }
}

#[component]
fn Release(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let reminder = RwSignal::new(String::new());
    let is_quarantined = Memo::new(move |_| shown.facts.with(|host| host.status() == HostStatus::Quarantined));
    let release = move || {
        let request = ReleaseQuarantineRequest {
            id: shown.id.get_untracked(),
        };
        action.send(request, move |answer| {
            open.set(false);
            reminder.set(answer.reminder);
            if let Some(host) = answer.host {
                shown.replace(host);
            }
        });
    };
    view! {
        {move || is_quarantined.get().then(|| view! {
            <li>
                <span class="grow"><b>{t::RELEASE}</b><span class="meta">{t::RELEASE_HELP}</span></span>
                <Button label=t::RELEASE on_press=move || open.set(true)/>
            </li>
        })}
        {move || {
            let reminder = reminder.get();
            (!reminder.is_empty()).then(|| view! {
                <li><Callout tone=Tone::Warn glyph="g-warning" heading=t::RELEASED text=reminder/></li>
            })
        }}
        <ConfirmDialog
            open
            heading=Signal::derive(move || t::release_title(&shown.name()))
            verb=t::RELEASE
            busy=action.busy
            on_confirm=release
        >
            <p>{t::RELEASE_TEXT}</p>
            <FormError error=action.error fields=&[]/>
        </ConfirmDialog>
    }
}

#[component]
fn Revoke(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let because = Signal::derive(move || {
        let is_revoked = shown.facts.with(|host| host.status() == HostStatus::Revoked);
        is_revoked.then(|| t::IS_REVOKED.to_owned())
    });
    let revoke = move || {
        let request = RevokeHostRequest {
            id: shown.id.get_untracked(),
            confirm_hostname: shown.facts.with_untracked(|host| host.hostname.clone()),
        };
        action.send(request, move |host| {
            open.set(false);
            shown.replace(host);
        });
    };
    view! {
        <li>
            <span class="grow">
                <b>{t::REVOKE_HOST}</b>
                <span class="meta">{move || because.get().unwrap_or_else(|| t::REVOKE_HOST_HELP.to_owned())}</span>
            </span>
            <Button
                label=t::REVOKE_HOST
                kind=ButtonKind::DangerQuiet
                refused_because=because
                on_press=move || open.set(true)
            />
            <ConfirmDialog
                open
                heading=Signal::derive(move || t::revoke_host_title(&shown.name()))
                verb=t::REVOKE_HOST
                word=Signal::derive(move || shown.name())
                busy=action.busy
                on_confirm=revoke
            >
                <p>{t::REVOKE_HOST_TEXT}</p>
                <FormError error=action.error fields=&[]/>
            </ConfirmDialog>
        </li>
    }
}

#[component]
fn Delete(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let delete = move || {
        let request = DeleteHostRequest {
            id: shown.id.get_untracked(),
            confirm_hostname: shown.facts.with_untracked(|host| host.hostname.clone()),
        };
        action.send(request, move |answer| shown.deleted.set(Some(answer.reminder)));
    };
    view! {
        <li>
            <span class="grow"><b>{t::DELETE_HOST}</b><span class="meta">{t::DELETE_HOST_HELP}</span></span>
            <Button label=t::DELETE_HOST kind=ButtonKind::DangerQuiet on_press=move || open.set(true)/>
            <ConfirmDialog
                open
                heading=Signal::derive(move || t::delete_host_title(&shown.name()))
                verb=t::DELETE_HOST
                word=Signal::derive(move || shown.name())
                busy=action.busy
                on_confirm=delete
            >
                <p>{t::DELETE_HOST_TEXT}</p>
                <FormError error=action.error fields=&[]/>
            </ConfirmDialog>
        </li>
    }
}
