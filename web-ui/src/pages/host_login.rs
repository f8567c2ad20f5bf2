//! The form for the login with which one host opens its repository. What is kept is never shown, so nothing is filled in.

use domain::repository::RepositoryKind;
use leptos::prelude::*;
use proto::v1::{HostCredentials, SetHostCredentialsRequest};

use super::action::Action;
use super::variables::{VariableFields, Variables};
use crate::i18n::t;
use crate::kit::{FormDialog, FormError, PasswordField, TextField};

const FIELDS: &[&str] = &["repo_username", "repo_password", "backend_password"];

#[component]
pub(super) fn HostLoginForm(
    /// Whether the form is there. What was typed is forgotten when it opens and when it closes.
    open: RwSignal<bool>,
    /// Its heading.
    heading: &'static str,
    /// The host's id.
    #[prop(into)]
    host: Signal<String>,
    /// The kind of its repository.
    #[prop(into)]
    kind: Signal<RepositoryKind>,
    /// Whether other hosts use the repository: then its password is not this host's to change.
    #[prop(into)]
    is_shared: Signal<bool>,
    /// What takes what is known afterwards.
    on_saved: impl Fn(HostCredentials) + Copy + Send + Sync + 'static,
    /// What stands above the fields.
    children: ChildrenFn,
) -> impl IntoView {
    let action = Action::new();
    let empty = || RwSignal::new(String::new());
    let (username, password, login_password) = (empty(), empty(), empty());
    let variables = Variables::new();
    Effect::new(move || {
        open.track();
        for typed in [username, password, login_password] {
            typed.set(String::new());
        }
        variables.clear();
        action.error.set(None);
    });
    let submit = move || {
        let request = SetHostCredentialsRequest {
            host_id: host.get_untracked(),
            repo_username: username.get_untracked().trim().to_owned(),
            repo_password: password.get_untracked(),
            backend_password: login_password.get_untracked(),
            backend_env: variables.filled_in(kind.get_untracked()),
            ..SetHostCredentialsRequest::default()
        };
        action.send(request, move |saved| {
            open.set(false);
            on_saved(saved);
        });
    };
    view! {
        <FormDialog open heading verb=t::SAVE busy=action.busy on_submit=submit>
            {children()}
            {move || kind.get().takes_login().then(|| view! {
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
                    value=login_password
                    error=action.field("backend_password")
                    autocomplete="off"
                    optional=true
                />
            })}
            {move || view! {
                <VariableFields variables kind=kind.get() error=action.error note=t::VARIABLES_REPLACE/>
            }}
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
