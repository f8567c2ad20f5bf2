//! Tabs: links, each to an address of its own.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The parts of a page that lie beside each other.
#[component]
pub(crate) fn Tabs(
    /// What they are parts of, for those who do not see them.
    label: &'static str,
    /// Their addresses and names.
    tabs: Vec<(String, &'static str)>,
) -> impl IntoView {
    let location = use_location();
    let links = tabs.into_iter().map(|(href, name)| {
        let own = href.clone();
        let is_here = move || location.pathname.with(|path| *path == own).then_some("page");
        view! { <a href=href aria-current=is_here>{name}</a> }
    });
    view! { <nav class="tabs" aria-label=label>{links.collect_view()}</nav> }
}
