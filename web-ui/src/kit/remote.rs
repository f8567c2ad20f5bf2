//! What a page has asked the server for: loading, there, refused, or old.

use leptos::prelude::*;
use leptos::task::spawn_local_scoped_with_cancellation;

use super::{Callout, ErrorState};
use crate::browser;
use crate::i18n::t;
use crate::model::refusal::ApiError;
use crate::model::status::Tone;

/// An answer of the server, and how it is.
pub(crate) struct Remote<T: Send + Sync + 'static> {
    /// The last answer; `None` before the first.
    pub(crate) data: RwSignal<Option<T>>,
    /// Why the last attempt failed; `None` when it did not.
    pub(crate) error: RwSignal<Option<ApiError>>,
    /// Whether an answer is being waited for.
    pub(crate) loading: RwSignal<bool>,
    /// When the last answer came, in milliseconds since 1970.
    pub(crate) as_of: RwSignal<i64>,
    again: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Remote<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Remote<T> {}

impl<T: Send + Sync + 'static> Remote<T> {
    /// Asks again; what is there stays until the answer comes.
    pub(crate) fn reload(self) {
        self.again.update(|again| *again += 1);
    }

    /// Reads a part of the answer; the default before the first.
    pub(crate) fn with<U: Default>(self, read: impl FnOnce(&T) -> U) -> U {
        self.data.with(|data| data.as_ref().map(read)).unwrap_or_default()
    }

    /// Changes the answer that is there, as an event says.
    pub(crate) fn patch(self, change: impl FnOnce(&mut T)) {
        self.data.update(|data| {
            if let Some(data) = data {
                change(data);
            }
        });
    }
}

/// Asks for `wanted` whenever it changes. What was under way for an earlier one is aborted, as it is when the calling
/// component goes.
pub(crate) fn remote<W, T, F>(wanted: impl Fn() -> W + 'static, ask: impl Fn(W) -> F + Copy + 'static) -> Remote<T>
where
    W: PartialEq + 'static,
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let remote = Remote {
        data: RwSignal::new(None),
        error: RwSignal::new(None),
        loading: RwSignal::new(true),
        as_of: RwSignal::new(0),
        again: RwSignal::new(0),
    };
    Effect::new(move || {
        remote.again.track();
        let wanted = wanted();
        remote.loading.set(true);
        spawn_local_scoped_with_cancellation(async move {
            match ask(wanted).await {
                Ok(answer) => {
                    remote.data.set(Some(answer));
                    remote.error.set(None);
                    remote.as_of.set(browser::now());
                }
                Err(error) => remote.error.set(Some(error)),
            }
            remote.loading.set(false);
        });
    });
    remote
}

/// Shows what a page has asked for. The content is made once, and reads the answer as it changes.
#[component]
pub(crate) fn RemoteView<T: Send + Sync + 'static>(
    /// What was asked for.
    of: Remote<T>,
    /// What stands there before the first answer.
    #[prop(into)]
    skeleton: ViewFn,
    /// What stands there afterwards.
    children: ChildrenFn,
) -> impl IntoView {
    let is_there = Memo::new(move |_| of.data.with(Option::is_some));
    move || {
        if is_there.get() {
            let children = children.clone();
            return view! {
                {move || of.error.get().map(|_| view! { <Stale as_of=of.as_of/> })}
                {children()}
            }
            .into_any();
        }
        match of.error.get() {
            Some(error) => {
                view! { <div class="card"><ErrorState error on_retry=move || of.reload()/></div> }.into_any()
            }
            None => {
                view! { <div aria-busy="true"><span class="vh" role="status">{t::LOADING}</span>{skeleton.run()}</div> }
                    .into_any()
            }
        }
    }
}

/// Says that what is shown is old.
#[component]
fn Stale(
    /// How old.
    as_of: RwSignal<i64>,
) -> impl IntoView {
    view! {
        <Callout
            tone=Tone::Warn
            glyph="g-stale"
            heading=t::STALE_HEADING
            text=Signal::derive(move || t::stale(&browser::clock(as_of.get())))
        />
    }
}
