//! Shapes from the sprite. The word beside them carries the meaning.

use leptos::prelude::*;

use crate::browser;

/// A 12 px shape of a state.
#[component]
pub(crate) fn Glyph(
    /// Its id in the sprite.
    #[prop(into)]
    name: Signal<&'static str>,
    /// The class of its tone.
    #[prop(into, default = Signal::stored(""))]
    tone: Signal<&'static str>,
    /// Whether it turns.
    #[prop(into, default = Signal::stored(false))]
    turns: Signal<bool>,
) -> impl IntoView {
    let sprite = browser::sprite();
    view! {
        <svg class=move || format!("glyph {}", tone.get()) class:turn=turns aria-hidden="true">
            <use href=move || format!("{sprite}#{}", name.get())></use>
        </svg>
    }
}

/// A 16 px icon.
#[component]
pub(crate) fn Icon(
    /// Its id in the sprite.
    name: &'static str,
) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=format!("{}#{name}", browser::sprite())></use>
        </svg>
    }
}

/// The mark of the product.
#[component]
pub(crate) fn Mark() -> impl IntoView {
    view! {
        <svg aria-hidden="true">
            <use href=format!("{}#mark", browser::sprite())></use>
        </svg>
    }
}
