//! What stands there until the server has said who is signed in.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::t;
use crate::kit::ErrorState;
use crate::session::session;

/// Shows its content once that is known, or why it cannot be.
#[component]
pub(crate) fn Opening(
    /// The console.
    children: ChildrenFn,
) -> impl IntoView {
    let session = session();
    move || match (session.known.get(), session.failed.get()) {
        (true, _) => children().into_any(),
        (false, None) => view! { <p class="vh" role="status">{t::LOADING}</p> }.into_any(),
        (false, Some(error)) => view! {
            <main class="page narrow">
                <h1>{t::PRODUCT}</h1>
                <div class="card"><ErrorState error on_retry=move || spawn_local(session.load())/></div>
            </main>
        }
        .into_any(),
    }
}
