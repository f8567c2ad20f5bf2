//! The session has ended while somebody works: they sign in over the page, and nothing of it is lost.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use proto::v1::LoginRequest;

use super::login::SignIn;
use crate::i18n::t;
use crate::kit::{Dialog, FormError, PasswordField, SubmitButton};
use crate::session::session;

#[component]
pub(crate) fn SignInAgain() -> impl IntoView {
    let session = session();
    let password = RwSignal::new(String::new());
    let form = SignIn::new();
    let username = move || {
        session
            .who
            .with(|who| who.as_ref().map(|who| who.username.clone()).unwrap_or_default())
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        form.send(LoginRequest {
            username: username(),
            password: password.get_untracked(),
        });
    };
    Effect::new(move || {
        if !session.has_ended.get() {
            password.set(String::new());
        }
    });
    // Made anew each time: a second password field in the page would lead astray those who fill in forms.
    let fields = move || {
        view! {
            <p>{move || t::session_ended(&username())}</p>
            <form class="stack" on:submit=submit novalidate>
                <PasswordField
                    id="again-password"
                    label=t::PASSWORD
                    value=password
                    error=form.field("password")
                    autocomplete="current-password"
                    first=true
                />
                <FormError error=form.error fields=&["password"]/>
                <div class="btns">
                    <SubmitButton
                        label=Signal::derive(move || form.label(t::LOG_IN))
                        busy=form.busy
                        locked=Signal::derive(move || form.wait.get() > 0)
                    />
                </div>
            </form>
        }
    };
    view! {
        <Dialog open=session.has_ended heading=t::SESSION_ENDED must_answer=true on_leave=|| ()>
            {move || session.has_ended.get().then(fields)}
        </Dialog>
    }
}
