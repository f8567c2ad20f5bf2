//! Fields of forms: label above, help and error below and linked.

use leptos::prelude::*;

use super::{Glyph, Icon};
use crate::i18n::t;

/// The line below a field that says what is wrong; nothing when all is well.
#[component]
fn FieldError(
    /// The id that the field refers to.
    id: String,
    /// What is wrong.
    error: Signal<Option<String>>,
) -> impl IntoView {
    move || {
        let id = id.clone();
        error.get().map(|error| {
            view! {
                <p class="err" id=id>
                    <Glyph name="g-failing"/>
                    {error}
                </p>
            }
        })
    }
}

/// The label, and whether the field may be left empty.
#[component]
fn Label(
    /// The id of the field.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// Whether it may be left empty.
    optional: bool,
) -> impl IntoView {
    view! {
        <label class="label" for=id>
            {label}
            {optional.then(|| view! { <span class="opt">{t::OPTIONAL}</span> })}
        </label>
    }
}

/// The ids that describe a field.
fn described_by(
    id: &'static str,
    has_help: impl Fn() -> bool,
    error: Signal<Option<String>>,
) -> impl Fn() -> Option<String> {
    move || {
        let error = error.get().map(|_| format!("{id}-error"));
        let help = has_help().then(|| format!("{id}-help"));
        let ids: Vec<String> = error.into_iter().chain(help).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// One line of text.
#[component]
pub(crate) fn TextField(
    /// Its id, which is its name in the request too.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// What is in it.
    value: RwSignal<String>,
    /// What is wrong with it.
    #[prop(into, default = Signal::stored(None))]
    error: Signal<Option<String>>,
    /// What helps to fill it in.
    #[prop(into, default = Signal::stored(String::new()))]
    help: Signal<String>,
    /// What the browser may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether it may be left empty.
    #[prop(optional)]
    optional: bool,
    /// Whether it is one of few on the page.
    #[prop(optional)]
    tall: bool,
    /// Whether the page opens with it.
    #[prop(optional)]
    first: bool,
    /// Whether its text is not prose.
    #[prop(optional)]
    mono: bool,
) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    if first {
        Effect::new(move || {
            if let Some(input) = input.get() {
                // A field of this page can be focused.
                let _ = input.focus();
            }
        });
    }
    view! {
        <div class="field">
            <Label id label optional/>
            <input
                node_ref=input
                class="input"
                class:tall=tall
                class:mono=mono
                id=id
                name=id
                type="text"
                autocomplete=autocomplete
                autocapitalize="off"
                spellcheck="false"
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
                aria-invalid=move || error.get().map(|_| "true")
                aria-describedby=described_by(id, move || help.with(|help| !help.is_empty()), error)
            />
            <FieldError id=format!("{id}-error") error/>
            {move || {
                let help = help.get();
                (!help.is_empty()).then(|| view! { <p class="help" id=format!("{id}-help")>{help}</p> })
            }}
        </div>
    }
}

/// Several lines of text.
#[component]
pub(crate) fn TextArea(
    /// Its id, which is its name in the request too.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// What is in it.
    value: RwSignal<String>,
    /// What is wrong with it.
    #[prop(into, default = Signal::stored(None))]
    error: Signal<Option<String>>,
    /// What helps to fill it in.
    #[prop(optional)]
    help: &'static str,
    /// Whether it may be left empty.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    view! {
        <div class="field">
            <Label id label optional/>
            <textarea
                class="input mono"
                id=id
                name=id
                rows="3"
                autocapitalize="off"
                spellcheck="false"
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
                aria-invalid=move || error.get().map(|_| "true")
                aria-describedby=described_by(id, move || !help.is_empty(), error)
            ></textarea>
            <FieldError id=format!("{id}-error") error/>
            {(!help.is_empty()).then(|| view! { <p class="help" id=format!("{id}-help")>{help}</p> })}
        </div>
    }
}

/// A password, which can be shown while it is typed.
#[component]
pub(crate) fn PasswordField(
    /// Its id, which is its name in the request too.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// What is in it.
    value: RwSignal<String>,
    /// What is wrong with it.
    #[prop(into, default = Signal::stored(None))]
    error: Signal<Option<String>>,
    /// What helps to fill it in.
    #[prop(optional)]
    help: &'static str,
    /// What the browser may fill in: `current-password`, `new-password`, or nothing.
    autocomplete: &'static str,
    /// Whether it may be left empty.
    #[prop(optional)]
    optional: bool,
    /// Whether it is one of few on the page.
    #[prop(optional)]
    tall: bool,
    /// Whether the page opens with it.
    #[prop(optional)]
    first: bool,
    /// Whether it is shown.
    #[prop(default = RwSignal::new(false))]
    shown: RwSignal<bool>,
) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    if first {
        Effect::new(move || {
            if let Some(input) = input.get() {
                // A field of this page can be focused.
                let _ = input.focus();
            }
        });
    }
    view! {
        <div class="field">
            <Label id label optional/>
            <div class="input-box">
                <input
                    node_ref=input
                    class="input"
                    class:tall=tall
                    id=id
                    name=id
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    autocapitalize="off"
                    spellcheck="false"
                    prop:value=value
                    on:input:target=move |event| value.set(event.target().value())
                    aria-invalid=move || error.get().map(|_| "true")
                    aria-describedby=described_by(id, move || !help.is_empty(), error)
                />
                <button
                    type="button"
                    class="btn ghost small in"
                    aria-pressed=move || if shown.get() { "true" } else { "false" }
                    aria-label=format!("{} {label}", t::SHOW)
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    {t::SHOW}
                </button>
            </div>
            <FieldError id=format!("{id}-error") error/>
            {(!help.is_empty()).then(|| view! { <p class="help" id=format!("{id}-help")>{help}</p> })}
        </div>
    }
}

/// Something that is so or not.
#[component]
pub(crate) fn CheckField(
    /// Its id.
    id: &'static str,
    /// What is so.
    label: &'static str,
    /// Whether it is.
    value: RwSignal<bool>,
    /// What is wrong with it.
    #[prop(into, default = Signal::stored(None))]
    error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label class="check">
                <input
                    type="checkbox"
                    id=id
                    name=id
                    prop:checked=value
                    on:change:target=move |event| value.set(event.target().checked())
                    aria-invalid=move || error.get().map(|_| "true")
                    aria-describedby=described_by(id, || false, error)
                />
                <span>{label}</span>
            </label>
            <FieldError id=format!("{id}-error") error/>
        </div>
    }
}

/// One of a few values.
#[component]
pub(crate) fn SelectField(
    /// Its id.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// Whether the label is for those only who do not see it.
    #[prop(optional)]
    hide_label: bool,
    /// The values and their names.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    /// The value that is chosen.
    #[prop(into)]
    value: Signal<String>,
    /// What happens when another is chosen.
    on_choose: impl Fn(String) + 'static,
) -> impl IntoView {
    view! {
        <div class="field">
            <label class="label" class:vh=hide_label for=id>{label}</label>
            <div class="select-box">
                <select
                    class="select"
                    id=id
                    name=id
                    prop:value=move || { options.track(); value.get() }
                    on:change:target=move |event| on_choose(event.target().value())
                >
                    <For each=move || options.get() key=|(value, _)| value.clone() let((option, name))>
                        <option
                            value=option.clone()
                            selected={ let option = option.clone(); move || value.get() == option }
                        >
                            {name}
                        </option>
                    </For>
                </select>
                <Icon name="i-down"/>
            </div>
        </div>
    }
}
