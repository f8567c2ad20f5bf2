//! `/login?next=`: name and password.

use std::time::Duration;

use domain::ErrorCode;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use proto::v1::LoginRequest;

use crate::api::{self, ApiError};
use crate::browser;
use crate::i18n::t;
use crate::kit::{FormError, Mark, PasswordField, SubmitButton, TextField, Title};
use crate::model::next_page::after_login;
use crate::session::session;

const FIELDS: &[&str] = &["username", "password"];

#[component]
pub(crate) fn Login() -> impl IntoView {
    let session = session();
    let query = use_query_map();
    let next = move || after_login(query.read_untracked().get("next").as_deref());
    let (username, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let form = SignIn::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        form.send(LoginRequest {
            username: username.get_untracked(),
            password: password.get_untracked(),
        });
    };
    move || {
        if session.needs_setup.get() {
            return view! { <Redirect path="/bootstrap"/> }.into_any();
        }
        if session.who.get().is_some() {
            return view! { <Redirect path=next()/> }.into_any();
        }
        view! {
            <div class="login">
                <main>
                    <div class="logo">
                        <Mark/>
                        <div><Title text=t::LOGIN_TITLE/><p class="t2">{browser::host()}</p></div>
                    </div>
                    <form on:submit=submit novalidate>
                        <TextField
                            id="username"
                            label=t::USERNAME
                            value=username
                            error=form.field("username")
                            autocomplete="username"
                            tall=true
                            first=true
                        />
                        <PasswordField
                            id="password"
                            label=t::PASSWORD
                            value=password
                            error=form.field("password")
                            autocomplete="current-password"
                            tall=true
                        />
                        <FormError error=form.error fields=FIELDS/>
                        <SubmitButton
                            label=Signal::derive(move || form.label(t::LOG_IN))
                            busy=form.busy
                            locked=Signal::derive(move || form.wait.get() > 0)
                            wide=true
                        />
                    </form>
                </main>
                <footer><span>{t::version()}</span></footer>
            </div>
        }
        .into_any()
    }
}

/// A form that signs somebody in: on the way, refused, or to be tried again after a while.
#[derive(Clone, Copy)]
pub(super) struct SignIn {
    pub(super) busy: RwSignal<bool>,
    pub(super) error: RwSignal<Option<ApiError>>,
    /// Seconds until another attempt may be made.
    pub(super) wait: RwSignal<u64>,
}

impl SignIn {
    pub(super) fn new() -> Self {
        Self {
            busy: RwSignal::new(false),
            error: RwSignal::new(None),
            wait: RwSignal::new(0),
        }
    }

    /// What is wrong with a field.
    pub(super) fn field(self, name: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.error.with(|error| error.as_ref()?.field(name)))
    }

    /// What the button says.
    pub(super) fn label(self, usual: &str) -> String {
        match self.wait.get() {
            0 => usual.to_owned(),
            seconds => t::again_in(seconds),
        }
    }

    /// Sends the request, unless one is under way.
    pub(super) fn send<R>(self, request: R)
    where
        R: proto::method::Unary + 'static,
    {
        if self.busy.get_untracked() || self.wait.get_untracked() > 0 {
            return;
        }
        self.busy.set(true);
        let session = session();
        spawn_local(async move {
            let outcome = match api::call(request).await {
                Ok(_) => session.signed_in().await,
                Err(error) => Err(error),
            };
            self.busy.set(false);
            self.error.set(outcome.err());
            let refused = self.error.with_untracked(|error| {
                let error = error.as_ref().filter(|error| error.is(ErrorCode::RateLimited))?;
                error.retry_after
            });
            self.count_down(refused.unwrap_or(0));
        });
    }

    fn count_down(self, seconds: u64) {
        self.wait.set(seconds);
        if seconds > 0 {
            set_timeout(move || self.count_down(seconds - 1), Duration::from_secs(1));
        }
    }
}
