//! With which login a host opens its repository. What is kept is never shown, only that it is.

use leptos::prelude::*;
use proto::v1::{GetHostCredentialsRequest, Repository as RepositoryMessage};

use super::super::host_login::HostLoginForm;
use super::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{Ago, Button, RemoteView, SkeletonRows, remote};
use crate::model::location::kind_of;
use crate::model::untrusted::visible;
use crate::session::session;

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
            <HostLoginForm
                open
                heading=t::REPLACE_CREDENTIALS
                host=shown.id
                kind=Signal::derive(move || facts.with(|facts| kind_of(&facts.repo_url)))
                is_shared
                on_saved=move |saved| known.data.set(Some(saved))
            >
                <p>{t::CREDENTIALS_HELP}</p>
            </HostLoginForm>
        </section>
    }
}
