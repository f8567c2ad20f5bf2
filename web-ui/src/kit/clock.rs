//! Times: relative to now in the text, exact with the zone when somebody wants to know.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;
use crate::i18n::t;
use crate::model::format;

/// The present moment, as signals, in milliseconds since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    /// Changes every second, for what runs.
    pub(crate) second: ReadSignal<i64>,
    /// Changes every half minute, for what is long ago.
    pub(crate) slow: ReadSignal<i64>,
}

/// Starts the clock of the page.
pub(crate) fn provide_clock() {
    let (second, set_second) = signal(browser::now());
    let (slow, set_slow) = signal(browser::now());
    let tick = move || {
        let now = browser::now();
        set_second.set(now);
        if now - slow.get_untracked() >= 30_000 {
            set_slow.set(now);
        }
    };
    // The page keeps it for as long as it lives.
    if set_interval_with_handle(tick, Duration::from_secs(1)).is_ok() {
        provide_context(Clock { second, slow });
    }
}

/// How long ago something was.
#[component]
pub(crate) fn Ago(
    /// When, in milliseconds since 1970; `None` when it never was.
    #[prop(into)]
    at: Signal<Option<i64>>,
    /// What is said when it never was.
    #[prop(default = t::NEVER)]
    never: &'static str,
) -> impl IntoView {
    let clock: Clock = expect_context();
    move || match at.get() {
        Some(at) => view! {
            <time title=browser::date_time(at, true) datetime=iso(at)>
                {move || format::ago(at, clock.slow.get().max(browser::now()))}
            </time>
        }
        .into_any(),
        None => view! { <span class="t3">{never}</span> }.into_any(),
    }
}

/// When something was, with how long ago that is.
#[component]
pub(crate) fn Moment(
    /// When, in milliseconds since 1970.
    at: i64,
) -> impl IntoView {
    let clock: Clock = expect_context();
    view! {
        <time title=browser::date_time(at, true) datetime=iso(at)>
            {browser::date_time(at, false)}
            <span class="t3">" · "{move || format::ago(at, clock.slow.get().max(browser::now()))}</span>
        </time>
    }
}

fn iso(at: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "dates of the browser are floating point")]
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at as f64));
    date.to_iso_string().into()
}
