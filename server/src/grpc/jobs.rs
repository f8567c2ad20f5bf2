//! `JobService`.

use std::collections::VecDeque;

use domain::Role;
use domain::id::JobId;
use domain::job::{JobQuery, LogGap, LogLine, LogQuery, Reinit, RunJob};
use domain::page::Page;
use futures_util::stream;
use proto::v1;
use proto::v1::job_event::Event;
use proto::v1::job_service_server::JobService;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Request, Response, Status};

use super::log_chunk::LogPage;
use super::stream::{Events, while_signed_in};
use super::{Api, input, log_chunk, page_headers, refuse};
use crate::app::{Error, JobNews, WatchedJob};

/// Lines in one event.
const LINES: usize = 1000;
/// The most gaps that a header names.
const GAPS_IN_HEADER: usize = 32;

#[tonic::async_trait]
impl JobService for Api {
    async fn run_job(&self, request: Request<v1::RunJobRequest>) -> Result<Response<v1::Job>, Status> {
        let (caller, run) = input::<RunJob, _>(request)?;
        let view = self.app.run_job(&caller, run).await.map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn reinit_host_repository(
        &self,
        request: Request<v1::ReinitHostRepositoryRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let (caller, reinit) = input::<Reinit, _>(request)?;
        let view = self
            .app
            .reinit_repository(&caller, reinit)
            .await
            .map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    async fn list_host_jobs(
        &self,
        request: Request<v1::ListHostJobsRequest>,
    ) -> Result<Response<v1::ListHostJobsResponse>, Status> {
        let (caller, query) = input::<JobQuery, _>(request)?;
        let page = self.app.list_host_jobs(&caller, query).await.map_err(refuse(&caller))?;
        let Page {
            items,
            next_token,
            total,
        } = page;
        let mut response = Response::new(v1::ListHostJobsResponse {
            jobs: messages(items),
            next_page_token: next_token.clone(),
            total_count: total,
        });
        page_headers(response.metadata_mut(), &next_token, total);
        Ok(response)
    }

    async fn list_jobs(&self, request: Request<v1::ListJobsRequest>) -> Result<Response<v1::ListJobsResponse>, Status> {
        let (caller, query) = input::<JobQuery, _>(request)?;
        let page = self.app.list_jobs(&caller, query).await.map_err(refuse(&caller))?;
        let Page {
            items,
            next_token,
            total,
        } = page;
        let mut response = Response::new(v1::ListJobsResponse {
            jobs: messages(items),
            next_page_token: next_token.clone(),
            total_count: total,
        });
        page_headers(response.metadata_mut(), &next_token, total);
        Ok(response)
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Result<Response<v1::Job>, Status> {
        let (caller, id) = input::<JobId, _>(request)?;
        let (view, end) = self.app.get_job(&caller, id).await.map_err(refuse(&caller))?;
        let log_tail = log_chunk::tail(end).map_err(refuse(&caller))?;
        Ok(Response::new(v1::Job {
            log_tail: messages(log_tail),
            ..view.into()
        }))
    }

    async fn cancel_job(&self, request: Request<v1::CancelJobRequest>) -> Result<Response<v1::Job>, Status> {
        let (caller, id) = input::<JobId, _>(request)?;
        let view = self.app.cancel_job(&caller, id).await.map_err(refuse(&caller))?;
        Ok(Response::new(view.into()))
    }

    type WatchJobStream = Events<v1::JobEvent>;

    async fn watch_job(&self, request: Request<v1::WatchJobRequest>) -> Result<Response<Self::WatchJobStream>, Status> {
        let metadata = request.metadata().clone();
        let (caller, id) = input::<JobId, _>(request)?;
        let watched = self
            .app
            .watch_job(&caller, id, next_line(&metadata))
            .await
            .map_err(refuse(&caller))?;
        let told = Told {
            watched,
            waiting: VecDeque::new(),
        };
        let events = stream::try_unfold(told, |mut told| async move {
            let event = told.next().await?;
            Ok(event.map(|event| (event, told)))
        });
        Ok(Response::new(while_signed_in(
            &self.app,
            &caller,
            &metadata,
            Role::Viewer,
            events,
        )))
    }

    async fn get_job_log(&self, request: Request<v1::GetJobLogRequest>) -> Result<Response<v1::JobLogPage>, Status> {
        let (caller, query) = input::<LogQuery, _>(request)?;
        let part = self.app.read_log(&caller, query).await.map_err(refuse(&caller))?;
        let LogPage { lines, gaps, next_seq } = log_chunk::page(part).map_err(refuse(&caller))?;
        let mut metadata = MetadataMap::new();
        metadata.insert("x-next-seq", AsciiMetadataValue::from(next_seq));
        if let (false, Ok(ranges)) = (gaps.is_empty(), ranges(&gaps).parse()) {
            metadata.insert("x-log-gaps", ranges);
        }
        let mut response = Response::new(v1::JobLogPage {
            lines: messages(lines),
            next_seq,
            gaps: messages(gaps),
        });
        *response.metadata_mut() = metadata;
        Ok(response)
    }
}

/// First and last lines of gaps, for a header.
fn ranges(gaps: &[LogGap]) -> String {
    let range = |gap: &LogGap| format!("{}-{}", gap.from, gap.next_line() - 1);
    gaps.iter()
        .take(GAPS_IN_HEADER)
        .map(range)
        .collect::<Vec<_>>()
        .join(",")
}

/// A watcher of a job with the events that one piece of log makes.
struct Told {
    watched: WatchedJob,
    waiting: VecDeque<v1::JobEvent>,
}

impl Told {
    async fn next(&mut self) -> Result<Option<v1::JobEvent>, Error> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            let Some(news) = self.watched.next().await? else {
                return Ok(None);
            };
            let next = self.watched.next_line();
            match news {
                JobNews::State(view) => self.tell(next, Event::State(view.into())),
                JobNews::Progress(progress) => self.tell(next, Event::Progress(progress.into())),
                JobNews::Gap(gap) => self.tell(next, Event::Gap(gap.into())),
                JobNews::End(view) => self.tell(next, Event::End(view.into())),
                JobNews::Log { chunk, from } => self.tell_lines(log_chunk::lines_of(&chunk)?, from),
            }
        }
    }

    fn tell_lines(&mut self, mut lines: Vec<LogLine>, from: u64) {
        lines.retain(|line| line.seq >= from);
        for part in lines.chunks(LINES) {
            if let Some(last) = part.last() {
                let next = last.seq.saturating_add(1);
                self.tell(
                    next,
                    Event::Log(v1::LogLines {
                        lines: messages(part.to_vec()),
                    }),
                );
            }
        }
    }

    fn tell(&mut self, next_line: u64, event: Event) {
        self.waiting.push_back(v1::JobEvent {
            event_id: next_line.to_string(),
            event: Some(event),
        });
    }
}

/// The line behind the last event that the client has; the first line when it has none, or one that is not ours.
fn next_line(metadata: &MetadataMap) -> u64 {
    let id = metadata.get("last-event-id").and_then(|id| id.to_str().ok());
    id.and_then(|id| id.parse().ok()).unwrap_or(1)
}

fn messages<T, M: From<T>>(items: Vec<T>) -> Vec<M> {
    items.into_iter().map(Into::into).collect()
}
