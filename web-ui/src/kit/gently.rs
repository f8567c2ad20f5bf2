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
    pointer: RwSignal<bool>,
    focus: RwSignal<bool>,
    place: NodeRef<leptos::html::Div>,
}

/// Reads again when asked, and when nobody is in the way.
pub(crate) fn gently(read: impl Fn() + 'static) -> Gently {
    let gently = Gently {
        asked: RwSignal::new(false),
        due: RwSignal::new(false),
        pointer: RwSignal::new(false),
        focus: RwSignal::new(false),
        place: NodeRef::new(),
    };
    Effect::new(move || {
        if gently.due.get() && !gently.is_held() {
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
                if self.asked.try_set(false).is_none() {
                    self.look_for_focus();
                    self.due.set(true);
                }
            },
            PAUSE,
        );
    }

    fn is_held(self) -> bool {
        self.pointer.get() || self.focus.get()
    }

    /// Looks where the focus is: what had it may be gone, and then nobody says so.
    fn look_for_focus(self) {
        let active = document().active_element();
        let place = self.place.get_untracked();
        self.focus
            .set(place.is_some_and(|place| place.contains(active.as_deref())));
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
    view! {
        <div
            class="held"
            node_ref=by.place
            on:pointerenter=move |_| by.pointer.set(true)
            on:pointerleave=move |_| {
                by.pointer.set(false);
                by.look_for_focus();
            }
            on:focusin=move |_| by.focus.set(true)
            on:focusout=move |_| by.focus.set(false)
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
    let show = move |_| {
        of.pointer.set(false);
        of.focus.set(false);
    };
    let waits = Memo::new(move |_| of.due.get() && of.is_held());
    move || {
        waits.get().then(|| {
            view! {
                <button type="button" class="btn ghost small" on:click=show>
                    {t::SHOW_CHANGES}
                </button>
            }
        })
    }
}
