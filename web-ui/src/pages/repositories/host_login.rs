//! The login that one host has for itself at a repository that it shares.

use leptos::prelude::*;
use proto::v1::GetHostCredentialsRequest;

use super::super::host_login::HostLoginForm;
use super::detail::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{RemoteView, remote};
use crate::model::location::kind_of;
use crate::model::untrusted::visible;

/// A form for the login of the host that is named; it is there while one is.
#[component]
pub(super) fn HostLogin(
    /// The repository.
    shown: Shown,
    /// The host's id; empty when there is nothing to do.
    host: RwSignal<String>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    // Naming the same host again opens it again.
    Effect::new(move || open.set(host.with(|host| !host.is_empty())));
    view! {
        <HostLoginForm
            open
            heading=t::OWN_LOGIN_TITLE
            host
            kind=Signal::derive(move || shown.facts.with(|facts| kind_of(&facts.repo_url)))
            is_shared=true
            on_saved=|_| ()
        >
            <Known shown host=host.get_untracked()/>
            <p>{t::OWN_LOGIN_HELP}</p>
        </HostLoginForm>
    }
}

/// What is known of the host's login.
#[component]
fn Known(
    /// The repository.
    shown: Shown,
    /// The host's id.
    host: String,
) -> impl IntoView {
    let id = host.clone();
    let known = remote(
        move || host.clone(),
        |host_id| api::call(GetHostCredentialsRequest { host_id }),
    );
    let name = shown.hosts.with_untracked(|hosts| {
        let host = hosts.iter().find(|host| host.id == id);
        host.map(|host| visible(&host.hostname)).unwrap_or_default()
    });
    view! {
        <RemoteView of=known skeleton=|| view! { <span class="sk w4"></span> }>
            <p>
                <b>{name.clone()}</b>" "
                {move || known.with(|known| if known.host_override { t::OWN_LOGIN_SET } else { t::OWN_LOGIN_SHARED })}
                " "
                <code>{move || known.with(|known| visible(&known.repo_username))}</code>
            </p>
        </RemoteView>
    }
}
