//! Follows one restic to its end: reads what it writes, reports progress, and stops it when it must stop.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::job::Progress;
use restic::{Event, Exit, Kind, Line, Lines, Redactor, Stop, Stream, Transcript};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::journal::Journal;
use super::log::FromRestic;
use super::mark::Mark;
use super::process::{Process, stderr_path, stdout_path};
use crate::space;
use crate::wire::LogStream;

/// How often the output is looked at.
const TICK: Duration = Duration::from_millis(200);
/// The most that is read in one go, so that nothing else waits long.
const CHUNK_BYTES: usize = 256 * 1024;
/// Progress reports are at least this far apart.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Space of what was read is given back in pieces of this size.
const PUNCH_EVERY: u64 = 4 * 1024 * 1024;
/// Of stderr this much stays, so that a restarted agent can read the problems again.
const STDERR_KEPT: u64 = 32 * 1024 * 1024;

/// With less than a block there is no space.
const NO_SPACE: u64 = 4096;

/// When a run has to end.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Somebody cancels the job.
    pub(super) cancel: CancellationToken,
    /// When its time is over.
    pub(super) deadline: Option<Instant>,
    /// The pause between one way of stopping it and the next, firmer one.
    pub(super) grace: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Followed {
    /// What it said.
    pub(super) transcript: Transcript,
    /// How its process ended.
    pub(super) exit: Exit,
    /// Why we stopped it.
    pub(super) stop: Option<Stop>,
}

/// What is followed.
#[derive(Debug)]
pub(super) enum Subject {
    /// It runs.
    Alive(Box<Process>),
    /// It has ended, before this agent began.
    Ended(Exit),
}

/// Follows a run in `step` to its end.
pub(super) async fn follow(
    step: &Path,
    kind: Kind,
    subject: Subject,
    redactor: Redactor,
    limits: &Limits,
    journal: &mut Journal,
) -> io::Result<Followed> {
    let mut output = Output::open(step, kind, redactor, journal)?;
    let mut meter = Meter::default();
    let mut stopping = None;
    let exit = match subject {
        Subject::Ended(exit) => exit,
        Subject::Alive(mut process) => {
            let mut tick = tokio::time::interval(TICK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let due = next_stop(stopping.as_ref(), limits);
                tokio::select! {
                    exit = process.ended() => break exit,
                    _ = tick.tick() => {}
                    () = limits.cancel.cancelled(), if stopping.is_none() => {
                        stopping = Some(Stopping::begin(Stop::Cancel, &process, limits.grace));
                        journal.say("cancelled on request: restic was asked to stop");
                    }
                    () = sleep_until(due) => match &mut stopping {
                        None => {
                            stopping = Some(Stopping::begin(Stop::Deadline, &process, limits.grace));
                            journal.say("the time for this job is over: restic was asked to stop");
                        }
                        Some(stopping) => journal.say(stopping.go_on(&process, limits.grace)),
                    }
                }
                output.look_at_disk();
                output.read(journal, &mut meter)?;
                if output.transcript.hopeless().is_some() && stopping.is_none() {
                    stopping = Some(Stopping::begin(Stop::Hopeless, &process, limits.grace));
                    journal.say("trying on is in vain: restic was asked to stop");
                }
                meter.report(&output.transcript, journal).await;
                journal.report_growth().await;
            }
        }
    };
    let transcript = output.finish(journal, &mut meter)?;
    meter.end(&transcript);
    meter.report(&transcript, journal).await;
    journal.report_growth().await;
    // Cancelled while nobody watched, or in the very moment of its end.
    let why = stopping.map(|stopping| stopping.why);
    Ok(Followed {
        transcript,
        exit,
        stop: why.or_else(|| limits.cancel.is_cancelled().then_some(Stop::Cancel)),
    })
}

/// How far stopping is.
#[derive(Debug)]
struct Stopping {
    why: Stop,
    /// When the next, firmer way is due; `None` after the last.
    next: Option<Instant>,
    terminated: bool,
}

impl Stopping {
    fn begin(why: Stop, process: &Process, grace: Duration) -> Self {
        process.interrupt();
        Self {
            why,
            next: Some(Instant::now() + grace),
            terminated: false,
        }
    }

    fn go_on(&mut self, process: &Process, grace: Duration) -> &'static str {
        if self.terminated {
            process.kill();
            self.next = None;
            return "restic did not stop and was killed";
        }
        process.terminate();
        self.terminated = true;
        self.next = Some(Instant::now() + grace);
        "restic does not stop: it was told to terminate"
    }
}

fn next_stop(stopping: Option<&Stopping>, limits: &Limits) -> Option<Instant> {
    match stopping {
        None => limits.deadline,
        Some(stopping) => stopping.next,
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Both streams of a run.
struct Output {
    step: PathBuf,
    stdout: Tail,
    stderr: Tail,
    transcript: Transcript,
    /// Lines that an earlier life of the agent logged behind the mark that this one began with.
    repeated: FromRestic,
    written: Mark,
    next_write: Instant,
    /// restic may have found no space for what it had to say.
    was_disk_full: bool,
}

/// The growing end of a file.
struct Tail {
    file: File,
    lines: Option<Lines>,
    /// Behind the last byte that was read.
    offset: u64,
    /// What lies before was logged by an earlier life of the agent.
    log_from: u64,
    /// Where space was given back last.
    punched: u64,
    /// How much in front of `offset` stays; `None` keeps all.
    keeps: Option<u64>,
}

impl Output {
    fn open(step: &Path, kind: Kind, redactor: Redactor, journal: &Journal) -> io::Result<Self> {
        let mark = Mark::read(step).unwrap_or(Mark {
            log_lines: journal.lines(),
            ..Mark::default()
        });
        // Before the first line, so that there is a mark in front of the lines. A full disk loses log, never the result:
        // without a mark a later life logs some lines twice.
        let _ = mark.write(step);
        // Of a backup only the last lines of stdout count; listings are read again as a whole.
        let stdout_keeps = (kind == Kind::Backup).then_some(0);
        Ok(Self {
            step: step.to_owned(),
            stdout: Tail::open(&stdout_path(step), redactor.clone(), mark.stdout, stdout_keeps)?,
            stderr: Tail::open(&stderr_path(step), redactor, mark.stderr, Some(STDERR_KEPT))?,
            transcript: Transcript::new(kind),
            repeated: journal.logged_since(mark),
            written: mark,
            next_write: Instant::now(),
            was_disk_full: false,
        })
    }

    /// Reads what is new.
    fn read(&mut self, journal: &mut Journal, meter: &mut Meter) -> io::Result<()> {
        let Self {
            stdout,
            stderr,
            transcript,
            repeated,
            ..
        } = self;
        if is_event_stream(transcript.kind()) {
            stdout.read(|line, is_new| {
                let repeated = is_new.then_some(&mut *repeated);
                observe(transcript, Stream::Stdout, &line, repeated, journal, meter);
            })?;
        }
        stderr.read(|line, is_new| {
            let repeated = is_new.then_some(&mut *repeated);
            observe(transcript, Stream::Stderr, &line, repeated, journal, meter);
        })?;
        if Instant::now() >= self.next_write {
            self.mark(journal);
        }
        Ok(())
    }

    /// Reads the rest, the last line without an end included.
    fn finish(mut self, journal: &mut Journal, meter: &mut Meter) -> io::Result<Transcript> {
        loop {
            let before = (self.stdout.offset, self.stderr.offset);
            self.read(journal, meter)?;
            if (self.stdout.offset, self.stderr.offset) == before {
                break;
            }
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            let Self {
                stdout,
                stderr,
                transcript,
                repeated,
                ..
            } = &mut self;
            let tail = match stream {
                Stream::Stdout => stdout,
                Stream::Stderr => stderr,
            };
            tail.finish(|line| observe(transcript, stream, &line, Some(repeated), journal, meter));
        }
        if self.was_disk_full {
            // If this cannot be written either, its number is missing in the log.
            journal.say("the agent's disk was full while restic ran: some of what restic said is missing here");
        }
        // Other runs of this job log behind it.
        self.mark(journal);
        Ok(self.transcript)
    }

    fn look_at_disk(&mut self) {
        self.was_disk_full |= space::left(&self.step).is_some_and(|left| left < NO_SPACE);
    }

    /// Notes that all that was read is logged.
    fn mark(&mut self, journal: &Journal) {
        // Not while lines are read again: the log is ahead of what was read.
        if self.repeated != FromRestic::default() {
            return;
        }
        let mark = Mark {
            stdout: self.stdout.logged(),
            stderr: self.stderr.logged(),
            log_lines: journal.lines(),
        };
        let is_further = (mark.stdout, mark.stderr) != (self.written.stdout, self.written.stderr);
        // Without it a later life reads more of the output again, and no line is logged twice.
        if is_further && mark.write(&self.step).is_ok() {
            self.written = mark;
            self.next_write = Instant::now() + PROGRESS_EVERY;
        }
    }
}

/// A list of snapshots is one huge line, and it is read from the file.
fn is_event_stream(kind: Kind) -> bool {
    match kind {
        Kind::Snapshots => false,
        Kind::Backup | Kind::Init | Kind::CatConfig | Kind::ListLocks | Kind::CatLock | Kind::Unlock | Kind::Stats => {
            true
        }
    }
}

/// Takes a line in. Without `repeated` it was logged before; else it is logged unless it is one of these.
fn observe(
    transcript: &mut Transcript,
    stream: Stream,
    line: &Line,
    repeated: Option<&mut FromRestic>,
    journal: &mut Journal,
    meter: &mut Meter,
) {
    transcript.observe(stream, line);
    if let Line::Event {
        event: Event::Status(progress),
        ..
    } = line
    {
        meter.latest(progress.clone());
        return;
    }
    // What these print is not meant for people, and a config holds what a stranger need not know.
    let is_data = match transcript.kind() {
        Kind::CatConfig | Kind::ListLocks | Kind::CatLock | Kind::Snapshots | Kind::Stats => stream == Stream::Stdout,
        Kind::Backup | Kind::Init | Kind::Unlock => false,
    };
    let Some(repeated) = repeated.filter(|_| !is_data) else {
        return;
    };
    let (stream, repeated) = match stream {
        Stream::Stdout => (LogStream::Stdout, &mut repeated.stdout),
        Stream::Stderr => (LogStream::Stderr, &mut repeated.stderr),
    };
    for text in line.for_people().iter().flat_map(|text| text.lines()) {
        if *repeated > 0 {
            *repeated -= 1;
        } else {
            journal.line(stream, text);
        }
    }
}

impl Tail {
    fn open(path: &Path, redactor: Redactor, log_from: u64, keeps: Option<u64>) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let offset = first_data(&mut file)?;
        Ok(Self {
            file,
            lines: Some(Lines::new(redactor)),
            offset,
            log_from: log_from.max(offset),
            punched: offset,
            keeps,
        })
    }

    fn read(&mut self, mut take: impl FnMut(Line, bool)) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        self.file.seek(SeekFrom::Start(self.offset))?;
        let read = self.file.read(&mut chunk)?;
        let (known, new) = chunk[..read].split_at(self.known(read));
        if let Some(lines) = &mut self.lines {
            lines.feed(known, |line| take(line, false));
            lines.feed(new, |line| take(line, true));
        }
        self.offset += u64::try_from(read).unwrap_or(0);
        self.give_back_space();
        Ok(())
    }

    fn finish(&mut self, take: impl FnMut(Line)) {
        if let Some(lines) = self.lines.take() {
            lines.finish(take);
        }
    }

    /// Up to here every line was handed on.
    fn logged(&self) -> u64 {
        let unfinished = self.lines.as_ref().map_or(0, Lines::unfinished);
        self.offset.saturating_sub(unfinished)
    }

    /// How many of the next bytes were logged before.
    fn known(&self, read: usize) -> usize {
        let known = self.log_from.saturating_sub(self.offset);
        usize::try_from(known).unwrap_or(usize::MAX).min(read)
    }

    /// A file system that cannot do it keeps the space until the job has ended.
    fn give_back_space(&mut self) {
        let Some(keeps) = self.keeps else {
            return;
        };
        let through = self.logged().saturating_sub(keeps) / PUNCH_EVERY * PUNCH_EVERY;
        if through > self.punched {
            use rustix::fs::FallocateFlags;
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let _ = rustix::fs::fallocate(&self.file, flags, 0, through);
            self.punched = through;
        }
    }
}

/// Behind the space that an earlier life of the agent gave back.
fn first_data(file: &mut File) -> io::Result<u64> {
    match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(0)) {
        Ok(offset) => Ok(offset),
        // The file is empty, or its file system knows no holes.
        Err(rustix::io::Errno::NXIO | rustix::io::Errno::INVAL) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Reports the latest numbers, the first at once and then at most one a second.
#[derive(Debug, Default)]
struct Meter {
    latest: Option<Progress>,
    is_new: bool,
    last_report: Option<Instant>,
    was_waiting: bool,
}

impl Meter {
    fn latest(&mut self, progress: Progress) {
        self.latest = Some(progress);
        self.is_new = true;
    }

    /// A run that was over before restic showed any numbers has those of its summary.
    fn end(&mut self, transcript: &Transcript) {
        let Some(summary) = transcript.summary().filter(|_| self.latest.is_none()) else {
            return;
        };
        let backup = &summary.backup;
        self.latest(Progress {
            elapsed: backup.duration,
            files_done: backup.files_processed,
            files_total: backup.files_processed,
            bytes_done: backup.bytes_processed,
            bytes_total: backup.bytes_processed,
            error_count: transcript.problems().count(),
            ..Progress::default()
        });
    }

    async fn report(&mut self, transcript: &Transcript, journal: &Journal) {
        let waiting = transcript.waiting_for_repository().is_some();
        if !self.is_new && waiting == self.was_waiting {
            return;
        }
        if self.last_report.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
            return;
        }
        self.is_new = false;
        self.was_waiting = waiting;
        self.last_report = Some(Instant::now());
        let progress = Progress {
            waiting_for_repository: waiting,
            ..self.latest.clone().unwrap_or_default()
        };
        journal.progress(progress).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::id::JobId;
    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_run_whose_mark_cannot_be_written_is_followed_all_the_same() {
        let step = tempfile::tempdir().unwrap();
        for path in [stdout_path(step.path()), stderr_path(step.path())] {
            std::fs::write(path, "").unwrap();
        }
        let (reports, _) = mpsc::channel(1);
        let journal = Journal::new(JobId::from_uuid(Uuid::nil()), Arc::new(SystemClock), None, reports);
        // In the way of the mark, as a full disk is.
        std::fs::create_dir(step.path().join("offsets.new")).unwrap();

        let output = Output::open(step.path(), Kind::Backup, Redactor::default(), &journal);

        assert!(output.is_ok());
        assert_eq!(Mark::read(step.path()), None);
    }
}
