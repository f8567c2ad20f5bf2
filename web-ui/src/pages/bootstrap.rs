//! `/bootstrap`: the first admin. It is there only until there is one.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::components::Redirect;
use proto::v1::BootstrapRequest;

use super::login::SignIn;
use crate::browser;
use crate::i18n::t;
use crate::kit::{FormError, Mark, PasswordField, SubmitButton, TextField, Title};
use crate::session::session;

const FIELDS: &[&str] = &["token", "username", "password"];

#[component]
pub(crate) fn Bootstrap() -> impl IntoView {
    let session = session();
    let (token, username) = (RwSignal::new(String::new()), RwSignal::new(t::FIRST_ADMIN.to_owned()));
    let password = RwSignal::new(String::new());
    let form = SignIn::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        form.send(BootstrapRequest {
            token: token.get_untracked().trim().to_owned(),
            username: username.get_untracked(),
            password: password.get_untracked(),
        });
    };
    move || {
        if !session.needs_setup.get() {
            return view! { <Redirect path=if session.who.get().is_some() { "/" } else { "/login" }/> }.into_any();
        }
        view! {
            <div class="login">
                <main>
                    <div class="logo">
                        <Mark/>
                        <div><Title text=t::SETUP_TITLE/><p class="t2">{t::setup_text(&browser::host())}</p></div>
                    </div>
                    <form on:submit=submit novalidate>
                        <TextField
                            id="token"
                            label=t::SETUP_TOKEN
                            value=token
                            error=form.field("token")
                            help=t::SETUP_TOKEN_HELP
                            tall=true
                            first=true
                            mono=true
                        />
                        <TextField
                            id="username"
                            label=t::USERNAME
                            value=username
                            error=form.field("username")
                            autocomplete="username"
                            tall=true
                        />
                        <PasswordField
                            id="password"
                            label=t::PASSWORD
                            value=password
                            error=form.field("password")
                            help=t::PASSWORD_HELP
                            autocomplete="new-password"
                            tall=true
                        />
                        <FormError error=form.error fields=FIELDS/>
                        <SubmitButton
                            label=Signal::derive(move || form.label(t::SETUP_CREATE))
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
