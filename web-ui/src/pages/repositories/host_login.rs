//! The login that one host has for itself at a repository that it shares.

use leptos::prelude::*;
use proto::v1::{GetHostCredentialsRequest, SetHostCredentialsRequest};

use super::super::action::Action;
use super::detail::Shown;
use super::variables::{VariableFields, Variables};
use crate::api;
use crate::i18n::t;
use crate::kit::{FormDialog, FormError, PasswordField, RemoteView, TextField, remote};
use crate::model::location::kind_of;
use crate::model::untrusted::visible;

const FIELDS: &[&str] = &["repo_username", "backend_password"];

/// A form for the login of the host that is named; it is there while one is.
#[component]
pub(super) fn HostLogin(
    /// The repository.
    shown: Shown,
    /// The host's id; empty when there is nothing to do.
    host: RwSignal<String>,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let (username, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let variables = Variables::new();
    Effect::new(move || {
        let is_asked = host.with(|host| !host.is_empty());
        username.set(String::new());
        password.set(String::new());
        variables.clear();
        action.error.set(None);
        open.set(is_asked);
    });
    let kind = move || shown.facts.with(|facts| kind_of(&facts.repo_url));
    let submit = move || {
        let request = SetHostCredentialsRequest {
            host_id: host.get_untracked(),
            repo_username: username.get_untracked().trim().to_owned(),
            backend_password: password.get_untracked(),
            backend_env: variables.filled_in(untrack(kind)),
            ..SetHostCredentialsRequest::default()
        };
        action.send(request, move |_| open.set(false));
    };
    view! {
        <FormDialog open heading=t::OWN_LOGIN_TITLE verb=t::SAVE busy=action.busy on_submit=submit>
            <Known shown host=host.get_untracked()/>
            <p>{t::OWN_LOGIN_HELP}</p>
            {move || kind().takes_login().then(|| view! {
                <TextField
                    id="repo_username"
                    label=t::USERNAME
                    value=username
                    error=action.field("repo_username")
                    optional=true
                />
                <PasswordField
                    id="backend_password"
                    label=t::LOGIN_PASSWORD
                    value=password
                    error=action.field("backend_password")
                    autocomplete="off"
                    optional=true
                />
            })}
            {move || view! {
                <VariableFields variables kind=kind() error=action.error note=t::VARIABLES_REPLACE/>
            }}
            <FormError error=action.error fields=FIELDS/>
        </FormDialog>
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
