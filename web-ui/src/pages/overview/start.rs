//! What an empty console says: the three steps to the first backup.

use leptos::prelude::*;
use leptos_router::components::A;
use proto::v1::{CreateEnrollmentTokenRequest, ListRepositoriesRequest};

use crate::api;
use crate::i18n::t;
use crate::kit::{Glyph, Icon, remote};
use crate::session::session;

#[component]
pub(super) fn Start() -> impl IntoView {
    let has_repository = remote(
        || (),
        |()| async {
            let request = ListRepositoriesRequest {
                page_size: 1,
                ..ListRepositoriesRequest::default()
            };
            Ok(api::call(request).await?.total_count > 0)
        },
    );
    let has_repository = Signal::derive(move || has_repository.with(|has| *has));
    let may = move || session().may::<CreateEnrollmentTokenRequest>();
    view! {
        <ol class="card start" aria-label=t::START>
            <li class:done=has_repository>
                <Number number=1 done=has_repository/>
                <h2>{t::START_REPOSITORY}</h2>
                <p>{t::START_REPOSITORY_TEXT}</p>
            </li>
            <li>
                <Number number=2 done=Signal::stored(false)/>
                <h2>{t::START_HOST}</h2>
                <p>{t::START_HOST_TEXT}</p>
            </li>
            <li>
                <Number number=3 done=Signal::stored(false)/>
                <h2>{t::START_BACKUP}</h2>
                <p>{t::START_BACKUP_TEXT}</p>
            </li>
        </ol>
        {move || may().then(|| view! {
            <div class="btns">
                <A href="/repositories/new" attr:class=move || primary(!has_repository.get())>
                    <Icon name="i-plus"/><span>{t::ADD_REPOSITORY}</span>
                </A>
                <A href="/hosts/add" attr:class=move || primary(has_repository.get())>
                    <Icon name="i-plus"/><span>{t::ADD_HOST}</span>
                </A>
            </div>
        })}
    }
}

/// The next step is the loud one.
fn primary(is_next: bool) -> &'static str {
    if is_next { "btn primary" } else { "btn" }
}

#[component]
fn Number(
    /// Which step.
    number: u8,
    /// Whether it is done.
    done: Signal<bool>,
) -> impl IntoView {
    move || {
        if done.get() {
            return view! { <span class="i"><Glyph name="g-done"/><span class="vh">{t::STEP_DONE}</span></span> }
                .into_any();
        }
        view! { <span class="i" aria-hidden="true">{number}</span> }.into_any()
    }
}
