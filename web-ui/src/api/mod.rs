//! Typed calls of the server.
//!
//! A request message belongs to one method (`proto::method`), so [`call`] and [`subscribe`] are all there is: nobody
//! writes a path or a transfer type by hand. A future that is dropped aborts its request. The session is the cookie; no
//! script sees it.

mod wire;

use std::cell::Cell;

use data_encoding::HEXLOWER;
use domain::ErrorCode;
use leptos::prelude::GetUntracked as _;
use prost::Message as _;
use proto::method::{ServerStreaming, Unary};
use proto::v1::Role;

use crate::model::frame::Frame;
pub(crate) use crate::model::refusal::ApiError;
use crate::session::Session;

thread_local! {
    static SESSION: Cell<Option<Session>> = const { Cell::new(None) };
}

/// Tells whom to ask for a new session when one has ended.
pub(crate) fn use_session(session: Session) {
    SESSION.set(Some(session));
}

/// Calls a method.
///
/// Where the session has ended meanwhile, the person is asked to sign in again over the page, and the call is repeated
/// once.
pub(crate) async fn call<R: Unary>(request: R) -> Result<R::Answer, ApiError> {
    let message = request.encode_to_vec();
    let mut answer = wire::exchange(R::PATH, &message).await;
    if answer.as_ref().is_err_and(|error| error.is(ErrorCode::Unauthorized))
        && let Some(session) = signed_in(R::ROLE)
    {
        session.sign_in_again().await;
        answer = wire::exchange(R::PATH, &message).await;
    }
    R::Answer::decode(answer?.as_slice()).map_err(|_| ApiError::network())
}

/// The session, when somebody was signed in and the method needs it.
fn signed_in(needed: Role) -> Option<Session> {
    let session = SESSION.get().filter(|_| needed != Role::Anonymous)?;
    session.who.get_untracked().map(|_| session)
}

/// Messages of a server as they come.
pub(crate) struct Subscription<T> {
    incoming: wire::Incoming,
    item: std::marker::PhantomData<T>,
}

/// Opens a stream, behind the event with this id if it is not empty.
pub(crate) async fn subscribe<R: ServerStreaming>(
    request: R,
    last_event_id: &str,
) -> Result<Subscription<R::Item>, ApiError> {
    Ok(Subscription {
        incoming: wire::open(R::PATH, &request.encode_to_vec(), last_event_id).await?,
        item: std::marker::PhantomData,
    })
}

impl<T: prost::Message + Default> Subscription<T> {
    /// The next message; `None` when the server has ended the stream well.
    pub(crate) async fn next(&mut self) -> Option<Result<T, ApiError>> {
        match self.incoming.next().await {
            Ok(Frame::Message(message)) => Some(T::decode(message.as_slice()).map_err(|_| ApiError::network())),
            Ok(Frame::Trailers(trailers)) => ApiError::from_trailers(&trailers).map(Err),
            Err(error) => Some(Err(error)),
        }
    }
}

/// A key under which a repeated request has one effect: a random UUID.
pub(crate) fn request_id() -> String {
    let mut bytes = [0_u8; 16];
    crate::browser::fill_random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
