//! An address that leads nowhere.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::i18n::t;
use crate::kit::Title;

#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <main class="page narrow">
            <Title text=t::NOT_FOUND/>
            <p class="t2">{t::NOT_FOUND_TEXT}</p>
            <p><A href="/hosts">{t::TO_HOSTS}</A></p>
        </main>
    }
}
