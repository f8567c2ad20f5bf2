//! [`Journal`]: what a running job says, to the core and into its log.

use std::sync::Arc;

use domain::Clock;
use domain::id::JobId;
use domain::job::Progress;
use tokio::sync::mpsc;
use tracing::warn;

use super::log::{FromRestic, LogWriter};
use super::mark::Mark;
use crate::core::Report;
use crate::wire::{LogLine, LogStream};

/// The voice of one job.
pub(super) struct Journal {
    job: JobId,
    clock: Arc<dyn Clock>,
    log: Option<LogWriter>,
    /// Lines that could not be written since the last one that could.
    lost_lines: u64,
    reported_lines: u64,
    reports: mpsc::Sender<(JobId, Report)>,
}

impl Journal {
    /// Without a log the job runs all the same: a full disk loses log, never the result.
    pub(super) fn new(
        job: JobId,
        clock: Arc<dyn Clock>,
        log: Option<LogWriter>,
        reports: mpsc::Sender<(JobId, Report)>,
    ) -> Self {
        Self {
            job,
            clock,
            log,
            lost_lines: 0,
            reported_lines: 0,
            reports,
        }
    }

    /// Writes a word of the agent's own into the log.
    pub(super) fn say(&mut self, text: &str) {
        self.line(LogStream::Agent, text);
    }

    /// Writes a line into the log.
    pub(super) fn line(&mut self, stream: LogStream, text: &str) {
        let Some(log) = &mut self.log else {
            return;
        };
        let at = self.clock.now();
        let line = LogLine {
            at,
            stream,
            text: text.to_owned(),
        };
        match log.append(&line) {
            Ok(()) if self.lost_lines > 0 => {
                let lost = std::mem::take(&mut self.lost_lines);
                let text =
                    format!("{lost} lines before the last one are missing: they could not be written on this host");
                let stream = LogStream::Agent;
                // Numbers that are not there say the same.
                let _ = log.append(&LogLine { at, stream, text });
            }
            Ok(()) => {}
            Err(error) => {
                if self.lost_lines == 0 {
                    warn!(job.id = %self.job, %error, "lines of the job's log are lost; the job is not affected");
                }
                self.lost_lines += 1;
            }
        }
    }

    /// Tells the core how far the log is.
    pub(super) async fn report_growth(&mut self) {
        let lines = self.log.as_ref().map_or(0, LogWriter::settled_lines);
        if lines > self.reported_lines {
            self.reported_lines = lines;
            self.report(Report::LogGrown { lines }).await;
        }
    }

    /// Tells the core the latest numbers.
    pub(super) async fn progress(&self, progress: Progress) {
        self.report(Report::Progress(progress)).await;
    }

    /// Lines of the log in all.
    pub(super) fn lines(&self) -> u64 {
        self.log.as_ref().map_or(0, LogWriter::lines)
    }

    /// The lines of restic that were logged behind a mark.
    pub(super) fn logged_since(&self, mark: Mark) -> FromRestic {
        let logged = self.log.as_ref().map(|log| mark.logged_since(log));
        match logged {
            Some(Ok(logged)) => logged,
            // Lines twice rather than lines lost.
            Some(Err(error)) => {
                warn!(job.id = %self.job, %error, "the job's log cannot be read; some lines may be there twice");
                FromRestic::default()
            }
            None => FromRestic::default(),
        }
    }

    /// Tells the core something. It waits when the core is busy; restic does not, for it writes into files.
    pub(super) async fn report(&self, report: Report) {
        // Nobody listens when the agent is about to stop. The job goes on and is found again.
        let _ = self.reports.send((self.job, report)).await;
    }
}
