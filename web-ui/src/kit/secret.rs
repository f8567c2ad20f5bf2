//! A secret that is kept somewhere: it can be set, never read.

use leptos::prelude::*;

use super::{Ago, Button, PasswordField};
use crate::i18n::t;

/// What is kept, with the way to put another in its place. Only what is typed can be shown.
#[component]
pub(crate) fn SecretField(
    /// Its id, which is its name in the request too.
    id: &'static str,
    /// What it is.
    label: &'static str,
    /// What is typed.
    value: RwSignal<String>,
    /// Whether one is kept.
    is_set: bool,
    /// When it was last changed, in milliseconds since 1970; `None` when that is not known.
    #[prop(optional_no_strip)]
    changed_at: Option<i64>,
    /// What is wrong with it.
    #[prop(into, default = Signal::stored(None))]
    error: Signal<Option<String>>,
    /// What helps to fill it in.
    #[prop(optional)]
    help: &'static str,
) -> impl IntoView {
    let replacing = RwSignal::new(!is_set);
    let keep = move || {
        value.set(String::new());
        replacing.set(false);
    };
    move || {
        if replacing.get() {
            return view! {
                <div class="replace">
                    <PasswordField id label value error help autocomplete="off" optional=true first=is_set/>
                    {is_set.then(|| view! { <Button label=t::KEEP on_press=keep/> })}
                </div>
            }
            .into_any();
        }
        view! {
            <div class="field" role="group" aria-label=label>
                <span class="label">{label}</span>
                <div class="secret">
                    <span class="bullets" aria-hidden="true">"••••••••"</span>
                    <span>{t::IS_SET}" "<Ago at=changed_at never=""/></span>
                    <Button label=t::REPLACE on_press=move || replacing.set(true)/>
                </div>
            </div>
        }
        .into_any()
    }
}
