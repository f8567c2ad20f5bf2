//! The one stream of changes that a tab holds, and who wants to know of them.
//!
//! Events are hints: whoever shows something has read it first, and takes an event for what is on the screen. After a gap
//! everybody reads again.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use domain::retry::Backoff;
use leptos::prelude::{Effect, Get as _, GetUntracked as _, RwSignal, Set as _, expect_context, on_cleanup};
use leptos::task::spawn_local_scoped_with_cancellation;
use proto::v1::event::Event as Change;
use proto::v1::{Resync, WatchEventsRequest};

use crate::api;
use crate::browser;
use crate::session::Session;

type Listener = Rc<dyn Fn(&Change)>;

thread_local! {
    static LISTENERS: RefCell<Vec<(u64, Listener)>> = const { RefCell::new(Vec::new()) };
}

/// How the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveState {
    /// It has not been open yet.
    Connecting,
    /// What is shown is kept up to date.
    Live,
    /// It was cut: what is shown is as old as this, in milliseconds since 1970.
    Paused { as_of: i64 },
}

/// The state of the stream, as a signal.
#[derive(Clone, Copy)]
pub(crate) struct Live(pub(crate) RwSignal<LiveState>);

/// Keeps the stream open while somebody is signed in.
pub(crate) fn start(session: Session) -> Live {
    let live = Live(RwSignal::new(LiveState::Connecting));
    Effect::new(move || {
        if session.who.get().is_some() {
            spawn_local_scoped_with_cancellation(follow(live, session));
        }
    });
    live
}

/// The state of the stream.
pub(crate) fn live() -> Live {
    expect_context()
}

/// Calls back for each change until the calling component is gone.
pub(crate) fn on_change(listener: impl Fn(&Change) + 'static) {
    let id = LISTENERS.with_borrow_mut(|listeners| {
        let id = listeners.last().map_or(0, |(id, _)| id + 1);
        listeners.push((id, Rc::new(listener)));
        id
    });
    on_cleanup(move || LISTENERS.with_borrow_mut(|listeners| listeners.retain(|(other, _)| *other != id)));
}

async fn follow(live: Live, session: Session) {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
    let mut last = String::new();
    // Somebody has signed in again: what happened meanwhile is not known.
    let mut has_gap = live.0.get_untracked() != LiveState::Connecting;
    loop {
        if let Ok(mut changes) = api::subscribe(WatchEventsRequest {}, &last).await {
            live.0.set(LiveState::Live);
            if last.is_empty() && has_gap {
                tell(&Change::Resync(Resync {}));
            }
            has_gap = true;
            backoff.reset();
            while let Some(Ok(event)) = changes.next().await {
                last = event.event_id;
                if let Some(change) = event.event {
                    tell(&change);
                }
            }
        } else if session.has_ended.get_untracked() {
            session.sign_in_again().await;
        }
        if live.0.get_untracked() == LiveState::Live {
            let as_of = browser::now();
            live.0.set(LiveState::Paused { as_of });
        }
        pause(backoff.next_wait(browser::random())).await;
    }
}

fn tell(change: &Change) {
    // They may come and go while they are called.
    let listeners = LISTENERS.with_borrow(|listeners| {
        listeners
            .iter()
            .map(|(_, listener)| listener.clone())
            .collect::<Vec<_>>()
    });
    for listener in listeners {
        listener(change);
    }
}

/// Waits.
pub(crate) async fn pause(time: Duration) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        leptos::prelude::set_timeout(
            move || {
                // A promise's own function takes anything.
                let _ = resolve.call0(&wasm_bindgen::JsValue::UNDEFINED);
            },
            time,
        );
    });
    // It is never rejected.
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
