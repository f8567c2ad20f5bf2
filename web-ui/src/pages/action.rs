//! Something that a person asks the server to do: on the way, or refused.

use leptos::prelude::*;
use leptos::task::spawn_local;
use proto::method::Unary;
use wasm_bindgen::JsCast as _;

use crate::api::{self, ApiError};

/// One request at a time, and why the last one was refused.
#[derive(Clone, Copy)]
pub(super) struct Action {
    /// Whether it is under way.
    pub(super) busy: RwSignal<bool>,
    /// Why it was refused.
    pub(super) error: RwSignal<Option<ApiError>>,
}

impl Action {
    pub(super) fn new() -> Self {
        Self {
            busy: RwSignal::new(false),
            error: RwSignal::new(None),
        }
    }

    /// What is wrong with a field.
    pub(super) fn field(self, name: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.error.with(|error| error.as_ref()?.field(name)))
    }

    /// Sends a request unless one is under way, and goes on with its answer. A refusal leads to the first field that it is
    /// about.
    pub(super) fn send<R>(self, request: R, then: impl FnOnce(R::Answer) + 'static)
    where
        R: Unary + 'static,
    {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        spawn_local(async move {
            let outcome = api::call(request).await;
            // Whoever asked may be gone meanwhile.
            if self.busy.try_set(false).is_some() {
                return;
            }
            match outcome {
                Ok(answer) => {
                    self.error.set(None);
                    then(answer);
                }
                Err(refused) => {
                    let is_at_fields = !refused.fields.is_empty();
                    self.error.set(Some(refused));
                    if is_at_fields {
                        request_animation_frame(focus_first_invalid);
                    }
                }
            }
        });
    }
}

fn focus_first_invalid() {
    let found = document().query_selector("[aria-invalid=true]").ok().flatten();
    if let Some(field) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        // A field of the page can be focused.
        let _ = field.focus();
    }
}
