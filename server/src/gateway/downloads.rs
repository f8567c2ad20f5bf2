//! What hosts download: the files that install the agent, the agent itself, and its checksum.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::ErrorCode;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use tokio::io::AsyncReadExt as _;

use super::problem::Problem;
use super::rest;
use crate::app::{App, Content, Error, InstallFile, Platform, Published};
use crate::grpc::{metadata, status};

/// SHA-256 of the whole file, in hex.
const CHECKSUM: HeaderName = HeaderName::from_static("x-checksum-sha256");
/// How much of a file is in memory for each download.
const PIECE: usize = 64 * 1024;

/// Answers `GET /install/{file}`.
pub(super) async fn install_file(State(app): State<App>, request: Request) -> Response {
    // As it was sent: no name in the list needs an escape, so an escaped one is none.
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    let Some(file) = InstallFile::named(name) else {
        return refused(&app, request.headers(), &Error::refuse(ErrorCode::NotFound));
    };
    match app.install_file(file).await {
        Ok(published) => answer(request.headers(), "text/plain; charset=utf-8", published),
        Err(error) => refused(&app, request.headers(), &error),
    }
}

/// Answers `GET /agent/binary`.
pub(super) async fn agent_binary(State(app): State<App>, request: Request) -> Response {
    match agent(&app, request.uri()).await {
        Ok((name, published)) => {
            let mut response = answer(request.headers(), "application/octet-stream", published);
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
            }
            response
        }
        Err(error) => refused(&app, request.headers(), &error),
    }
}

/// Answers `GET /agent/binary.sha256`, with a line as `sha256sum` writes and checks it.
pub(super) async fn agent_checksum(State(app): State<App>, request: Request) -> Response {
    match agent(&app, request.uri()).await {
        Ok((name, published)) => (
            [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::CACHE_CONTROL, "no-cache"),
            ],
            format!("{}  {name}\n", published.sha256),
        )
            .into_response(),
        Err(error) => refused(&app, request.headers(), &error),
    }
}

async fn agent(app: &App, uri: &Uri) -> Result<(String, Published), Error> {
    let value = |name: &'static str| {
        let pairs = uri.query().unwrap_or_default().split('&');
        let mut values = pairs.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let value = values.next().filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            Error::refuse_field(
                ErrorCode::MissingField,
                name,
                format!("name the system that the agent is for with `{name}`"),
            )
        })
    };
    let (os, arch) = (value("os")?, value("arch")?);
    let platform = Platform::parse(os, arch).ok_or_else(|| {
        Error::refuse_with(
            ErrorCode::NotPublished,
            format!(
                "There is no agent for such a system. `os` is one of {}, `arch` one of {}.",
                Platform::SYSTEMS.join(", "),
                Platform::PROCESSORS.join(", ")
            ),
        )
    })?;
    Ok((platform.file_name(), app.published_agent(platform).await?))
}

/// The file, or 304 when the client has it.
fn answer(asked: &HeaderMap, media_type: &'static str, published: Published) -> Response {
    let Published { content, size, sha256 } = published;
    let tag = format!("\"{sha256}\"");
    let has_it = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match content {
            Content::BuiltIn(content) => Body::from(content),
            Content::File(file) => Body::from_stream(pieces(file)),
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        response
    };
    let headers = response.headers_mut();
    // Kept only to ask whether it is still the same: an old agent must not come from a cache.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for (name, value) in [(header::ETAG, tag), (CHECKSUM, sha256)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

fn pieces(file: std::fs::File) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
        let mut piece = bytes::BytesMut::with_capacity(PIECE);
        let read = file.read_buf(&mut piece).await?;
        Ok((read > 0).then(|| (piece.freeze(), file)))
    })
}

fn refused(app: &App, asked: &HeaderMap, error: &Error) -> Response {
    let id = metadata::read_headers(asked).origin.request;
    let refusal = status::refusal_of(error, id);
    let problem = Problem::new(&refusal, id, &app.settings().base_url);
    rest::with_request_id(problem.into_response().map(Body::from), id)
}
