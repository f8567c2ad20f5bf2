//! Buttons. One that cannot be used stays reachable and says why.

use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::{Glyph, Icon};

/// How loud a button is; a page has one primary at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ButtonKind {
    /// The one thing that the page is for.
    Primary,
    /// Any other.
    #[default]
    Plain,
    /// It ends or cuts something off.
    DangerQuiet,
}

impl ButtonKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Primary => "btn primary",
            Self::Plain => "btn",
            Self::DangerQuiet => "btn danger-quiet",
        }
    }
}

/// A button that acts.
#[component]
pub(crate) fn Button(
    /// What it does, as a verb.
    #[prop(into)]
    label: Signal<String>,
    /// What happens.
    on_press: impl Fn() + 'static,
    /// How loud it is.
    #[prop(optional)]
    kind: ButtonKind,
    /// Its icon.
    #[prop(optional)]
    icon: &'static str,
    /// Why it cannot be used now; `None` when it can.
    #[prop(into, default = Signal::stored(None))]
    refused_because: Signal<Option<String>>,
    /// Whether what it does is under way.
    #[prop(into, default = Signal::stored(false))]
    busy: Signal<bool>,
    /// What it does and to what, where the label alone does not say that; it begins with the label.
    #[prop(optional, into)]
    name: MaybeProp<String>,
    /// Whether it stands in a row of a table.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let locked = Signal::derive(move || busy.get() || refused_because.get().is_some());
    let press = move |_: MouseEvent| {
        if !locked.get_untracked() {
            on_press();
        }
    };
    view! {
        <button
            type="button"
            class=kind.class()
            class:small=small
            aria-label=move || name.get()
            aria-disabled=move || locked.get().then_some("true")
            aria-busy=move || busy.get().then_some("true")
            title=move || refused_because.get()
            on:click=press
        >
            {move || busy.get().then(|| view! { <Glyph name="g-run" turns=true/> })}
            {(!icon.is_empty()).then(|| view! { <Icon name=icon/> })}
            <span>{move || label.get()}</span>
        </button>
    }
}

/// The button of a form, which the form's own event answers.
#[component]
pub(crate) fn SubmitButton(
    /// What it does, as a verb.
    #[prop(into)]
    label: Signal<String>,
    /// Whether the form was sent and is not answered yet.
    #[prop(into)]
    busy: Signal<bool>,
    /// Whether sending is refused for now.
    #[prop(into, default = Signal::stored(false))]
    locked: Signal<bool>,
    /// Whether it is as wide as the form.
    #[prop(optional)]
    wide: bool,
    /// Whether something is lost by it.
    #[prop(optional)]
    danger: bool,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            class=if danger { "btn danger" } else { "btn primary" }
            class:tall=wide
            class:wide=wide
            aria-disabled=move || (busy.get() || locked.get()).then_some("true")
            aria-busy=move || busy.get().then_some("true")
        >
            {move || busy.get().then(|| view! { <Glyph name="g-run" turns=true/> })}
            <span>{move || label.get()}</span>
        </button>
    }
}
