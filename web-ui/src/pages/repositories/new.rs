//! `/repositories/new`: where another repository lies, and what opens it.

use domain::ErrorCode;
use domain::repository::RepositoryKind;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use proto::v1::CreateRepositoryRequest;

use super::super::action::Action;
use super::super::shell::Crumbs;
use super::super::variables::{VariableFields, Variables};
use super::crumb;
use crate::api::{self, ApiError};
use crate::browser;
use crate::i18n::t;
use crate::kit::{
    Button, Callout, CheckField, CopyButton, FormError, PasswordField, SelectField, SubmitButton, TextField, Title,
};
use crate::model::location::{help, kind_of, name, with_kind};
use crate::model::password;
use crate::model::refusal::FieldError;
use crate::model::status::Tone;

const FIELDS: &[&str] = &[
    "name",
    "repo_url",
    "repo_username",
    "repo_password",
    "backend_password",
    "kept",
];

/// What is typed.
#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    location: RwSignal<String>,
    username: RwSignal<String>,
    password: RwSignal<String>,
    login_password: RwSignal<String>,
    variables: Variables,
    /// The password that was made here; empty when none was.
    made: RwSignal<String>,
    /// Whether somebody says to have kept it.
    kept: RwSignal<bool>,
}

impl Form {
    fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            name: empty(),
            location: empty(),
            username: empty(),
            password: empty(),
            login_password: empty(),
            variables: Variables::new(),
            made: empty(),
            kept: RwSignal::new(false),
        }
    }

    /// Whether the password is one that was made here: nobody else knows it.
    fn is_made(self) -> bool {
        self.made
            .with(|made| !made.is_empty() && self.password.with(|password| password == made))
    }

    fn request(self) -> CreateRepositoryRequest {
        let kind = self.location.with_untracked(|location| kind_of(location));
        let mut request = CreateRepositoryRequest {
            name: self.name.get_untracked().trim().to_owned(),
            repo_url: self.location.get_untracked().trim().to_owned(),
            repo_password: self.password.get_untracked(),
            backend_env: self.variables.filled_in(kind),
            request_id: api::request_id(),
            ..CreateRepositoryRequest::default()
        };
        if kind.takes_login() {
            self.username
                .get_untracked()
                .trim()
                .clone_into(&mut request.repo_username);
            request.backend_password = self.login_password.get_untracked();
        }
        request
    }
}

#[component]
pub(crate) fn NewRepository() -> impl IntoView {
    Crumbs::set(|| vec![crumb()], || t::ADD_REPOSITORY.to_owned());
    let form = Form::new();
    let action = Action::new();
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if untrack(|| form.is_made()) && !form.kept.get_untracked() {
            return action.error.set(Some(not_kept()));
        }
        let navigate = navigate.clone();
        action.send(form.request(), move |repository| {
            navigate(&format!("/repositories/{}", repository.id), NavigateOptions::default());
        });
    };
    let kind = Memo::new(move |_| form.location.with(|location| kind_of(location)));
    view! {
        <header class="page-head">
            <div><Title text=t::ADD_REPOSITORY/><p class="lead">{t::ADD_REPOSITORY_LEAD}</p></div>
        </header>
        <form class="card pad form" on:submit=submit novalidate>
            <div class="form-grid">
                <SelectField
                    id="kind"
                    label=t::REPO_KIND
                    options=RepositoryKind::ALL.map(|kind| (kind.to_string(), name(kind).to_owned())).to_vec()
                    value=Signal::derive(move || kind.get().to_string())
                    on_choose=move |word| {
                        if let Ok(kind) = word.parse() {
                            form.location.update(|location| *location = with_kind(location, kind));
                        }
                    }
                />
                <TextField
                    id="name"
                    label=t::COLUMN_NAME
                    value=form.name
                    error=action.field("name")
                    help=t::REPO_NAME_HELP
                    optional=true
                />
            </div>
            <TextField
                id="repo_url"
                label=t::REPO_LOCATION
                value=form.location
                error=action.field("repo_url")
                help=Signal::derive(move || help(kind.get()).to_owned())
                mono=true
                first=true
            />
            {move || kind.get().takes_login().then(|| view! { <Login form action/> })}
            {move || view! { <VariableFields variables=form.variables kind=kind.get() error=action.error/> }}
            <Encryption form action/>
            <FormError error=action.error fields=FIELDS/>
            <div class="btns"><SubmitButton label=t::ADD_REPOSITORY busy=action.busy/></div>
        </form>
    }
}

/// Nobody has said yet to have kept the password that was made.
fn not_kept() -> ApiError {
    ApiError {
        fields: vec![FieldError {
            field: "kept".to_owned(),
            message: t::KEEP_FIRST.to_owned(),
        }],
        ..ApiError::of(ErrorCode::MissingField)
    }
}

#[component]
fn Login(
    /// What is typed.
    form: Form,
    /// Whether it was refused.
    action: Action,
) -> impl IntoView {
    view! {
        <fieldset class="part">
            <legend>{t::LOGIN}</legend>
            <div class="form-grid">
                <TextField
                    id="repo_username"
                    label=t::USERNAME
                    value=form.username
                    error=action.field("repo_username")
                    optional=true
                />
                <PasswordField
                    id="backend_password"
                    label=t::LOGIN_PASSWORD
                    value=form.login_password
                    error=action.field("backend_password")
                    help=t::LOGIN_PASSWORD_HELP
                    autocomplete="off"
                    optional=true
                />
            </div>
        </fieldset>
    }
}

#[component]
fn Encryption(
    /// What is typed.
    form: Form,
    /// Whether it was refused.
    action: Action,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let make = move || {
        let mut bytes = [0; password::BYTES];
        browser::fill_random(&mut bytes);
        if let Some(made) = password::from_random(&bytes) {
            form.password.set(made.clone());
            form.made.set(made);
            form.kept.set(false);
            shown.set(true);
        }
    };
    view! {
        <fieldset class="part">
            <legend>{t::ENCRYPTION}</legend>
            <div class="replace">
                <PasswordField
                    id="repo_password"
                    label=t::REPO_PASSWORD
                    value=form.password
                    error=action.field("repo_password")
                    help=t::ENCRYPTION_HELP
                    autocomplete="off"
                    shown
                />
                <Button label=t::GENERATE icon="i-refresh" on_press=make/>
            </div>
            {move || form.is_made().then(|| view! {
                <Callout tone=Tone::Warn glyph="g-warning" heading=t::KEEP_PASSWORD text=t::KEEP_PASSWORD_TEXT>
                    <CopyButton text=form.password label=t::COPY_PASSWORD wide=true/>
                </Callout>
                <CheckField id="kept" label=t::KEPT_PASSWORD value=form.kept error=action.field("kept")/>
            })}
        </fieldset>
    }
}
