//! Where a repository lies and how large it is.

use leptos::prelude::*;
use proto::v1::{RepositoryStats, UpdateRepositoryRequest};

use super::detail::Shown;
use super::location::EditLocation;
use crate::i18n::t;
use crate::kit::{Ago, Button, CopyButton};
use crate::model::format::{bytes, count};
use crate::model::repository_view::times;
use crate::model::untrusted::{middle, visible};
use crate::session::session;

#[component]
pub(super) fn Location(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let may = move || session().may::<UpdateRepositoryRequest>();
    let location = Signal::derive(move || shown.facts.with(|facts| visible(&facts.repo_url)));
    let restic_id = Signal::derive(move || shown.facts.with(|facts| visible(&facts.restic_repository_id)));
    view! {
        <section class="card pad" aria-labelledby="h-location">
            <div class="card-head">
                <h2 id="h-location">{t::REPO_LOCATION}</h2>
                <span class="end">
                    {move || may().then(|| view! { <Button label=t::EDIT on_press=move || open.set(true)/> })}
                </span>
            </div>
            <dl class="kv">
                <dt>{t::REPO_LOCATION}</dt>
                <dd class="copyline">
                    <code>{location}</code>
                    <CopyButton text=location label=t::COPY_LOCATION/>
                </dd>
                <dt>{t::RESTIC_ID}</dt>
                <dd>
                    {move || {
                        let id = restic_id.get();
                        if id.is_empty() {
                            return view! { <span class="t3">{t::NOTHING}</span> }.into_any();
                        }
                        view! {
                            <span class="copyline">
                                <code title=id.clone()>{middle(&id, 20)}</code>
                                <CopyButton text=id label=t::COPY_RESTIC_ID/>
                            </span>
                        }
                        .into_any()
                    }}
                </dd>
            </dl>
            <EditLocation shown open/>
        </section>
    }
}

#[component]
pub(super) fn Numbers(
    /// The repository.
    shown: Shown,
    /// What jobs have counted.
    numbers: Signal<RepositoryStats>,
) -> impl IntoView {
    let line = move |label: &'static str, read: fn(&RepositoryStats) -> Option<String>| {
        view! {
            <dt>{label}</dt>
            <dd>
                {move || match numbers.with(read) {
                    Some(text) => view! { <span>{text}</span> }.into_any(),
                    None => view! { <span class="t3">{t::NOTHING}</span> }.into_any(),
                }}
            </dd>
        }
    };
    view! {
        <section class="card pad" aria-labelledby="h-numbers">
            <div class="card-head"><h2 id="h-numbers">{t::NUMBERS}</h2></div>
            <p class="run-head">
                {move || shown.facts.with(|facts| facts.raw_size.map_or_else(|| t::NOTHING.to_owned(), bytes))}
            </p>
            <dl class="kv">
                {line(t::COLUMN_SNAPSHOTS, |numbers| numbers.snapshot_count.map(count))}
                {line(t::RESTORE_SIZE, |numbers| numbers.restore_size.map(bytes))}
                {line(t::COMPRESSION, |numbers| times(numbers.compression_ratio))}
                {line(t::DEDUPLICATION, |numbers| times(numbers.dedup_ratio))}
                <dt>{t::COUNTED}</dt>
                <dd>
                    <Ago
                        at=Signal::derive(move || numbers.with(|numbers| crate::millis!(numbers.sizes_at)))
                        never=t::NOT_COUNTED
                    />
                </dd>
            </dl>
        </section>
    }
}
