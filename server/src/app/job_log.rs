//! The log of a job: in pages, and live.

use std::collections::VecDeque;
use std::time::Duration;

use domain::ErrorCode;
use domain::id::JobId;
use domain::job::{JobView, LogExtent, LogGap, LogQuery, Phase, Progress, ResultCode, Status};
use domain::session::LogChunk;

use super::jobs::known_job;
use super::{App, Caller, Error};
use crate::sessions::JobWatch;

/// How many of the last lines come with a job.
const TAIL: u32 = 200;
/// Bytes of text after which a page is full, whatever it was asked for: clients of gRPC take no more than 4 MiB at once.
const PAGE_BYTES: u64 = 2 * 1024 * 1024;
/// Chunks that are read at once.
const CHUNKS: u64 = 8;
/// How long a watcher waits for news before it looks by itself: news of another process do not arrive.
const LOOK: Duration = Duration::from_secs(2);

/// A part of a log as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// Chunks in order. The first may begin before the lines that are wanted, the last may go beyond.
    pub chunks: Vec<LogChunk>,
    /// First line wanted.
    pub from: u64,
    /// How many lines at most.
    pub limit: u32,
    /// How many bytes of text at most.
    pub bytes: u64,
    /// How much log there is.
    pub extent: LogExtent,
}

impl App {
    /// Shows a job with the end of its log. Errors: `job_not_found`.
    pub async fn get_job(&self, _: &Caller, id: JobId) -> Result<(JobView, LogPart), Error> {
        let tx = self.0.store.read().await?;
        let view = known_job(&tx, id).await?;
        let extent = view.log;
        let mut chunks = tx.log_tail(id, u64::from(TAIL)).await?;
        // The end matters, so what is too much goes from the front.
        let mut bytes: u64 = chunks.iter().map(|chunk| chunk.text_bytes).sum();
        while bytes > PAGE_BYTES && chunks.len() > 1 {
            bytes -= chunks.remove(0).text_bytes;
        }
        let lines: u64 = chunks.iter().map(|chunk| u64::from(chunk.line_count)).sum();
        let from = tail_start(&chunks, lines);
        let part = LogPart {
            chunks,
            from,
            limit: TAIL,
            bytes: PAGE_BYTES,
            extent,
        };
        Ok((self.with_latest_numbers(view), part))
    }

    /// Reads a page of a job's log. Errors: `job_not_found`, `log_expired`.
    pub async fn read_log(&self, _: &Caller, query: LogQuery) -> Result<LogPart, Error> {
        let LogQuery { job, from, limit } = query;
        let tx = self.0.store.read().await?;
        let extent = kept_log(&known_job(&tx, job).await?)?;
        let (mut chunks, mut lines, mut bytes) = (Vec::new(), 0, 0);
        let mut next = from;
        while lines < u64::from(limit) && bytes < PAGE_BYTES {
            let more = tx.log_chunks(job, next, CHUNKS).await?;
            let Some(end) = more.last().map(LogChunk::next_line) else {
                break;
            };
            for chunk in more {
                lines += chunk.next_line().saturating_sub(chunk.first_line.max(from));
                bytes += chunk.text_bytes;
                chunks.push(chunk);
            }
            next = end;
        }
        Ok(LogPart {
            chunks,
            from,
            limit,
            bytes: PAGE_BYTES,
            extent,
        })
    }

    /// Watches a job: its state, its log from line `from`, its numbers, and its end. Errors: `job_not_found`.
    pub async fn watch_job(&self, _: &Caller, id: JobId, from: u64) -> Result<WatchedJob, Error> {
        // Before the first look, or news between the two would be missed.
        let watch = self.0.sessions.watch_job(id);
        known_job(&self.0.store.read().await?, id).await?;
        Ok(WatchedJob {
            app: self.clone(),
            id,
            watch,
            next: from.max(1),
            chunks: VecDeque::new(),
            shown: None,
            shown_progress: None,
            step: Step::Look,
        })
    }
}

/// The extent of a log that is there. Errors: `log_expired`.
pub(super) fn kept_log(view: &JobView) -> Result<LogExtent, Error> {
    if view.log.removed_at.is_some() {
        return Err(Error::refuse(ErrorCode::LogExpired));
    }
    Ok(view.log)
}

/// The line at which the last [`TAIL`] of these lines begin.
fn tail_start(chunks: &[LogChunk], lines: u64) -> u64 {
    let mut skip = lines.saturating_sub(u64::from(TAIL));
    for chunk in chunks {
        let count = u64::from(chunk.line_count);
        if skip < count {
            return chunk.first_line.saturating_add(skip);
        }
        skip -= count;
    }
    1
}

/// Something that a watcher of a job is told.
#[derive(Debug)]
pub enum JobNews {
    /// The job as it is now.
    State(JobView),
    /// The latest numbers.
    Progress(Progress),
    /// More of the log: the lines of the chunk from this one on.
    Log {
        /// The lines.
        chunk: LogChunk,
        /// First line that was not told before.
        from: u64,
    },
    /// Lines that are missing here.
    Gap(LogGap),
    /// The job has ended and all was told.
    End(JobView),
}

/// A watcher of one job. It keeps no more of the log than a few chunks: who reads slowly is told later.
pub struct WatchedJob {
    app: App,
    id: JobId,
    watch: JobWatch,
    /// The next line to be told.
    next: u64,
    chunks: VecDeque<LogChunk>,
    /// What was last told of the state.
    shown: Option<Shown>,
    shown_progress: Option<Progress>,
    step: Step,
}

/// The parts of a job's state whose change is told.
type Shown = (Phase, Option<ResultCode>, bool, bool);

/// What comes next.
#[derive(Debug)]
enum Step {
    /// Look into the database.
    Look,
    /// Tell the log that was found, then look again: there may be more.
    TellLog,
    /// Wait for news.
    Wait,
    /// Nothing: the end was told.
    Ended,
}

impl WatchedJob {
    /// The number of the next line that will be told.
    pub const fn next_line(&self) -> u64 {
        self.next
    }

    /// Waits for the next thing to tell; `None` after the end. Dropping the future loses nothing.
    ///
    /// Errors: `job_not_found` when the job was removed meanwhile.
    pub async fn next(&mut self) -> Result<Option<JobNews>, Error> {
        loop {
            let news = match self.step {
                Step::Ended => return Ok(None),
                Step::TellLog => self.tell_log(),
                Step::Look => self.look().await?,
                Step::Wait => {
                    let _ = tokio::time::timeout(LOOK, self.watch.changed()).await;
                    self.step = Step::Look;
                    None
                }
            };
            if news.is_some() {
                return Ok(news);
            }
        }
    }

    async fn look(&mut self) -> Result<Option<JobNews>, Error> {
        // What is new from here on wakes the next wait.
        let pulse = self.watch.pulse();
        let tx = self.app.0.store.read().await?;
        let view = known_job(&tx, self.id).await?;
        let is_first = self.shown.is_none();
        let state = &view.job.state;
        let shown = (
            state.phase(),
            state.result_code(),
            view.job.cancel_requested.is_some(),
            view.unreachable,
        );
        let is_new = self.shown != Some(shown);
        if is_new && (is_first || !state.is_terminal()) {
            self.shown = Some(shown);
            return Ok(Some(JobNews::State(self.app.with_latest_numbers(view))));
        }
        self.chunks = tx.log_chunks(self.id, self.next, CHUNKS).await?.into();
        if !self.chunks.is_empty() {
            self.step = Step::TellLog;
            return Ok(None);
        }
        if state.is_terminal() {
            if let Some(gap) = view.log.gap_at_end(self.next) {
                self.next = gap.next_line();
                return Ok(Some(JobNews::Gap(gap)));
            }
            self.step = Step::Ended;
            return Ok(Some(JobNews::End(self.app.with_latest_numbers(view))));
        }
        self.step = Step::Wait;
        let progress = pulse.progress.filter(|_| state.status() == Status::Running);
        if progress.is_none() || progress == self.shown_progress {
            return Ok(None);
        }
        self.shown_progress.clone_from(&progress);
        Ok(progress.map(JobNews::Progress))
    }

    fn tell_log(&mut self) -> Option<JobNews> {
        let Some(chunk) = self.chunks.front() else {
            self.step = Step::Look;
            return None;
        };
        let from = self.next;
        if let Some(gap) = LogGap::before(chunk.first_line, from) {
            self.next = chunk.first_line;
            return Some(JobNews::Gap(gap));
        }
        let chunk = self.chunks.pop_front()?;
        self.next = chunk.next_line();
        Some(JobNews::Log { chunk, from })
    }
}
