//! [`Transcript`]: what is kept of all that restic said, for the verdict and the summary of a job.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use domain::ResticRepositoryId;
use domain::job::{FailureCode, Problem, Problems};
use serde_json::Value;

use crate::cause;
use crate::event::{Event, ItemError, Summary};
use crate::{Kind, Line, Lock, LockId, Retry, Stats};

/// Lines of text kept of the end of stderr: a panic's stack goes, its first line and the last words stay.
const TAIL_LINES: usize = 40;
const TAIL_LINE_BYTES: usize = 1000;

/// The config is 150 bytes, a list of locks 65 bytes a lock.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Items told apart when problems are counted. A directory is reported by the scan and again by the backup.
const MAX_ITEMS: usize = 10_000;

/// What stands beside a source that is not there.
pub(crate) const SOURCE_MISSING: &str = "source_missing: the path does not exist on the host";

/// Which of restic's two streams a line came from. They are never merged: stderr holds JSON, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Stdout,
    /// Errors and notices.
    Stderr,
}

/// Collects what matters from restic's lines. Its size is bounded whatever restic prints, and the summary is never
/// lost: the last one that came is kept.
#[derive(Debug)]
pub struct Transcript {
    kind: Kind,
    summary: Option<Summary>,
    initialized: bool,
    made_repository: Option<ResticRepositoryId>,
    exit_error: Option<(Option<i32>, String)>,
    /// Plain text of stdout, for commands whose result is not an event.
    output: String,
    tail: VecDeque<String>,
    waiting: Option<Retry>,
    hopeless: Option<FailureCode>,
    problems: Problems,
    items: HashSet<u64>,
}

impl Transcript {
    /// Begins, for the kind of command that runs.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            summary: None,
            initialized: false,
            made_repository: None,
            exit_error: None,
            output: String::new(),
            tail: VecDeque::new(),
            waiting: None,
            hopeless: None,
            problems: Problems::default(),
            items: HashSet::new(),
        }
    }

    /// Takes note of a line. Lines of one stream come in their order; the two streams may come in any.
    pub fn observe(&mut self, stream: Stream, line: &Line) {
        match (line, stream) {
            (Line::Event { event, .. }, _) => self.observe_event(event),
            (Line::Text(text), Stream::Stdout) => self.observe_output(text),
            (Line::Text(text), Stream::Stderr) => self.observe_text(text),
        }
    }

    /// The kind of command that runs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The last retry notice, as long as nothing says that the storage answers again. Show *waiting for repository*.
    pub fn waiting_for_repository(&self) -> Option<&Retry> {
        self.waiting.as_ref()
    }

    /// Why trying on is in vain; restic itself would, for 15 minutes per operation. Stop it then, with
    /// [`Stop::Hopeless`](crate::Stop::Hopeless).
    ///
    /// Either the storage is full (0.17 and 0.18 retry that), or it does not let us write the lock that all else needs.
    pub fn hopeless(&self) -> Option<FailureCode> {
        self.hopeless
    }

    /// The final numbers, once they came.
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// What could not be read so far. An item counts once.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Whether restic said that it made a repository.
    pub(crate) fn says_initialized(&self) -> bool {
        self.initialized
    }

    /// The repository that was made, since 0.15.
    pub(crate) fn made_repository(&self) -> Option<ResticRepositoryId> {
        self.made_repository
    }

    pub(crate) fn exit_error_code(&self) -> Option<i32> {
        self.exit_error.as_ref().and_then(|(code, _)| *code)
    }

    /// The `id` in the config that `cat config` printed.
    pub(crate) fn repository(&self) -> Option<ResticRepositoryId> {
        let config: Value = serde_json::from_str(&self.output).ok()?;
        config.get("id")?.as_str()?.parse().ok()
    }

    /// The ids that `list locks` printed.
    pub(crate) fn lock_ids(&self) -> Vec<LockId> {
        self.output.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// The lock that `cat lock` printed.
    pub(crate) fn lock(&self) -> Option<Lock> {
        Lock::parse(&self.output)
    }

    /// The numbers that `stats` printed.
    pub(crate) fn stats(&self) -> Option<Stats> {
        Stats::parse(&self.output)
    }

    /// restic's last words: the `exit_error`, else what it called fatal, else the end of its text. Several lines; empty
    /// when it said nothing. Of a failed sftp session only ssh knows the reason, so its words come first.
    pub(crate) fn last_words(&self) -> String {
        let own = match &self.exit_error {
            Some((_, message)) => message.trim().to_owned(),
            None => self.last_text(),
        };
        let of_ssh = |line: &&String| own.contains("sftp") && line.starts_with("subprocess ssh: ");
        let ssh = self.tail.iter().filter(of_ssh).map(String::as_str);
        let lines: Vec<&str> = ssh.chain(own.lines()).collect();
        lines.join("\n")
    }

    fn last_text(&self) -> String {
        let opens =
            |line: &String| line.starts_with("Fatal: ") || cause::says_locked(line) || line.starts_with("panic: ");
        let from = self.tail.iter().position(opens);
        let from = from.unwrap_or(self.tail.len().saturating_sub(3));
        let lines: Vec<&str> = self.tail.range(from..).map(String::as_str).collect();
        lines.join("\n")
    }

    /// Whether a line said that restic was told to stop. The last words alone do not always repeat it.
    pub(crate) fn says_interrupted(&self) -> bool {
        cause::says_interrupted(&self.last_words()) || self.tail.iter().any(|line| cause::says_interrupted(line))
    }

    /// Adds a problem that was found elsewhere, unless the item is known.
    pub(crate) fn note(&mut self, item: &str, message: &str) {
        if self.is_new(item) {
            self.problems.push(Problem {
                item: item.into(),
                message: message.into(),
            });
        }
    }

    fn observe_event(&mut self, event: &Event) {
        match event {
            Event::Summary(summary) => self.summary = Some(summary.clone()),
            Event::Initialized { repository } => {
                self.initialized = true;
                self.made_repository = *repository;
            }
            Event::ExitError { code, message } => self.exit_error = Some((*code, message.clone())),
            Event::Error(error) => self.observe_problem(error),
            Event::Status(_) | Event::VerboseStatus { .. } | Event::Version(_) | Event::Unknown { .. } => {}
        }
    }

    fn observe_problem(&mut self, error: &ItemError) {
        let message = match error.message.as_str() {
            "" => "could not be read; this restic gives no reason",
            said => said,
        };
        self.note(&error.item, message);
    }

    fn observe_output(&mut self, text: &str) {
        let wanted = match self.kind {
            Kind::CatConfig | Kind::ListLocks | Kind::CatLock | Kind::Stats => true,
            Kind::Backup | Kind::Init | Kind::Snapshots | Kind::Unlock => false,
        };
        if wanted && self.output.len() + text.len() < MAX_OUTPUT_BYTES {
            self.output.push_str(text);
            self.output.push('\n');
        }
        // 0.14 has no `initialized` event: "created restic repository 859a7f3a7f at /srv/repo".
        if self.kind == Kind::Init && text.starts_with("created restic repository ") {
            self.initialized = true;
        }
    }

    fn observe_text(&mut self, text: &str) {
        if let Some(retry) = Retry::parse(text) {
            self.hopeless = self.hopeless.or_else(|| hopeless(&retry));
            self.waiting = Some(retry);
        } else if crate::retry::is_recovery(text) {
            self.waiting = None;
        } else {
            if let Some(path) = cause::skipped_source(text).filter(|_| self.kind == Kind::Backup) {
                self.note(path, SOURCE_MISSING);
            }
            if !cause::is_stack_frame(text) {
                self.keep(text);
            }
        }
    }

    fn keep(&mut self, text: &str) {
        if self.tail.len() == TAIL_LINES {
            // The first line stays: of a panic it is the one that says what happened.
            self.tail.remove(1);
        }
        self.tail.push_back(shortened(text));
    }

    fn is_new(&mut self, item: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        item.hash(&mut hasher);
        let hash = hasher.finish();
        if self.items.len() < MAX_ITEMS {
            self.items.insert(hash)
        } else {
            !self.items.contains(&hash)
        }
    }
}

fn hopeless(retry: &Retry) -> Option<FailureCode> {
    let takes_lock = retry.operation.starts_with("Save(<lock/");
    cause::of_storage(&retry.reason)
        .filter(|cause| *cause == FailureCode::NoSpace || (takes_lock && *cause == FailureCode::AccessDenied))
}

fn shortened(text: &str) -> String {
    let end = (0..=TAIL_LINE_BYTES.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests;
