//! With which login a host opens its repository. What is kept is never shown, only that it is.

use leptos::prelude::*;
use proto::v1::{
    GetHostCredentialsRequest, HostCredentials, Repository as RepositoryMessage, SetHostCredentialsRequest,
};

use super::super::action::Action;
use super::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{Ago, Button, FormDialog, FormError, PasswordField, RemoteView, SkeletonRows, TextField, remote};
use crate::model::untrusted::visible;
use crate::session::session;

const FIELDS: &[&str] = &["repo_username", "repo_password", "backend_password"];

#[component]
pub(super) fn Login(
    /// The host.
    shown: Shown,
    /// Its repository.
    facts: Signal<RepositoryMessage>,
) -> impl IntoView {
    let may = move || session().may::<GetHostCredentialsRequest>();
    move || may().then(|| view! { <Known shown facts/> })
}

#[component]
fn Known(
    /// The host.
    shown: Shown,
    /// Its repository.
    facts: Signal<RepositoryMessage>,
) -> impl IntoView {
    let known = remote(
        move || shown.id.get(),
        |host_id| api::call(GetHostCredentialsRequest { host_id }),
    );
    let open = RwSignal::new(false);
    let is_shared = Memo::new(move |_| facts.with(|facts| facts.host_count > 1));
    let text = move || match (is_shared.get(), known.with(|known| known.host_override)) {
        (false, _) => t::LOGIN_ALONE,
        (true, false) => t::OWN_LOGIN_SHARED,
        (true, true) => t::OWN_LOGIN_SET,
    };
    view! {
        <section class="card pad" aria-labelledby="h-login">
            <div class="card-head">
                <h2 id="h-login">{t::HOST_CREDENTIALS}</h2>
                <span class="end"><Button label=t::REPLACE on_press=move || open.set(true)/></span>
            </div>
            <RemoteView of=known skeleton=|| view! { <SkeletonRows rows=2 columns=2/> }>
                <p class="t2">{text}</p>
                <dl class="kv">
                    <dt>{t::USERNAME}</dt>
                    <dd>
                        {move || known.with(|known| {
                            if known.repo_username.is_empty() { t::IS_NOT_SET.to_owned() } else { visible(&known.repo_username) }
                        })}
                    </dd>
                    <dt>{t::REPO_PASSWORD}</dt>
                    <dd>{move || if known.with(|known| known.password_set) { t::IS_SET } else { t::IS_NOT_SET }}</dd>
                    <dt>{t::CHANGED}</dt>
                    <dd><Ago at=Signal::derive(move || known.with(|known| crate::millis!(known.updated_at)))/></dd>
                </dl>
            </RemoteView>
            <Replace shown open is_shared on_saved=move |saved| known.data.set(Some(saved))/>
        </section>
    }
}

#[component]
fn Replace(
    /// The host.
    shown: Shown,
    /// Whether the form is there.
    open: RwSignal<bool>,
    /// Whether other hosts use the repository: then its password is not this host's to change.
    is_shared: Memo<bool>,
    /// What takes what is known afterwards.
    on_saved: impl Fn(HostCredentials) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let action = Action::new();
    let empty = || RwSignal::new(String::new());
    let (username, password, login_password) = (empty(), empty(), empty());
    Effect::new(move || {
        open.track();
        for typed in [username, password, login_password] {
            typed.set(String::new());
        }
        action.error.set(None);
    });
    let submit = move || {
        let request = SetHostCredentialsRequest {
            host_id: shown.id.get_untracked(),
            repo_username: username.get_untracked().trim().to_owned(),
            repo_password: password.get_untracked(),
            backend_password: login_password.get_untracked(),
            ..SetHostCredentialsRequest::default()
        };
        action.send(request, move |saved| {
            open.set(false);
            on_saved(saved);
        });
    };
    view! {
        <FormDialog open heading=t::REPLACE_CREDENTIALS verb=t::SAVE busy=action.busy on_submit=submit>
            <p>{t::CREDENTIALS_HELP}</p>
            <TextField
                id="repo_username"
                label=t::REPO_USERNAME
                value=username
                error=action.field("repo_username")
                optional=true
            />
            <PasswordField
                id="backend_password"
                label=t::LOGIN_PASSWORD
                value=login_password
                error=action.field("backend_password")
                autocomplete="off"
                optional=true
            />
            {move || (!is_shared.get()).then(|| view! {
                <PasswordField
                    id="repo_password"
                    label=t::REPO_PASSWORD
                    value=password
                    error=action.field("repo_password")
                    autocomplete="off"
                    optional=true
                />
            })}
            <FormError error=action.error fields=FIELDS/>
        </FormDialog>
    }
}
