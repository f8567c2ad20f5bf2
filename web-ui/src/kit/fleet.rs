//! The fleet at a glance: a number for each health, and what needs somebody.

use leptos::prelude::*;
use leptos_router::components::A;

use super::{Ago, Glyph, StatusBadge};
use crate::i18n::t;
use crate::model::format::count;
use crate::model::overview::{Row, Tile};

/// A number for each health, each a link to the hosts that it counts. There are always the same tiles.
#[component]
pub(crate) fn HealthTiles(
    /// The numbers.
    #[prop(into)]
    tiles: Signal<Vec<Tile>>,
) -> impl IntoView {
    let tile = move |index: usize, first: Tile| {
        let Tile { badge, href, .. } = first.clone();
        let now = Memo::new(move |_| {
            let found = tiles.with(|tiles| tiles.get(index).cloned());
            found.unwrap_or_else(|| first.clone())
        });
        let number = move || now.with(|tile| tile.count);
        let loud = if badge.is_quiet() { "" } else { badge.tone.class() };
        view! {
            <A href=href attr:class=move || if number() == 0 { "none" } else { "" }>
                <StatusBadge badge=Signal::derive(move || if number() == 0 { badge.muted() } else { badge })/>
                <span>
                    <span class=format!("n {loud}")>{move || count(number())}</span>
                    <span class="meta">
                        {move || now.with(|tile| tile.meta.clone())}
                        {move || now.with(|tile| tile.since).map(|since| view! {
                            {t::OLDEST}" "<Ago at=Signal::stored(Some(since))/>
                        })}
                    </span>
                </span>
            </A>
        }
    };
    let tiles = tiles.get_untracked().into_iter().enumerate();
    view! { <div class="card tiles">{tiles.map(|(index, first)| tile(index, first)).collect_view()}</div> }
}

/// What needs somebody: cause, host or repository, what to do, and the link to where that is done.
#[component]
pub(crate) fn AttentionList(
    /// The rows, the worst first.
    #[prop(into)]
    rows: Signal<Vec<Row>>,
) -> impl IntoView {
    let key = |row: &Row| (row.cause.clone(), row.object_href.clone());
    view! {
        <ul class="card attention">
            <For each=move || rows.get() key=key let:first>
                {
                    let wanted = key(&first);
                    let Row { cause, object, object_href, .. } = first.clone();
                    let row = Memo::new(move |_| {
                        let found = rows.with(|rows| rows.iter().find(|row| key(row) == wanted).cloned());
                        found.unwrap_or_else(|| first.clone())
                    });
                    let badge = move || row.with(|row| row.badge);
                    let text = move |read: fn(&Row) -> String| move || row.with(read);
                    view! {
                        <li>
                            <Glyph
                                name=Signal::derive(move || badge().glyph)
                                tone=Signal::derive(move || badge().tone.class())
                            />
                            <span class="cause">{cause}<span class="vh">", "{move || badge().label}</span></span>
                            <span class="obj">
                                <A href=object_href>{object}</A>
                                {move || {
                                    let more = row.with(|row| row.more.clone());
                                    (!more.is_empty()).then(|| view! { <span class="t3">" · "{more}</span> })
                                }}
                            </span>
                            <span class="detail">
                                {text(|row| row.detail.clone())}
                                {move || row.with(|row| row.since).map(|since| view! {
                                    <span class="t3">" · "{t::FIRST_SEEN}" "<Ago at=Signal::stored(Some(since))/></span>
                                })}
                            </span>
                            <span class="acts">
                                <A href=text(|row| row.fix_href.clone())>{move || row.with(|row| row.fix)}</A>
                            </span>
                        </li>
                    }
                }
            </For>
        </ul>
    }
}
