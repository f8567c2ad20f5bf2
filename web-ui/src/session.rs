//! Who is signed in.

use std::cell::RefCell;

use domain::ErrorCode;
use js_sys::{Function, Promise};
use leptos::prelude::{Get as _, GetUntracked as _, RwSignal, Set as _, expect_context};
use proto::method::Unary;
use proto::v1::{GetBootstrapStatusRequest, GetSessionRequest, LoginSession, LogoutRequest};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::api::{self, ApiError};

thread_local! {
    /// Calls that wait for somebody to sign in again.
    static WAITING: RefCell<Vec<Function>> = const { RefCell::new(Vec::new()) };
}

/// Who is signed in, as signals.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    /// The person; `None` when nobody is.
    pub(crate) who: RwSignal<Option<LoginSession>>,
    /// Whether the server has said who is signed in.
    pub(crate) known: RwSignal<bool>,
    /// Whether the first admin has to be made.
    pub(crate) needs_setup: RwSignal<bool>,
    /// Whether the session has ended while somebody works.
    pub(crate) has_ended: RwSignal<bool>,
    /// Why the server could not be asked at the start.
    pub(crate) failed: RwSignal<Option<ApiError>>,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            who: RwSignal::new(None),
            known: RwSignal::new(false),
            needs_setup: RwSignal::new(false),
            has_ended: RwSignal::new(false),
            failed: RwSignal::new(None),
        }
    }

    /// Asks the server who is signed in.
    pub(crate) async fn load(self) {
        self.failed.set(None);
        match api::call(GetSessionRequest {}).await {
            Ok(who) => self.who.set(Some(who)),
            Err(error) if error.is(ErrorCode::Unauthorized) => match api::call(GetBootstrapStatusRequest {}).await {
                Ok(status) => self.needs_setup.set(status.required),
                Err(error) => return self.failed.set(Some(error)),
            },
            Err(error) => return self.failed.set(Some(error)),
        }
        self.known.set(true);
    }

    /// Reads who has just signed in, and lets what waited for that go on.
    pub(crate) async fn signed_in(self) -> Result<(), ApiError> {
        let who = api::call(GetSessionRequest {}).await?;
        self.needs_setup.set(false);
        self.who.set(Some(who));
        self.has_ended.set(false);
        for waiting in WAITING.take() {
            // What waits is a promise's own function, which takes anything.
            let _ = waiting.call0(&JsValue::UNDEFINED);
        }
        Ok(())
    }

    /// Ends the session. Whatever the server says, nobody is signed in here afterwards.
    pub(crate) async fn sign_out(self) {
        let who = self.who.get_untracked();
        self.who.set(None);
        if let Err(error) = api::call(LogoutRequest {}).await
            && !error.is(ErrorCode::Unauthorized)
        {
            self.who.set(who);
        }
    }

    /// Asks the person to sign in again, and returns when they have.
    pub(crate) async fn sign_in_again(self) {
        self.has_ended.set(true);
        let signed_in = Promise::new(&mut |resolve, _| WAITING.with_borrow_mut(|waiting| waiting.push(resolve)));
        // It is never rejected.
        let _ = JsFuture::from(signed_in).await;
    }

    /// Whether the person may call the method of a request.
    pub(crate) fn may<R: Unary>(self) -> bool {
        self.who.get().is_some_and(|who| who.role >= R::ROLE as i32)
    }
}

/// The session of this page.
pub(crate) fn session() -> Session {
    expect_context()
}
