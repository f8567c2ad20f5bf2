//! The heading of a page.

use std::cell::Cell;

use leptos::prelude::*;

use crate::browser;
use crate::i18n::t;

thread_local! {
    static NAVIGATED: Cell<bool> = const { Cell::new(false) };
}

/// The one `h1` of a page. It names the browser's tab, and takes the focus after a change of pages, so that a screen
/// reader says where one is.
#[component]
pub(crate) fn Title(
    /// What the page is about.
    #[prop(into)]
    text: Signal<String>,
    /// What the tab says, when that is not the same.
    #[prop(optional, into)]
    tab: MaybeProp<String>,
) -> impl IntoView {
    let heading = NodeRef::<leptos::html::H1>::new();
    Effect::new(move || {
        let name = tab.get().unwrap_or_else(|| text.get());
        browser::set_title(&t::tab(&name));
    });
    Effect::new(move || {
        if let Some(heading) = heading.get()
            && NAVIGATED.replace(true)
        {
            // The page has only just been made, so nobody has the focus in it.
            let _ = heading.focus();
        }
    });
    view! { <h1 tabindex="-1" node_ref=heading>{move || text.get()}</h1> }
}
