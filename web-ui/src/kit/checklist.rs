//! Steps in order, each with how far it is.

use leptos::prelude::*;

use super::Glyph;
use crate::model::enrolling::{Step, StepState};
use crate::model::untrusted::visible;

/// The list.
#[component]
pub(crate) fn Checklist(
    /// The steps.
    #[prop(into)]
    steps: Signal<Vec<Step>>,
    /// What the list is of.
    label: &'static str,
) -> impl IntoView {
    view! {
        <ol class="checklist" aria-label=label>
            {move || steps.get().into_iter().map(row).collect_view()}
        </ol>
    }
}

fn row(step: Step) -> impl IntoView {
    let (glyph, turns) = match step.state {
        StepState::Waiting => ("g-pending", false),
        StepState::Active => ("g-run", true),
        StepState::Done => ("g-done", false),
        StepState::Failed => ("g-failing", false),
    };
    view! {
        <li class=step.state.class()>
            <span class="i"><Glyph name=glyph turns=turns/></span>
            <span class="what">{step.what}<span class="vh">": "{step.state.word()}</span></span>
            {(!step.detail.is_empty()).then(|| view! { <p class="detail">{visible(&step.detail)}</p> })}
        </li>
    }
}
