//! Lists that change while somebody looks at them: they are read again every two seconds at most, and never while the
//! pointer or the focus is in them, so that nothing moves away from it.

use std::time::Duration;

use leptos::prelude::*;

use crate::i18n::t;

/// The shortest time from one reading to the next.
const PAUSE: Duration = Duration::from_secs(2);

/// When a list is read again.
#[derive(Clone, Copy)]
pub(crate) struct Gently {
    asked: RwSignal<bool>,
    due: RwSignal<bool>,
    held: RwSignal<bool>,
}

/// Reads again when asked, and when nobody is in the way.
pub(crate) fn gently(read: impl Fn() + 'static) -> Gently {
    let gently = Gently {
        asked: RwSignal::new(false),
        due: RwSignal::new(false),
        held: RwSignal::new(false),
    };
    Effect::new(move || {
        if gently.due.get() && !gently.held.get() {
            gently.due.set(false);
            read();
        }
    });
    gently
}

impl Gently {
    /// Says that the list is old.
    pub(crate) fn ask(self) {
        if self.asked.get_untracked() {
            return;
        }
        self.asked.set(true);
        set_timeout(
            move || {
                // The page may be gone by then, and its signals with it.
                let _ = (self.asked.try_set(false), self.due.try_set(true));
            },
            PAUSE,
        );
    }
}

/// The list, which stays as it is while somebody is in it.
#[component]
pub(crate) fn Held(
    /// When it is read again.
    by: Gently,
    /// The list.
    children: Children,
) -> impl IntoView {
    let hold = move || by.held.set(true);
    let release = move || by.held.set(false);
    view! {
        <div
            class="held"
            on:pointerenter=move |_| hold()
            on:pointerleave=move |_| release()
            on:focusin=move |_| hold()
            on:focusout=move |_| release()
        >
            {children()}
        </div>
    }
}

/// Offers to show what has changed in a list that somebody is in.
#[component]
pub(crate) fn ShowChanges(
    /// When the list is read again.
    of: Gently,
) -> impl IntoView {
    let waits = Memo::new(move |_| of.due.get() && of.held.get());
    move || {
        waits.get().then(|| {
            view! {
                <button type="button" class="btn ghost small" on:click=move |_| of.held.set(false)>
                    {t::SHOW_CHANGES}
                </button>
            }
        })
    }
}
