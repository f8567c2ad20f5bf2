//! What opens a repository: the everyday slot, with which hosts back up, and the admin slot.

use domain::repository::RepositoryKind;
use leptos::prelude::*;
use proto::v1::{CredentialSlot, DeleteAdminCredentialsRequest, SetAdminCredentialsRequest, SetCredentialsRequest};

use super::super::action::Action;
use super::super::variables::{VariableFields, Variables};
use super::detail::Shown;
use crate::i18n::t;
use crate::kit::{Ago, Button, ButtonKind, ConfirmDialog, FormDialog, FormError, SecretField, TextField};
use crate::model::location::kind_of;
use crate::model::untrusted::visible;
use crate::session::session;

const FIELDS: &[&str] = &["repo_username", "repo_password", "backend_password"];

/// What is typed.
#[derive(Clone, Copy)]
struct Form {
    username: RwSignal<String>,
    password: RwSignal<String>,
    login_password: RwSignal<String>,
    variables: Variables,
}

impl Form {
    fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            username: empty(),
            password: empty(),
            login_password: empty(),
            variables: Variables::new(),
        }
    }

    /// Forgets what was typed: only the user name is no secret.
    fn reset(self, held: &CredentialSlot) {
        self.username.set(held.username.clone());
        self.password.set(String::new());
        self.login_password.set(String::new());
        self.variables.clear();
    }
}

#[component]
pub(super) fn Everyday(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let may = move || session().may::<SetCredentialsRequest>();
    let held = Signal::derive(move || shown.facts.with(|facts| facts.credentials.clone().unwrap_or_default()));
    let kind = Signal::derive(move || shown.facts.with(|facts| kind_of(&facts.repo_url)));
    let send = move |form: Form| {
        let request = SetCredentialsRequest {
            id: shown.id(),
            repo_username: form.username.get_untracked().trim().to_owned(),
            repo_password: form.password.get_untracked(),
            backend_password: form.login_password.get_untracked(),
            backend_env: form.variables.filled_in(kind.get_untracked()),
        };
        action.send(request, move |repository| {
            open.set(false);
            shown.replace(repository);
        });
    };
    view! {
        <section class="card pad" aria-labelledby="h-everyday">
            <div class="card-head">
                <h2 id="h-everyday">{t::EVERYDAY}</h2>
                <span class="end">
                    {move || may().then(|| view! { <Button label=t::REPLACE on_press=move || open.set(true)/> })}
                </span>
            </div>
            <p class="t2">{t::EVERYDAY_TEXT}</p>
            <Held held kind/>
            <HeldDialog open heading=t::REPLACE_EVERYDAY help=t::CREDENTIALS_HELP held kind action on_send=send/>
        </section>
    }
}

#[component]
pub(super) fn AdminCredentials(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let (asks, removal) = (RwSignal::new(false), Action::new());
    let may = move || session().may::<SetAdminCredentialsRequest>();
    let is_set = Memo::new(move |_| shown.facts.with(|facts| facts.admin_credentials.is_some()));
    let held = Signal::derive(move || {
        shown
            .facts
            .with(|facts| facts.admin_credentials.clone().unwrap_or_default())
    });
    let kind = Signal::derive(move || shown.facts.with(|facts| kind_of(&facts.repo_url)));
    let send = move |form: Form| {
        let request = SetAdminCredentialsRequest {
            id: shown.id(),
            repo_username: form.username.get_untracked().trim().to_owned(),
            repo_password: form.password.get_untracked(),
            backend_password: form.login_password.get_untracked(),
            backend_env: form.variables.filled_in(kind.get_untracked()),
        };
        action.send(request, move |repository| {
            open.set(false);
            shown.replace(repository);
        });
    };
    let remove = move || {
        removal.send(DeleteAdminCredentialsRequest { id: shown.id() }, move |repository| {
            asks.set(false);
            shown.replace(repository);
        });
    };
    let buttons = move || {
        let set = if is_set.get() { t::REPLACE } else { t::SET };
        view! {
            {is_set.get().then(|| view! {
                <Button label=t::REMOVE kind=ButtonKind::DangerQuiet on_press=move || asks.set(true)/>
            })}
            <Button label=set on_press=move || open.set(true)/>
        }
    };
    view! {
        <section class="card pad" aria-labelledby="h-admin">
            <div class="card-head">
                <h2 id="h-admin">{t::ADMIN_SLOT}</h2>
                <span class="end">{move || may().then(buttons)}</span>
            </div>
            <p class="t2">{t::ADMIN_SLOT_TEXT}</p>
            {move || if is_set.get() {
                view! { <Held held kind/> }.into_any()
            } else {
                view! { <p class="note">{t::ADMIN_NOT_SET}</p> }.into_any()
            }}
            <HeldDialog open heading=t::SET_ADMIN help=t::ADMIN_HELP held kind action on_send=send/>
            <ConfirmDialog open=asks heading=t::REMOVE_ADMIN verb=t::REMOVE busy=removal.busy on_confirm=remove>
                <p>{t::REMOVE_ADMIN_TEXT}</p>
                <FormError error=removal.error fields=&[]/>
            </ConfirmDialog>
        </section>
    }
}

/// What is set, without any of it.
#[component]
fn Held(
    /// The slot.
    held: Signal<CredentialSlot>,
    /// The kind of the repository.
    kind: Signal<RepositoryKind>,
) -> impl IntoView {
    let whether =
        move |read: fn(&CredentialSlot) -> bool| move || if held.with(read) { t::IS_SET } else { t::IS_NOT_SET };
    let has_login = move || kind.get().takes_login() || held.with(|held| !held.username.is_empty());
    view! {
        <dl class="kv">
            <dt>{t::REPO_PASSWORD}</dt>
            <dd>{whether(|held| held.repo_password_set)}</dd>
            {move || has_login().then(|| view! {
                <dt>{t::USERNAME}</dt>
                <dd>
                    {move || held.with(|held| {
                        if held.username.is_empty() { t::IS_NOT_SET.to_owned() } else { visible(&held.username) }
                    })}
                </dd>
                <dt>{t::LOGIN_PASSWORD}</dt>
                <dd>{whether(|held| held.backend_password_set)}</dd>
            })}
            {move || (!kind.get().variables().is_empty()).then(|| view! {
                <dt>{t::VARIABLES_SET}</dt>
                <dd>
                    {move || held.with(|held| match held.backend_env_names.as_slice() {
                        [] => view! { <span>{t::IS_NOT_SET}</span> }.into_any(),
                        names => view! { <code>{visible(&names.join(" "))}</code> }.into_any(),
                    })}
                </dd>
            })}
            <dt>{t::CHANGED}</dt>
            <dd><Ago at=Signal::derive(move || held.with(|held| crate::millis!(held.updated_at)))/></dd>
        </dl>
    }
}

#[component]
fn HeldDialog(
    /// Whether it is there.
    open: RwSignal<bool>,
    /// Its heading.
    heading: &'static str,
    /// What happens with what is left empty.
    help: &'static str,
    /// What is set now.
    held: Signal<CredentialSlot>,
    /// The kind of the repository.
    kind: Signal<RepositoryKind>,
    /// Whether it was refused.
    action: Action,
    /// What happens when it is sent.
    on_send: impl Fn(Form) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let form = Form::new();
    Effect::new(move || {
        open.track();
        held.with_untracked(|held| form.reset(held));
        action.error.set(None);
    });
    view! {
        <FormDialog open heading verb=t::SAVE busy=action.busy on_submit=move || on_send(form)>
            <p>{help}</p>
            <HeldFields form held=held.get_untracked() kind=kind.get_untracked() action/>
            <FormError error=action.error fields=FIELDS/>
        </FormDialog>
    }
}

#[component]
fn HeldFields(
    /// What is typed.
    form: Form,
    /// What is set now.
    held: CredentialSlot,
    /// The kind of the repository.
    kind: RepositoryKind,
    /// Whether it was refused.
    action: Action,
) -> impl IntoView {
    let changed_at = crate::millis!(held.updated_at);
    view! {
        <SecretField
            id="repo_password"
            label=t::REPO_PASSWORD
            value=form.password
            is_set=held.repo_password_set
            changed_at
            error=action.field("repo_password")
        />
        {kind.takes_login().then(|| view! {
            <TextField
                id="repo_username"
                label=t::USERNAME
                value=form.username
                error=action.field("repo_username")
                optional=true
            />
            <SecretField
                id="backend_password"
                label=t::LOGIN_PASSWORD
                value=form.login_password
                is_set=held.backend_password_set
                changed_at
                error=action.field("backend_password")
            />
        })}
        <VariableFields variables=form.variables kind error=action.error note=t::VARIABLES_REPLACE/>
    }
}
