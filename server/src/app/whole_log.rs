//! The whole log of a job, piece by piece.

use std::collections::VecDeque;

use domain::id::JobId;
use domain::job::{JobView, LogGap};
use domain::session::LogChunk;

use super::job_log::kept_log;
use super::jobs::known_job;
use super::{App, Caller, Error};

/// Chunks that are read at once.
const CHUNKS: u64 = 4;

/// A piece of a log.
#[derive(Debug)]
pub enum LogPiece {
    /// The lines of the chunk from this one on.
    Lines {
        /// The lines.
        chunk: LogChunk,
        /// First line that was not given before.
        from: u64,
    },
    /// Lines that are missing here.
    Gap(LogGap),
}

/// Reads the log of a job from its first line to the last one that was there when it was opened. It holds no more than a few
/// chunks at a time.
pub struct WholeLog {
    app: App,
    job: JobView,
    /// The next line to be given.
    next: u64,
    chunks: VecDeque<LogChunk>,
}

impl App {
    /// Opens the log of a job, be it at work or ended. Errors: `job_not_found`, `log_expired`.
    pub async fn open_log(&self, _: &Caller, id: JobId) -> Result<WholeLog, Error> {
        let job = known_job(&self.0.store.read().await?, id).await?;
        kept_log(&job)?;
        Ok(WholeLog {
            app: self.clone(),
            job,
            next: 1,
            chunks: VecDeque::new(),
        })
    }
}

impl WholeLog {
    /// The job as it was when its log was opened.
    pub const fn job(&self) -> &JobView {
        &self.job
    }

    /// Reads the next piece; `None` behind the last one.
    pub async fn next(&mut self) -> Result<Option<LogPiece>, Error> {
        if self.chunks.is_empty() && self.next <= self.job.log.lines {
            let store = &self.app.0.store;
            let chunks = store
                .read()
                .await?
                .log_chunks(self.job.job.id, self.next, CHUNKS)
                .await?;
            let last = self.job.log.lines;
            self.chunks = chunks.into_iter().filter(|chunk| chunk.first_line <= last).collect();
        }
        let from = self.next;
        let gap = match self.chunks.front() {
            Some(chunk) => LogGap::before(chunk.first_line, from),
            None => self.job.log.gap_at_end(from),
        };
        if let Some(gap) = gap {
            self.next = gap.next_line();
            return Ok(Some(LogPiece::Gap(gap)));
        }
        Ok(self.chunks.pop_front().map(|chunk| {
            self.next = chunk.next_line();
            LogPiece::Lines { chunk, from }
        }))
    }
}
