//! Parts of tables.

use leptos::prelude::*;

use super::{Button, ButtonKind, Icon};
use crate::i18n::t;

/// The head of a column that the list can be sorted by.
#[component]
pub(crate) fn SortHeader(
    /// Its name.
    label: &'static str,
    /// Which way the list is sorted by it: `None` when it is sorted by another.
    #[prop(into)]
    descending: Signal<Option<bool>>,
    /// What happens when it is chosen.
    on_sort: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <th
            scope="col"
            aria-sort=move || descending.get().map(|down| if down { "descending" } else { "ascending" })
        >
            <button type="button" on:click=move |_| on_sort()>
                {label}
                {move || {
                    descending.get().map(|down| view! { <Icon name=if down { "i-sort" } else { "i-sort-up" }/> })
                }}
            </button>
        </th>
    }
}

/// Which part of a list is shown, and the way to the others.
#[component]
pub(crate) fn Pager(
    /// Which part, in words.
    #[prop(into)]
    range: Signal<String>,
    /// Whether there is a page before.
    #[prop(into)]
    has_previous: Signal<bool>,
    /// Whether there is a page behind.
    #[prop(into)]
    has_next: Signal<bool>,
    /// Goes to the page before.
    on_previous: impl Fn() + 'static,
    /// Goes to the page behind.
    on_next: impl Fn() + 'static,
) -> impl IntoView {
    let because =
        |there: Signal<bool>, why: &'static str| Signal::derive(move || (!there.get()).then(|| why.to_owned()));
    // A list of one page needs no way to others.
    let is_whole = move || !has_previous.get() && !has_next.get();
    view! {
        <div class="table-foot">
            <span role="status">{move || range.get()}</span>
            <span class="btns push" role="group" aria-label=t::PAGES hidden=is_whole>
                <Button
                    label=t::PREVIOUS
                    kind=ButtonKind::Plain
                    refused_because=because(has_previous, t::FIRST_PAGE)
                    on_press=on_previous
                />
                <Button
                    label=t::NEXT
                    kind=ButtonKind::Plain
                    refused_because=because(has_next, t::LAST_PAGE)
                    on_press=on_next
                />
            </span>
        </div>
    }
}

/// Rows that stand where others will.
#[component]
pub(crate) fn SkeletonRows(
    /// How many.
    rows: usize,
    /// How many columns.
    columns: usize,
) -> impl IntoView {
    let widths = ["w3", "w2", "w4", "w1"];
    view! {
        <div class="card table-box" aria-hidden="true">
            <table class="table">
                <tbody>
                    {(0..rows)
                        .map(|row| {
                            view! {
                                <tr>
                                    {(0..columns)
                                        .map(|column| {
                                            let width = widths[(row + column) % widths.len()];
                                            view! { <td><span class=format!("sk {width}")></span></td> }
                                        })
                                        .collect_view()}
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}
