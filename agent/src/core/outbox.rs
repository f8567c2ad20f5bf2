//! [`Cursor`]: how far the outbox is committed, and [`Logs`], the same for the log of each job.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::id::JobId;

/// How long the end of a job waits for the rest of its log.
const LOG_PATIENCE: Duration = Duration::from_secs(30);

/// What the outbox on disk holds, as far as sending is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The number that the next new event will bear; from 1.
    pub next_seq: u64,
    /// The last event that is committed on the server; those behind it are on disk.
    pub acknowledged: u64,
    /// The ends of jobs among them.
    pub ends: BTreeMap<u64, JobId>,
}

/// Where sending stands.
#[derive(Debug)]
pub(super) struct Cursor {
    contents: Contents,
    batch: Batch,
}

/// The one batch of events that may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Batch {
    None,
    /// The shell was asked to send one.
    Asked,
    /// It is on the way up to this event.
    Sent(u64),
}

/// How far the log of each job is.
#[derive(Debug, Default)]
pub(super) struct Logs {
    jobs: BTreeMap<JobId, Log>,
    /// The job whose next piece the shell was asked for. One at a time: the window that is left for another is known
    /// when this one is on its way.
    asked: Option<JobId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Log {
    lines: u64,
    /// Every line before this one is committed.
    next_line: u64,
    /// The last line of the one piece that is on the way.
    on_the_way: Option<u64>,
    /// Nothing fits until the server gives credit.
    held_back: bool,
    /// The end of the job is committed.
    ended: bool,
    /// Until when the job's end waits for this log.
    patience: Option<Duration>,
}

impl Cursor {
    pub(super) fn new(contents: Contents) -> Self {
        Self {
            contents,
            batch: Batch::None,
        }
    }

    pub(super) fn next_seq(&self) -> u64 {
        self.contents.next_seq
    }

    pub(super) fn recorded(&mut self, seq: u64, ends: Option<JobId>) {
        self.contents.next_seq = self.contents.next_seq.max(seq + 1);
        if let Some(job) = ends {
            self.contents.ends.insert(seq, job);
        }
    }

    pub(super) fn unacknowledged(&self) -> u64 {
        self.contents.next_seq - 1 - self.contents.acknowledged
    }

    /// Whether the server's cursor lies within what is on disk. Otherwise one side lost its memory.
    pub(super) fn fits(&self, acknowledged: u64) -> bool {
        (self.contents.acknowledged..self.contents.next_seq).contains(&acknowledged)
    }

    /// Whether the end of this job is on disk and not committed.
    pub(super) fn holds_end_of(&self, job: JobId) -> bool {
        self.contents.ends.values().any(|ended| *ended == job)
    }

    /// Takes the server's word. Returns the jobs whose end is committed by it; `None` when it says nothing new or speaks
    /// of events that do not exist.
    pub(super) fn acknowledged(&mut self, through: u64) -> Option<Vec<JobId>> {
        if through <= self.contents.acknowledged || through >= self.contents.next_seq {
            return None;
        }
        self.contents.acknowledged = through;
        if matches!(self.batch, Batch::Sent(last) if last <= through) {
            self.batch = Batch::None;
        }
        let waiting = self.contents.ends.split_off(&(through + 1));
        let committed = std::mem::replace(&mut self.contents.ends, waiting);
        Some(committed.into_values().collect())
    }

    pub(super) fn sent(&mut self, through: u64) {
        self.batch = Batch::Sent(through);
    }

    /// What was on the way is lost with the connection.
    pub(super) fn disconnected(&mut self) {
        self.batch = Batch::None;
    }

    /// Asks for the next batch, as `(after, through)`. One is under way at a time. The end of a job waits for its log.
    pub(super) fn ask(&mut self, logs: &mut Logs, uptime: Duration) -> Option<(u64, u64)> {
        if self.batch != Batch::None {
            return None;
        }
        let held = self
            .contents
            .ends
            .iter()
            .find(|(_, job)| logs.holds_back_end(**job, uptime));
        let last = held.map_or(self.contents.next_seq, |(seq, _)| *seq) - 1;
        if last <= self.contents.acknowledged {
            return None;
        }
        self.batch = Batch::Asked;
        Some((self.contents.acknowledged, last))
    }
}

impl Logs {
    pub(super) fn grown(&mut self, job: JobId, lines: u64) {
        let log = self.jobs.entry(job).or_insert(Log::EMPTY);
        log.lines = log.lines.max(lines);
    }

    /// The end of the job is committed. Returns whether its log is too.
    pub(super) fn end_committed(&mut self, job: JobId) -> bool {
        let Some(log) = self.jobs.get_mut(&job) else {
            return true;
        };
        log.ended = true;
        self.forget_if_done(job)
    }

    pub(super) fn sent(&mut self, job: JobId, through_line: u64) {
        self.asked = None;
        if let Some(log) = self.jobs.get_mut(&job) {
            log.on_the_way = Some(through_line);
        }
    }

    pub(super) fn held_back(&mut self, job: JobId) {
        self.asked = None;
        if let Some(log) = self.jobs.get_mut(&job) {
            log.held_back = true;
        }
    }

    /// Takes the server's word. Returns whether the job is done with it, log and all.
    ///
    /// Sending goes on where the server says, even when it took less than was sent, or has lost what it had: it was set back
    /// to an older copy of itself.
    pub(super) fn credited(&mut self, job: JobId, next_line: u64) -> bool {
        for log in self.jobs.values_mut() {
            log.held_back = false;
        }
        let Some(log) = self.jobs.get_mut(&job) else {
            return false;
        };
        log.on_the_way = None;
        log.next_line = next_line.clamp(1, log.lines + 1);
        self.forget_if_done(job)
    }

    /// The rest of the log cannot be had. Returns whether the job is done with it.
    pub(super) fn give_up(&mut self, job: JobId) -> bool {
        self.asked = None;
        if let Some(log) = self.jobs.get_mut(&job) {
            log.on_the_way = None;
            log.next_line = log.lines + 1;
        }
        self.forget_if_done(job)
    }

    pub(super) fn disconnected(&mut self) {
        self.asked = None;
        for log in self.jobs.values_mut() {
            log.on_the_way = None;
            log.held_back = false;
            log.patience = None;
        }
    }

    /// Asks for the next piece, by its job and first line.
    pub(super) fn ask(&mut self) -> Option<(JobId, u64)> {
        if self.asked.is_some() {
            return None;
        }
        let is_due = |log: &Log| log.on_the_way.is_none() && !log.held_back && log.next_line <= log.lines;
        let (job, log) = self.jobs.iter().find(|(_, log)| is_due(log))?;
        self.asked = Some(*job);
        Some((*job, log.next_line))
    }

    pub(super) fn next_wakeup(&self) -> Option<Duration> {
        self.jobs.values().filter_map(|log| log.patience).min()
    }

    fn holds_back_end(&mut self, job: JobId, uptime: Duration) -> bool {
        let Some(log) = self.jobs.get_mut(&job) else {
            return false;
        };
        let handed_on = log.on_the_way.unwrap_or(log.next_line - 1);
        if handed_on >= log.lines {
            log.patience = None;
            return false;
        }
        let until = *log.patience.get_or_insert(uptime + LOG_PATIENCE);
        if uptime < until {
            return true;
        }
        // Keeps `next_wakeup` from naming a moment that has passed; the end goes out in this very step.
        log.patience = Some(Duration::MAX);
        false
    }

    fn forget_if_done(&mut self, job: JobId) -> bool {
        let done = self
            .jobs
            .get(&job)
            .is_some_and(|log| log.ended && log.next_line > log.lines);
        if done {
            self.jobs.remove(&job);
        }
        done
    }
}

impl Log {
    const EMPTY: Self = Self {
        lines: 0,
        next_line: 1,
        on_the_way: None,
        held_back: false,
        ended: false,
        patience: None,
    };
}
