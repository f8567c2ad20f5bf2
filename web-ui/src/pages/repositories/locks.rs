//! The locks that a repository held when a job last looked.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use proto::v1::{RepositoryLock, RepositoryStats, Role, RunJobRequest};

use super::super::action::Action;
use super::detail::Shown;
use crate::api;
use crate::i18n::t;
use crate::kit::{Ago, Button, ButtonKind, Clock, ConfirmDialog, FormError, StatusBadge};
use crate::model::repository_view::{lock_badge, usual_host};
use crate::model::untrusted::visible;
use crate::session::session;

#[component]
pub(super) fn Locks(
    /// The repository.
    shown: Shown,
    /// What jobs have found.
    numbers: Signal<RepositoryStats>,
) -> impl IntoView {
    let seen = Signal::derive(move || numbers.with(|numbers| crate::millis!(numbers.locks_at)));
    let locks = move || numbers.with(|numbers| numbers.locks.clone());
    let is_admin = move || {
        session()
            .who
            .with(|who| who.as_ref().is_some_and(|who| who.role() == Role::Admin))
    };
    let removes = Memo::new(move |_| is_admin() && numbers.with(|numbers| !numbers.locks.is_empty()));
    view! {
        <section class="section" aria-labelledby="h-locks">
            <div class="card-head">
                <h2 id="h-locks">
                    {t::LOCKS}
                    <span class="count">{move || numbers.with(|numbers| numbers.locks.len())}</span>
                </h2>
                <span class="end">
                    {move || seen.get().map(|_| view! { <span>{t::LOCKS_SEEN}" "<Ago at=seen/></span> })}
                    {move || removes.get().then(|| view! { <RemoveAll shown/> })}
                </span>
            </div>
            {move || match (seen.get(), locks()) {
                (None, _) => view! { <p class="t2">{t::LOCKS_UNKNOWN}</p> }.into_any(),
                (Some(_), locks) if locks.is_empty() => view! { <p class="t2">{t::LOCKS_NONE}</p> }.into_any(),
                (Some(_), locks) => view! {
                    <ul class="card lines">{locks.into_iter().map(|lock| view! { <Line lock/> }).collect_view()}</ul>
                }
                .into_any(),
            }}
        </section>
    }
}

#[component]
fn Line(
    /// The lock.
    lock: RepositoryLock,
) -> impl IntoView {
    let clock: Clock = expect_context();
    let since = crate::millis!(lock.since);
    let badge = Signal::derive(move || lock_badge(since.unwrap_or_default(), clock.slow.get()));
    let owner = t::lock_of(&visible(&lock.hostname), &visible(&lock.username), lock.pid);
    view! {
        <li>
            <StatusBadge badge/>
            <span class="grow">{owner}</span>
            {lock.exclusive.then(|| view! { <span class="tag">{t::LOCK_EXCLUSIVE}</span> })}
            <span class="t3"><Ago at=since/></span>
        </li>
    }
}

#[component]
fn RemoveAll(
    /// The repository.
    shown: Shown,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    let navigate = use_navigate();
    let host = Signal::derive(move || shown.hosts.with(|hosts| usual_host(hosts).map(|host| host.id.clone())));
    let because = Signal::derive(move || host.with(Option::is_none).then(|| t::WORK_NONE.to_owned()));
    let remove = move || {
        let Some(host_id) = host.get_untracked() else { return };
        let navigate = navigate.clone();
        let request = RunJobRequest {
            host_id,
            kind: "unlock".to_owned(),
            remove_all: true,
            request_id: api::request_id(),
            ..RunJobRequest::default()
        };
        action.send(request, move |job| {
            navigate(&format!("/jobs/{}", job.id), NavigateOptions::default());
        });
    };
    view! {
        <Button
            label=t::REMOVE_ALL_LOCKS
            kind=ButtonKind::DangerQuiet
            refused_because=because
            on_press=move || open.set(true)
        />
        <ConfirmDialog
            open
            heading=t::REMOVE_ALL_LOCKS
            verb=t::REMOVE_ALL_LOCKS
            word=Signal::derive(move || shown.facts.with(|facts| visible(&facts.name)))
            busy=action.busy
            on_confirm=remove
        >
            <p>{t::REMOVE_ALL_LOCKS_TEXT}</p>
            <FormError error=action.error fields=&[]/>
        </ConfirmDialog>
    }
}
