//! The way back through a list whose server only knows the way forward.

use std::cell::RefCell;
use std::collections::HashMap;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::i18n::t;
use crate::kit::Pager;
use crate::model::format::count;
use crate::model::list_page::ListPage;

thread_local! {
    /// The address before each address that was reached from it.
    static BEFORE: RefCell<HashMap<String, String>> = RefCell::default();
}

/// What a page of a list holds, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shown {
    /// Rows on this page.
    pub(super) rows: usize,
    /// Rows in all.
    pub(super) total: u64,
    /// The server's token of the next page; empty on the last.
    pub(super) next: String,
}

/// The foot of a list.
#[component]
pub(super) fn ListPager(
    /// Which page is shown.
    page: Memo<ListPage>,
    /// How many rows a page has.
    page_size: u32,
    /// What it holds.
    #[prop(into)]
    shown: Signal<Shown>,
    /// The address of a page of this list.
    address: impl Fn(&ListPage) -> String + Copy + 'static,
) -> impl IntoView {
    let navigate = use_navigate();
    let range = move || {
        let (rows, total) = shown.with(|shown| (shown.rows as u64, shown.total));
        let first = page.with(|page| page.first_row(page_size));
        t::range(&count(first), &count(first + rows.saturating_sub(1)), &count(total))
    };
    let back = {
        let navigate = navigate.clone();
        move || {
            let here = page.with_untracked(address);
            // After a jump into the middle of the list nobody knows the page before: its token is the server's.
            let before = BEFORE.with_borrow(|before| before.get(&here).cloned());
            let before = before.unwrap_or_else(|| address(&ListPage::default()));
            navigate(&before, NavigateOptions::default());
        }
    };
    let on = move || {
        let here = page.get_untracked();
        let there = address(&here.next(&shown.with_untracked(|shown| shown.next.clone())));
        BEFORE.with_borrow_mut(|before| before.insert(there.clone(), address(&here)));
        navigate(&there, NavigateOptions::default());
    };
    view! {
        <Pager
            range=Signal::derive(range)
            has_previous=Signal::derive(move || page.with(|page| page.number > 1))
            has_next=Signal::derive(move || shown.with(|shown| !shown.next.is_empty()))
            on_previous=back
            on_next=on
        />
    }
}
