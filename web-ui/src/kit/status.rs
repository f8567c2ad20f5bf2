//! A state as shape and word.

use leptos::prelude::*;

use super::Glyph;
use crate::model::status::Badge;
use crate::model::untrusted::visible;

/// A state in a line of text or a table. What nobody has to look at is quiet.
#[component]
pub(crate) fn StatusBadge(
    /// The state.
    #[prop(into)]
    badge: Signal<Badge>,
    /// Why, in a few words; may be empty.
    #[prop(into, default = Signal::stored(String::new()))]
    why: Signal<String>,
) -> impl IntoView {
    view! {
        <span class="status" class:quiet=move || badge.get().is_quiet()>
            <Glyph
                name=Signal::derive(move || badge.get().glyph)
                tone=Signal::derive(move || badge.get().tone.class())
                turns=Signal::derive(move || badge.get().turns())
            />
            <span class="word">{move || badge.get().label}</span>
            {move || {
                let why = why.get();
                let why = visible(&why);
                let title = why.clone();
                (!why.is_empty()).then(|| view! { <span class="why" title=title>{why}</span> })
            }}
        </span>
    }
}

/// A state beside a heading.
#[component]
pub(crate) fn Pill(
    /// The state.
    #[prop(into)]
    badge: Signal<Badge>,
    /// More than the word; may be empty.
    #[prop(into, default = Signal::stored(String::new()))]
    more: Signal<String>,
) -> impl IntoView {
    view! {
        <span class=move || format!("pill {}", badge.get().tone.name())>
            <Glyph
                name=Signal::derive(move || badge.get().glyph)
                turns=Signal::derive(move || badge.get().turns())
            />
            {move || badge.get().label}
            {move || { let more = more.get(); (!more.is_empty()).then(|| format!(" {more}")) }}
        </span>
    }
}
