//! The last backups of a host as bars.

use leptos::prelude::*;

use crate::model::bars::Bars;

/// The bars; their sentence is read out.
#[component]
pub(crate) fn BackupBar(
    /// What is drawn.
    #[prop(into)]
    bars: Signal<Bars>,
    /// As wide as the room there is, instead of as wide as in a row of a table.
    #[prop(optional)]
    fluid: bool,
) -> impl IntoView {
    view! {
        <svg
            class="bars"
            class:fluid=fluid
            viewBox="0 0 178 16"
            preserveAspectRatio="none"
            role="img"
            aria-label=move || bars.get().sentence
        >
            {move || {
                bars.get()
                    .shapes
                    .into_iter()
                    .map(|shape| view! { <path class=shape.class d=shape.path></path> })
                    .collect_view()
            }}
        </svg>
    }
}
