//! One of a few values that need a sentence each.

use leptos::prelude::*;

/// Cards of which one is chosen.
#[component]
pub(crate) fn RadioCards(
    /// Their name in the form.
    name: &'static str,
    /// What is chosen among.
    legend: &'static str,
    /// Values, names, and what they mean.
    options: Vec<(&'static str, &'static str, &'static str)>,
    /// The value that is chosen.
    #[prop(into)]
    value: Signal<&'static str>,
    /// What happens when another is chosen.
    on_choose: impl Fn(&'static str) + Copy + 'static,
) -> impl IntoView {
    let cards = options.into_iter().map(|(option, label, text)| {
        view! {
            <label class="radio">
                <input
                    class="vh"
                    type="radio"
                    name=name
                    value=option
                    prop:checked=move || value.get() == option
                    on:change=move |_| on_choose(option)
                />
                <b>{label}</b>
                <span>{text}</span>
            </label>
        }
    });
    view! {
        <fieldset class="choice">
            <legend class="vh">{legend}</legend>
            <div class="radios">{cards.collect_view()}</div>
        </fieldset>
    }
}
