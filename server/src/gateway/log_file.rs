//! Logs of jobs as files. They are streamed from what is stored, a piece at a time, at the reader's pace.

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use domain::id::JobId;
use domain::job::{JobView, LogLine, LogStream, Status};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use proto::v1;
use serde_json::json;

use super::problem::Problem;
use super::rest;
use crate::app::{App, Error, LogPiece, Refusal, WholeLog};
use crate::grpc::authorize::Gate;
use crate::grpc::{log_chunk, metadata, status};

/// Whoever may read the log in pages may have it as a file.
pub(super) const RPC: &str = "/restic_manager.v1.JobService/GetJobLog";

type Id = Result<Path<String>, PathRejection>;

/// A file that a log is written as.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Ndjson,
}

/// Answers `GET /api/jobs/{id}/log.txt`.
pub(super) async fn text(State(app): State<App>, id: Id, headers: HeaderMap) -> Response {
    answer(app, id, &headers, Form::Text).await
}

/// Answers `GET /api/jobs/{id}/log.ndjson`.
pub(super) async fn ndjson(State(app): State<App>, id: Id, headers: HeaderMap) -> Response {
    answer(app, id, &headers, Form::Ndjson).await
}

async fn answer(app: App, id: Id, headers: &HeaderMap, form: Form) -> Response {
    let request = metadata::read_headers(headers).origin.request;
    let response = match open(&app, id, headers).await {
        Ok(log) => file(log, form),
        Err(refusal) => Problem::new(&refusal, request, &app.settings().base_url)
            .into_response()
            .map(Body::from),
    };
    rest::with_request_id(response, request)
}

async fn open(app: &App, id: Id, headers: &HeaderMap) -> Result<WholeLog, Refusal> {
    let metadata = metadata::read_headers(headers);
    let caller = Gate::new(app.clone()).admit_parts(RPC, &metadata, None).await?;
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let id = JobId::try_from(v1::GetJobRequest { id }).map_err(|invalid| status::refusal_of_invalid(&invalid))?;
    let opened = app.open_log(&caller, id).await;
    opened.map_err(|error| status::refusal_of(&error, metadata.origin.request))
}

fn file(log: WholeLog, form: Form) -> Response {
    let (media_type, suffix) = match form {
        Form::Text => ("text/plain; charset=utf-8", "txt"),
        Form::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let name = format!("attachment; filename=\"{}.{suffix}\"", name(log.job()));
    let pieces = stream::try_unfold(Some(log), move |log| async move {
        let Some(mut log) = log else { return Ok(None) };
        let written = match log.next().await {
            Ok(Some(piece)) => form.piece(&piece).map(|text| (text, Some(log))),
            Ok(None) => Ok((form.end(log.job()), None)),
            Err(error) => Err(error),
        };
        // The file ends in the middle, and the reader's program says so.
        let written = written.inspect_err(|error| {
            tracing::error!(error = %status::chain(error), "a log could not be read to its end");
        });
        written.map(|(text, log)| Some((Bytes::from(text), log)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    for (header, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, name.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(header, value);
        }
    }
    response
}

/// What a file is called, without its ending: the host, the kind of job, its time and the beginning of its id. None of
/// these holds a character that means anything in a header.
fn name(view: &JobView) -> String {
    let JobView { job, hostname, .. } = view;
    let time: String = job
        .created_at
        .to_string()
        .chars()
        .take(19)
        .filter(|c| *c != ':')
        .collect();
    let id: String = job.id.to_string().chars().rev().take(8).collect();
    let id: String = id.chars().rev().collect();
    format!("{hostname}-{}-{time}-{id}", job.kind.as_str())
}

impl Form {
    fn piece(self, piece: &LogPiece) -> Result<String, Error> {
        let mut text = String::new();
        match (self, piece) {
            (Self::Text, LogPiece::Gap(gap)) => {
                let (first, last) = (gap.from, gap.next_line() - 1);
                text = text_mark(&format!(
                    "lines {first} to {last} are missing: the log was too long, or they were not received from the host"
                ));
            }
            (Self::Ndjson, LogPiece::Gap(gap)) => text = json_line(&json!({"gap": v1::LogGap::from(*gap)})),
            (form, LogPiece::Lines { chunk, from }) => {
                for line in log_chunk::lines_of(chunk)?.into_iter().filter(|line| line.seq >= *from) {
                    match form {
                        Self::Text => text_line(&mut text, &line),
                        Self::Ndjson => text.push_str(&json_line(&json!(v1::LogLine::from(line)))),
                    }
                }
            }
        }
        Ok(text)
    }

    fn end(self, view: &JobView) -> String {
        let has_ended = view.job.state.is_terminal();
        match self {
            Self::Text if has_ended => String::new(),
            Self::Text => text_mark("the job has not ended: this is its log so far"),
            Self::Ndjson => {
                let (status, lines) = (view.job.state.status(), view.log.lines);
                let complete = has_ended && !view.log.is_incomplete();
                json_line(&json!({"end": {
                    "status": word(status), "log_lines": lines.to_string(), "complete": complete,
                }}))
            }
        }
    }
}

/// The status as it stands in the JSON of a job.
fn word(status: Status) -> serde_json::Value {
    json!(v1::JobStatus::from(status))
}

fn text_line(text: &mut String, line: &LogLine) {
    let stream = match line.stream {
        LogStream::Stdout => "stdout",
        LogStream::Stderr => "stderr",
        LogStream::Agent => "agent",
    };
    let time = line.ts.map_or_else(|| "-".to_owned(), |ts| ts.to_string());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{time} {stream:<6} {}", line.text);
}

/// A line that is not of the log. No time stands before it, so none of the log's looks like it.
fn text_mark(words: &str) -> String {
    format!("[{words}]\n")
}

fn json_line(value: &serde_json::Value) -> String {
    format!("{value}\n")
}
