//! What a page says when there is nothing to show, or something to know.

use leptos::prelude::*;

use super::{Button, ButtonKind, CopyButton, Glyph};
use crate::errors::{heading, sentence};
use crate::i18n::t;
use crate::model::refusal::ApiError;
use crate::model::status::Tone;

/// Something to know, in a tone.
#[component]
pub(crate) fn Callout(
    /// How loud it is.
    tone: Tone,
    /// Its shape.
    glyph: &'static str,
    /// What it is, as a short sentence.
    #[prop(into)]
    heading: Signal<String>,
    /// What it means and what to do; may be empty.
    #[prop(into, default = Signal::stored(String::new()))]
    text: Signal<String>,
    /// Buttons and links.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class=format!("callout {}", tone.name()) role="group" aria-label=move || heading.get()>
            <Glyph name=glyph turns=tone == Tone::Run/>
            <div class="body">
                <b>{move || heading.get()}</b>
                " "
                <span class="t2">{move || text.get()}</span>
            </div>
            {children.map(|children| view! { <div class="btns">{children()}</div> })}
        </div>
    }
}

/// There is nothing yet, or nothing matches: what this is, and the one thing to do.
#[component]
pub(crate) fn EmptyState(
    /// What there is none of.
    heading: &'static str,
    /// Why, and what would change it.
    #[prop(into)]
    text: Signal<String>,
    /// Buttons and links.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h3>{heading}</h3>
            <p>{move || text.get()}</p>
            <div class="btns">{children()}</div>
        </div>
    }
}

/// Something could not be read: what happened, what to do, and what to tell whoever runs the server.
#[component]
pub(crate) fn ErrorState(
    /// Why.
    error: ApiError,
    /// What tries again.
    on_retry: impl Fn() + 'static,
) -> impl IntoView {
    let details = format!("{} {}", error.code(), error.request_id);
    view! {
        <div class="error-state" role="alert">
            <Glyph name="g-failing"/>
            <h3>{heading(&error)}</h3>
            <p>{sentence(&error)}</p>
            <div class="btns">
                <Button label=t::RETRY kind=ButtonKind::Plain icon="i-refresh" on_press=on_retry/>
            </div>
            <p class="meta copyline">
                <code>{error.code().to_owned()}</code>
                {(!error.request_id.is_empty())
                    .then(|| view! { <span>{t::REQUEST}" "<code>{error.request_id.clone()}</code></span> })}
                <CopyButton text=details label=t::COPY_DETAILS/>
            </p>
        </div>
    }
}

/// Why a form was refused, above its button. What is said at a field is not said again.
#[component]
pub(crate) fn FormError(
    /// Why.
    #[prop(into)]
    error: Signal<Option<ApiError>>,
    /// The fields that say for themselves what is wrong with them.
    fields: &'static [&'static str],
) -> impl IntoView {
    move || {
        error.get().map(|error| {
            let at_fields = error
                .fields
                .iter()
                .filter(|field| fields.contains(&field.field.as_str()))
                .count();
            let text = if at_fields > 0 && at_fields == error.fields.len() {
                t::fields_need_attention(at_fields)
            } else {
                sentence(&error)
            };
            view! {
                <p class="err" role="alert">
                    <Glyph name="g-failing"/>
                    {text}
                </p>
            }
        })
    }
}
