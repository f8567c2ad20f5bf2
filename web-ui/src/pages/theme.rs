//! The theme of the page, for the button in the bar and the choice in the account.

use leptos::prelude::*;

use crate::browser;
use crate::i18n::t;
use crate::kit::Icon;
use crate::model::theme::Theme;

/// What is chosen.
#[derive(Clone, Copy)]
pub(super) struct Chosen(RwSignal<Theme>);

impl Chosen {
    /// Reads what this browser remembers.
    pub(super) fn provide() {
        provide_context(Self(RwSignal::new(browser::theme())));
    }

    /// The choice of this page.
    pub(super) fn here() -> Self {
        expect_context()
    }

    pub(super) fn get(self) -> Theme {
        self.0.get()
    }

    pub(super) fn set(self, theme: Theme) {
        browser::set_theme(theme);
        self.0.set(theme);
    }
}

/// Turns light to dark and back.
#[component]
pub(super) fn ThemeButton() -> impl IntoView {
    let chosen = Chosen::here();
    let is_dark = move || chosen.get().is_dark(browser::system_is_dark());
    let label = move || if is_dark() { t::THEME_LIGHT } else { t::THEME_DARK };
    let turn = move |_| chosen.set(if untrack(is_dark) { Theme::Light } else { Theme::Dark });
    view! {
        <button type="button" class="btn ghost" aria-label=label title=label on:click=turn>
            {move || view! { <Icon name=if is_dark() { "i-sun" } else { "i-moon" }/> }}
        </button>
    }
}
