//! A dialog over the page.

use leptos::prelude::*;

/// Shows its content over the page while `open`. The browser keeps the focus inside, and gives it back afterwards.
#[component]
pub(crate) fn Dialog(
    /// Whether it is there.
    #[prop(into)]
    open: Signal<bool>,
    /// Its heading.
    heading: &'static str,
    /// Whether it can be left with Escape.
    #[prop(optional)]
    must_answer: bool,
    /// What happens when it is left.
    on_leave: impl Fn() + 'static,
    /// Its content.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        // It is part of the page, so both are possible.
        if open.get() && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let cancel = move |event: leptos::ev::Event| {
        event.prevent_default();
        if !must_answer {
            on_leave();
        }
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="dialog-heading" on:cancel=cancel>
            <div class="body">
                <h2 id="dialog-heading">{heading}</h2>
                {children()}
            </div>
        </dialog>
    }
}
