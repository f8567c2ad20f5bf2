//! A dialog over the page.

use std::cell::Cell;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::{Button, SubmitButton, TextField};
use crate::i18n::t;

const KEY_LEAVE: &str = "Escape";

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// Shows its content over the page while `open`. The browser keeps the focus inside, and gives it back afterwards.
#[component]
pub(crate) fn Dialog(
    /// Whether it is there.
    #[prop(into)]
    open: Signal<bool>,
    /// Its heading.
    #[prop(into)]
    heading: Signal<String>,
    /// Whether it can be left with Escape.
    #[prop(optional)]
    must_answer: bool,
    /// What happens when it is left.
    on_leave: impl Fn() + 'static,
    /// Its content.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    let id = format!("dialog-heading-{}", NUMBER.replace(NUMBER.get() + 1));
    let labelled_by = id.clone();
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
    // A browser lets one Escape leave all dialogs that nobody has opened by hand, also those below this one.
    let hold = move |event: leptos::ev::KeyboardEvent| {
        if must_answer && event.key() == KEY_LEAVE {
            event.prevent_default();
        }
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby=labelled_by on:cancel=cancel on:keydown=hold>
            <div class="body">
                <h2 id=id>{move || heading.get()}</h2>
                {children()}
            </div>
        </dialog>
    }
}

/// A form over the page. It is made anew each time, so that nothing of an earlier one stays in it.
#[component]
pub(crate) fn FormDialog(
    /// Whether it is there.
    open: RwSignal<bool>,
    /// Its heading.
    #[prop(into)]
    heading: Signal<String>,
    /// What its button does, as a verb.
    verb: &'static str,
    /// Whether the form was sent and is not answered yet.
    #[prop(into)]
    busy: Signal<bool>,
    /// What happens when it is sent.
    on_submit: impl Fn() + Clone + Send + Sync + 'static,
    /// Its fields, and why it was refused.
    children: ChildrenFn,
) -> impl IntoView {
    let form = move || {
        let on_submit = on_submit.clone();
        let submit = move |event: SubmitEvent| {
            event.prevent_default();
            if !busy.get_untracked() {
                on_submit();
            }
        };
        view! {
            <form class="stack" on:submit=submit novalidate>
                {children()}
                <div class="btns end">
                    <Button label=t::CANCEL_EDIT on_press=move || open.set(false)/>
                    <SubmitButton label=verb busy/>
                </div>
            </form>
        }
    };
    view! {
        <Dialog open heading on_leave=move || open.set(false)>
            {move || open.get().then(|| form.clone()())}
        </Dialog>
    }
}

/// Asks before something is lost or somebody is cut off. The focus begins on the way out.
#[component]
pub(crate) fn ConfirmDialog(
    /// Whether it is there.
    open: RwSignal<bool>,
    /// What it asks.
    #[prop(into)]
    heading: Signal<String>,
    /// What its button does, as a verb.
    verb: &'static str,
    /// What has to be typed first; nothing when it is empty.
    #[prop(into, default = Signal::stored(String::new()))]
    word: Signal<String>,
    /// Whether it is under way.
    #[prop(into)]
    busy: Signal<bool>,
    /// What happens when it is confirmed.
    on_confirm: impl Fn() + Clone + Send + Sync + 'static,
    /// What would be lost, and why it was refused.
    children: ChildrenFn,
) -> impl IntoView {
    let content = move || {
        let (typed, out) = (RwSignal::new(String::new()), NodeRef::<leptos::html::Button>::new());
        let wrong = Memo::new(move |_| word.with(|word| typed.with(|typed| typed.trim() != word.trim())));
        Effect::new(move || {
            if let Some(out) = out.get() {
                // A button of this page can be focused.
                let _ = out.focus();
            }
        });
        let on_confirm = on_confirm.clone();
        let confirm = move |event: SubmitEvent| {
            event.prevent_default();
            if !busy.get_untracked() && !wrong.get_untracked() {
                on_confirm();
            }
        };
        view! {
            <form class="stack" on:submit=confirm novalidate>
                {children()}
                {move || {
                    let word = word.get();
                    (!word.is_empty()).then(|| view! {
                        <TextField id="confirm-word" label=t::TYPE_TO_CONFIRM value=typed help=word mono=true/>
                    })
                }}
                <div class="btns end">
                    <button type="button" class="btn" node_ref=out on:click=move |_| open.set(false)>
                        {t::CANCEL_EDIT}
                    </button>
                    <SubmitButton label=verb busy locked=wrong danger=true/>
                </div>
            </form>
        }
    };
    view! {
        <Dialog open heading on_leave=move || open.set(false)>
            {move || open.get().then(|| content.clone()())}
        </Dialog>
    }
}
