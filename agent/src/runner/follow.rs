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
use super::process::{Process, stderr_path, stdout_path};
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
    let mut output = Output::open(step, kind, redactor)?;
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
    written: Offsets,
    next_write: Instant,
}

/// How far the output was logged, for an agent that is started anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Offsets {
    stdout: u64,
    stderr: u64,
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
    const OFFSETS: &'static str = "offsets.json";

    fn open(step: &Path, kind: Kind, redactor: Redactor) -> io::Result<Self> {
        let logged: Offsets = std::fs::read(step.join(Self::OFFSETS))
            .ok()
            .and_then(|content| serde_json::from_slice(&content).ok())
            .unwrap_or_default();
        // Of a backup only the last lines of stdout count; listings are read again as a whole.
        let stdout_keeps = (kind == Kind::Backup).then_some(0);
        Ok(Self {
            step: step.to_owned(),
            stdout: Tail::open(&stdout_path(step), redactor.clone(), logged.stdout, stdout_keeps)?,
            stderr: Tail::open(&stderr_path(step), redactor, logged.stderr, Some(STDERR_KEPT))?,
            transcript: Transcript::new(kind),
            written: logged,
            next_write: Instant::now(),
        })
    }

    /// Reads what is new.
    fn read(&mut self, journal: &mut Journal, meter: &mut Meter) -> io::Result<()> {
        let Self {
            stdout,
            stderr,
            transcript,
            ..
        } = self;
        if is_event_stream(transcript.kind()) {
            stdout.read(|line, log| observe(transcript, Stream::Stdout, &line, log, journal, meter))?;
        }
        stderr.read(|line, log| observe(transcript, Stream::Stderr, &line, log, journal, meter))?;
        self.write_offsets();
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
        let Self {
            stdout,
            stderr,
            mut transcript,
            ..
        } = self;
        for (tail, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
            tail.finish(|line| observe(&mut transcript, stream, &line, true, journal, meter));
        }
        Ok(transcript)
    }

    /// Best effort, about once a second: without it a restarted agent logs some lines twice.
    fn write_offsets(&mut self) {
        let offsets = Offsets {
            stdout: self.stdout.logged(),
            stderr: self.stderr.logged(),
        };
        if offsets == self.written || Instant::now() < self.next_write {
            return;
        }
        self.written = offsets;
        self.next_write = Instant::now() + PROGRESS_EVERY;
        let path = self.step.join(Self::OFFSETS);
        let temporary = self.step.join("offsets.new");
        let content = serde_json::to_vec(&offsets).unwrap_or_default();
        if std::fs::write(&temporary, content).is_ok() {
            let _ = std::fs::rename(temporary, path);
        }
    }
}

/// A list of snapshots is one huge line, and it is read from the file.
fn is_event_stream(kind: Kind) -> bool {
    match kind {
        Kind::Snapshots => false,
        Kind::Backup | Kind::Init | Kind::CatConfig | Kind::ListLocks | Kind::Unlock => true,
    }
}

/// Takes a line in. `log`: it was not logged before.
fn observe(
    transcript: &mut Transcript,
    stream: Stream,
    line: &Line,
    log: bool,
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
        Kind::CatConfig | Kind::ListLocks | Kind::Snapshots => stream == Stream::Stdout,
        Kind::Backup | Kind::Init | Kind::Unlock => false,
    };
    if log && !is_data {
        let stream = match stream {
            Stream::Stdout => LogStream::Stdout,
            Stream::Stderr => LogStream::Stderr,
        };
        journal.line(stream, line.text());
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

    fn finish(mut self, take: impl FnMut(Line)) {
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
