//! Commands and ids, and how they get onto the clipboard.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Icon;
use crate::browser;
use crate::i18n::t;

/// Puts a text on the clipboard and says so in place.
#[component]
pub(crate) fn CopyButton(
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// What is copied.
    label: &'static str,
    /// Whether the label is shown and not only read out.
    #[prop(optional)]
    wide: bool,
) -> impl IntoView {
    let said = RwSignal::new("");
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            said.set(if browser::copy(&text).await {
                t::COPIED
            } else {
                t::COPY_FAILED
            });
            set_timeout(move || said.set(""), Duration::from_secs(3));
        });
    };
    view! {
        <button
            type="button"
            class=if wide { "btn" } else { "btn ghost small" }
            aria-label=(!wide).then_some(label)
            title=(!wide).then_some(label)
            on:click=copy
        >
            {move || {
                let icon = if said.get().is_empty() { "i-copy" } else { "i-check" };
                view! { <Icon name=icon/> }
            }}
            {wide.then(|| view! { <span>{move || if said.get().is_empty() { label } else { said.get() }}</span> })}
        </button>
        <span class="vh" role="status">{said}</span>
    }
}

/// A command in a box of its own.
#[component]
pub(crate) fn CodeBlock(
    /// What it is, for those who do not see the box.
    label: &'static str,
    /// The command as it is shown.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="codeblock">
            <pre tabindex="0" role="region" aria-label=label><code>{move || text.get()}</code></pre>
        </div>
    }
}
