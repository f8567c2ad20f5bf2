//! `/settings/account`: who I am, my password, and how the console looks.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use proto::v1::{ChangePasswordRequest, Role};

use super::super::action::Action;
use super::super::shell::Crumbs;
use super::super::theme::Chosen;
use super::{Head, crumb};
use crate::i18n::t;
use crate::kit::{Button, Callout, FormError, Moment, PasswordField, RadioCards, SubmitButton};
use crate::model::status::Tone;
use crate::model::theme::Theme;
use crate::model::untrusted::visible;
use crate::session::session;

const FIELDS: &[&str] = &["current_password", "new_password"];

#[component]
pub(crate) fn AccountSettings() -> impl IntoView {
    Crumbs::set(|| vec![crumb()], || t::TAB_ACCOUNT.to_owned());
    view! {
        <Head part=t::TAB_ACCOUNT/>
        <div class="g-two">
            <Who/>
            <Password/>
            <Look/>
        </div>
    }
}

#[component]
fn Who() -> impl IntoView {
    let session = session();
    let who = move || session.who.get().unwrap_or_default();
    let role = move || {
        session
            .who
            .with(|who| who.as_ref().map_or(Role::Unspecified, proto::v1::LoginSession::role))
    };
    view! {
        <section class="card pad" aria-labelledby="h-who">
            <div class="card-head"><h2 id="h-who">{t::WHO}</h2></div>
            <dl class="kv">
                <dt>{t::USERNAME}</dt>
                <dd>{move || visible(&who().username)}</dd>
                <dt>{t::ROLE}</dt>
                <dd>
                    {move || t::role(role())}
                    <span class="line t3">{move || t::role_means(role())}</span>
                </dd>
                <dt>{t::SESSION_ENDS}</dt>
                <dd>{move || crate::millis!(who().expires_at).map(|at| view! { <Moment at/> })}</dd>
            </dl>
            <div class="btns note">
                <Button label=t::LOG_OUT on_press=move || spawn_local(session.sign_out())/>
            </div>
        </section>
    }
}

#[component]
fn Password() -> impl IntoView {
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (action, is_done) = (Action::new(), RwSignal::new(false));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        is_done.set(false);
        let request = ChangePasswordRequest {
            current_password: current.get_untracked(),
            new_password: new.get_untracked(),
        };
        action.send(request, move |_| {
            current.set(String::new());
            new.set(String::new());
            is_done.set(true);
        });
    };
    let username = move || session().who.with(|who| who.as_ref().map(|who| who.username.clone()));
    view! {
        <section class="card pad" aria-labelledby="h-password">
            <div class="card-head"><h2 id="h-password">{t::CHANGE_PASSWORD}</h2></div>
            <p class="t2">{t::CHANGE_PASSWORD_HELP}</p>
            <form class="stack note" on:submit=submit novalidate>
                // For those who keep passwords: whose this one is.
                <input class="vh" type="text" autocomplete="username" tabindex="-1" aria-hidden="true" readonly prop:value=username/>
                <PasswordField
                    id="current_password"
                    label=t::CURRENT_PASSWORD
                    value=current
                    error=action.field("current_password")
                    autocomplete="current-password"
                />
                <PasswordField
                    id="new_password"
                    label=t::NEW_PASSWORD
                    value=new
                    error=action.field("new_password")
                    help=t::PASSWORD_HELP
                    autocomplete="new-password"
                />
                <FormError error=action.error fields=FIELDS/>
                <div role="status">
                    {move || is_done.get().then(|| view! {
                        <Callout tone=Tone::Ok glyph="g-ok" heading=t::PASSWORD_CHANGED text=t::PASSWORD_CHANGED_TEXT/>
                    })}
                </div>
                <div class="btns"><SubmitButton label=t::CHANGE_PASSWORD busy=action.busy/></div>
            </form>
        </section>
    }
}

#[component]
fn Look() -> impl IntoView {
    let chosen = Chosen::here();
    let options = vec![
        (Theme::System.word(), t::THEME_SYSTEM_NAME, t::THEME_SYSTEM_TEXT),
        (Theme::Light.word(), t::THEME_LIGHT_NAME, t::THEME_LIGHT_TEXT),
        (Theme::Dark.word(), t::THEME_DARK_NAME, t::THEME_DARK_TEXT),
    ];
    view! {
        <section class="card pad" aria-labelledby="h-theme">
            <div class="card-head"><h2 id="h-theme">{t::THEME}</h2></div>
            <p class="t2">{t::THEME_HELP}</p>
            <div class="note">
                <RadioCards
                    name="theme"
                    legend=t::THEME
                    options
                    value=Signal::derive(move || chosen.get().word())
                    on_choose=move |word| chosen.set(Theme::from_word(word))
                />
            </div>
        </section>
    }
}
