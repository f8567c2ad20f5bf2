//! gRPC-web over `fetch`: the only place that speaks to the network.

use std::collections::BTreeMap;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, Request, RequestCredentials, RequestInit, Response,
};

use super::ApiError;
use crate::model::frame::{self, Decoder, Frame};

const MEDIA_TYPE: &str = "application/grpc-web+proto";
/// What an answer without a message has in its headers instead of in its body.
const IN_HEADERS: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// An answer as it arrives. Dropping it aborts the request.
pub(super) struct Incoming {
    reader: ReadableStreamDefaultReader,
    decoder: Decoder,
    _request: Running,
}

/// A request that is aborted when it is dropped before its end.
struct Running(AbortController);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends a message and waits for the one that answers it.
pub(super) async fn exchange(path: &str, message: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut incoming = open(path, message, "").await?;
    let mut answer = None;
    loop {
        match incoming.next().await? {
            Frame::Message(message) => answer = Some(message),
            Frame::Trailers(trailers) => {
                return match ApiError::from_trailers(&trailers) {
                    Some(error) => Err(error),
                    None => answer.ok_or_else(ApiError::network),
                };
            }
        }
    }
}

/// Sends a message and waits for the beginning of the answer.
pub(super) async fn open(path: &str, message: &[u8], last_event_id: &str) -> Result<Incoming, ApiError> {
    let (running, response) = send(path, message, last_event_id).await.map_err(lost)?;
    let trailers = in_headers(&response.headers());
    if let Some(error) = trailers.and_then(|trailers| ApiError::from_trailers(&trailers)) {
        return Err(error);
    }
    let media_type = response
        .headers()
        .get("content-type")
        .ok()
        .flatten()
        .unwrap_or_default();
    let body = response
        .body()
        .filter(|_| response.ok() && media_type.starts_with("application/grpc-web"));
    // Something else than our server has answered, such as a proxy whose server is away.
    let body = body.ok_or_else(ApiError::network)?;
    let reader = body.get_reader().dyn_into().map_err(|error| lost(error.into()))?;
    Ok(Incoming {
        reader,
        decoder: Decoder::default(),
        _request: running,
    })
}

impl Incoming {
    /// The next frame. An answer that ends without its trailers was cut.
    pub(super) async fn next(&mut self) -> Result<Frame, ApiError> {
        loop {
            if let Some(frame) = self.decoder.next_frame().map_err(|_| ApiError::network())? {
                return Ok(frame);
            }
            let read = JsFuture::from(self.reader.read()).await.map_err(lost)?;
            let piece = Reflect::get(&read, &JsValue::from_str("value")).map_err(lost)?;
            let Ok(piece) = piece.dyn_into::<Uint8Array>() else {
                return Err(ApiError::network());
            };
            self.decoder.push(&piece.to_vec());
        }
    }
}

async fn send(path: &str, message: &[u8], last_event_id: &str) -> Result<(Running, Response), JsValue> {
    let headers = Headers::new()?;
    headers.set("content-type", MEDIA_TYPE)?;
    headers.set("x-grpc-web", "1")?;
    if !last_event_id.is_empty() {
        headers.set("last-event-id", last_event_id)?;
    }
    let running = Running(AbortController::new()?);
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_credentials(RequestCredentials::SameOrigin);
    init.set_signal(Some(&running.0.signal()));
    init.set_body(&Uint8Array::from(frame::encode(message).as_slice()));
    let request = Request::new_with_str_and_init(path, &init)?;
    let response = JsFuture::from(leptos::prelude::window().fetch_with_request(&request)).await?;
    Ok((running, response.dyn_into()?))
}

fn in_headers(headers: &Headers) -> Option<BTreeMap<String, String>> {
    let read = |name: &str| headers.get(name).ok().flatten();
    read(IN_HEADERS[0])?;
    let pairs = IN_HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), read(name)?)));
    Some(pairs.collect())
}

fn lost(_: JsValue) -> ApiError {
    ApiError::network()
}
