//! The REST face: one handler in front of the generated transcoder.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use domain::ErrorCode;
use domain::id::RequestId;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use rest_over_grpc::transcoding::{HttpResponse, StreamingResponse, Transcode, TranscodeResponse};
use tokio_stream::StreamExt as _;

use super::problem::{self, Problem};
use super::routes::{self, Match, Route};
use super::{check, sse};
use crate::app::Refusal;
use crate::grpc::authorize::Gate;
use crate::grpc::metadata;

/// Largest request body.
const BODY_LIMIT: usize = 1024 * 1024;
/// A body that may come in before it is known who sends it.
const SMALL_BODY: u64 = 16 * 1024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// How long an answer that is no stream may take.
pub(super) const UNARY_DEADLINE: Duration = Duration::from_secs(30);

/// The REST face of all services.
pub(super) struct Rest<T> {
    transcoder: T,
    gate: Gate,
    base_url: String,
}

impl<T: Transcode + Send + Sync + 'static> Rest<T> {
    /// Answers with the services behind `transcoder`; `gate` is asked early only about requests that are malformed.
    pub(super) fn new(transcoder: T, gate: Gate, base_url: String) -> Arc<Self> {
        Arc::new(Self {
            transcoder,
            gate,
            base_url,
        })
    }

    /// Answers one request. The order of refusals: 404, 405, 413, then 401 and 403 before 400.
    pub(super) async fn answer(self: Arc<Self>, request: Request) -> Response {
        let id = metadata::read_headers(request.headers()).origin.request;
        self.route(request, id)
            .await
            .unwrap_or_else(|refusal| self.problem(&refusal, id))
    }

    async fn route(&self, request: Request, id: RequestId) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let route = match routes::find(&parts.method, parts.uri.path()) {
            Match::Found(route) => route,
            Match::OtherVerb(verbs) => return Ok(self.method_not_allowed(&verbs, id)),
            Match::None => return Err(Refusal::of(ErrorCode::NotFound)),
        };
        let metadata = metadata::read_headers(&parts.headers);
        // Only who may call gets to fill memory with more than a little.
        if !is_small(&body) {
            self.gate.admit_parts(&route.rpc, &metadata, None).await?;
        }
        let body = read_body(body).await?;
        if let Err(refusal) = check::check(route, parts.uri.path(), parts.uri.query(), &body) {
            self.gate.admit_parts(&route.rpc, &metadata, None).await?;
            return Err(refusal);
        }
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let headers = with_stream_encoding(route, parts.headers);
        let answer = self
            .transcoder
            .try_transcode(parts.method.as_str(), target, headers, &body);
        match tokio::time::timeout(UNARY_DEADLINE, answer).await {
            Ok(Some(TranscodeResponse::Unary(response))) => Self::unary(response, id),
            Ok(Some(TranscodeResponse::Streaming(response))) => Ok(self.streaming(response, id)),
            Ok(None) => Err(Refusal::of(ErrorCode::NotFound)),
            Err(_) => Err(Refusal::of(ErrorCode::Timeout)),
        }
    }

    fn unary(response: HttpResponse, id: RequestId) -> Result<Response, Refusal> {
        if response.status() != StatusCode::OK {
            return Err(problem::refusal_of_transcoder(response.body()));
        }
        let mut response = response.into_http().map(Body::from);
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(with_request_id(response, id))
    }

    fn streaming(&self, response: StreamingResponse, id: RequestId) -> Response {
        let (media_type, headers, frames) = response.into_parts();
        let body = if media_type.as_bytes().starts_with(sse::MEDIA_TYPE.as_bytes()) {
            Body::from_stream(sse::Events::new(frames, id, self.base_url.clone()))
        } else {
            Body::from_stream(frames.map(|frame| {
                frame
                    .map(Bytes::from)
                    .map_err(|status| std::io::Error::other(status.message().to_owned()))
            }))
        };
        let mut answer = Response::new(body);
        *answer.headers_mut() = headers;
        answer.headers_mut().insert(header::CONTENT_TYPE, media_type);
        answer
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Reverse proxies that buffer answers would hold a live log back.
        answer
            .headers_mut()
            .insert("x-accel-buffering", HeaderValue::from_static("no"));
        with_request_id(answer, id)
    }

    fn method_not_allowed(&self, verbs: &[Method], id: RequestId) -> Response {
        let mut response = self.problem(&Refusal::of(ErrorCode::MethodNotAllowed), id);
        let allow = verbs.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        if let Ok(allow) = HeaderValue::from_str(&allow) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }

    /// Writes a refusal as this face does.
    pub(super) fn problem(&self, refusal: &Refusal, id: RequestId) -> Response {
        let response = Problem::new(refusal, id, &self.base_url).into_response();
        with_request_id(response.map(Body::from), id)
    }
}

/// Whether a body says of itself that it is small; one that says nothing counts as large.
fn is_small(body: &Body) -> bool {
    body.size_hint().upper().is_some_and(|most| most <= SMALL_BODY)
}

async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    let limited = Limited::new(body, BODY_LIMIT);
    match tokio::time::timeout(BODY_DEADLINE, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::of(ErrorCode::PayloadTooLarge)),
        Ok(Err(_)) => Err(Refusal::of(ErrorCode::InvalidJson)),
        Err(_) => Err(Refusal::of(ErrorCode::Timeout)),
    }
}

/// Streams are server-sent events unless the client asks for a JSON form of them.
fn with_stream_encoding(route: &Route, mut headers: HeaderMap) -> HeaderMap {
    let asks_for_json = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/x-ndjson") || accept.contains("application/json"));
    if route.access.streaming && !asks_for_json {
        headers.insert(header::ACCEPT, HeaderValue::from_static(sse::MEDIA_TYPE));
    }
    headers
}

/// Shows the request's id, so that an operator can name it.
pub(super) fn with_request_id(mut response: Response, id: RequestId) -> Response {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
