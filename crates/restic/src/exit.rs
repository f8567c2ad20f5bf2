//! [`classify`]: the one function that decides what restic's ending means.
//!
//! **Invariant:** codes decide first, texts only where the version has no code for the situation. Exit 0 counts only
//! with the effect that was asked for. A code that nobody knows is a failure with that number.

use std::borrow::Cow;
use std::path::PathBuf;

use domain::job::{FailureCause, FailureCode};

use crate::cause;
use crate::outcome::{Facts, Outcome};
use crate::transcript::SOURCE_MISSING;
use crate::{Capabilities, Kind, LockOwner, Transcript};

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
    /// It is gone and nobody waited for it.
    Unknown,
}

/// Why we told restic to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody cancelled the job.
    Cancel,
    /// It took longer than it may.
    Deadline,
    /// Trying on is in vain, and restic would do so; see [`Transcript::hopeless`].
    Hopeless,
}

/// How it ended, beside what restic said.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// The process's end.
    pub exit: Exit,
    /// Why we stopped it; `None` when we did not.
    pub stop: Option<Stop>,
    /// Sources of a backup that were not there before it began. Older versions exit 0 all the same.
    pub missing_sources: &'a [PathBuf],
}

/// Decides how the command ended.
pub fn classify(capabilities: &Capabilities, mut transcript: Transcript, ending: Ending<'_>) -> Outcome {
    for path in ending.missing_sources {
        transcript.note(&path.to_string_lossy(), SOURCE_MISSING);
    }
    let code = match ending.exit {
        Exit::Code(code) => Some(code),
        Exit::Signal(_) => None,
        // A process that nobody waited for has said how it ends (0.18), or has shown its result.
        Exit::Unknown => transcript
            .exit_error_code()
            .or_else(|| shows_effect(&transcript).then_some(0)),
    };
    match code {
        Some(0) => succeeded(&transcript, ending),
        Some(3) if transcript.kind() == Kind::Backup => with_issues(transcript, ending),
        Some(code) => stopped(&transcript, ending).unwrap_or_else(|| failed(capabilities, &transcript, code)),
        // Killed after its result was written: the snapshot exists, a lock may have stayed.
        None => match facts(&transcript) {
            Some(facts) if transcript.kind() == Kind::Backup => {
                transcript.note("", "restic was killed after it had written the snapshot");
                issues(facts, &transcript)
            }
            Some(_) | None => stopped(&transcript, ending).unwrap_or(Outcome::Interrupted),
        },
    }
}

/// Exit 0, which is not yet success.
fn succeeded(transcript: &Transcript, ending: Ending<'_>) -> Outcome {
    let Some(facts) = facts(transcript) else {
        return stopped(transcript, ending).unwrap_or_else(|| no_effect(transcript, 0));
    };
    if transcript.problems().is_empty() {
        Outcome::Ok(facts)
    } else {
        issues(facts, transcript)
    }
}

/// Exit 3 of a backup: the snapshot exists.
fn with_issues(mut transcript: Transcript, ending: Ending<'_>) -> Outcome {
    let Some(facts) = facts(&transcript) else {
        return stopped(&transcript, ending).unwrap_or_else(|| no_effect(&transcript, 3));
    };
    if transcript.problems().is_empty() {
        // Not every reason names an item: 0.19 also means data that was missing in the repository by it.
        let said = transcript.last_words();
        transcript.note("", &said);
    }
    issues(facts, &transcript)
}

fn issues(facts: Facts, transcript: &Transcript) -> Outcome {
    Outcome::Issues {
        facts,
        problems: transcript.problems().clone(),
    }
}

/// The effect that was asked for; `None` when nothing shows it.
fn facts(transcript: &Transcript) -> Option<Facts> {
    match transcript.kind() {
        Kind::Backup => {
            let summary = transcript.summary()?;
            Some(Facts::Backup {
                summary: summary.backup.clone(),
                snapshot_id: summary.snapshot_id.clone()?,
            })
        }
        Kind::Init => transcript.says_initialized().then(|| Facts::Init {
            repository: transcript.made_repository(),
            adopted: false,
        }),
        Kind::CatConfig => transcript
            .repository()
            .map(|repository| Facts::CatConfig { repository }),
        // Their output is read elsewhere, or may be empty.
        Kind::Snapshots => Some(Facts::Snapshots),
        Kind::ListLocks => Some(Facts::ListLocks {
            ids: transcript.lock_ids(),
        }),
        Kind::CatLock => transcript.lock().map(|lock| Facts::CatLock { lock }),
        Kind::Unlock => Some(Facts::Unlock),
        Kind::Stats => transcript.stats().map(|stats| Facts::Stats { stats }),
    }
}

/// Whether the output alone proves that the command did its work.
fn shows_effect(transcript: &Transcript) -> bool {
    match transcript.kind() {
        Kind::Backup | Kind::Init | Kind::CatConfig | Kind::CatLock | Kind::Stats => facts(transcript).is_some(),
        Kind::Snapshots | Kind::ListLocks | Kind::Unlock => false,
    }
}

fn no_effect(transcript: &Transcript, code: i32) -> Outcome {
    let missing = match transcript.kind() {
        Kind::Backup => "restic ended without naming a snapshot",
        Kind::Init => "restic ended without naming a repository",
        Kind::CatConfig => "restic ended without showing the repository's config",
        Kind::CatLock => "restic ended without showing the lock",
        Kind::Stats => "restic ended without a size",
        Kind::Snapshots | Kind::ListLocks | Kind::Unlock => "restic ended without a result",
    };
    let failure = if code == 0 {
        FailureCode::NoResult
    } else {
        FailureCode::Exit(code)
    };
    Outcome::failed(failure, Some(code), missing)
}

/// What our own stop makes of an ending without effect; `None` when we did not stop it.
fn stopped(transcript: &Transcript, ending: Ending<'_>) -> Option<Outcome> {
    let exit_code = match ending.exit {
        Exit::Code(code) => Some(code),
        Exit::Signal(_) | Exit::Unknown => None,
    };
    let waited_for = transcript.waiting_for_repository().map(|retry| retry.reason.as_str());
    Some(match ending.stop? {
        Stop::Cancel => Outcome::Cancelled,
        // It was not slow, it was waiting: say for what.
        Stop::Deadline | Stop::Hopeless => {
            let reason = waited_for.unwrap_or_default();
            match transcript.hopeless().or_else(|| cause::of_storage(reason)) {
                Some(code) => Outcome::failed(code, exit_code, reason),
                None => Outcome::TimedOut,
            }
        }
    })
}

fn failed(capabilities: &Capabilities, transcript: &Transcript, code: i32) -> Outcome {
    let said = transcript.last_words();
    if transcript.kind() == Kind::Init && cause::says_already_initialized(&said) {
        return Outcome::Ok(Facts::Init {
            repository: None,
            adopted: true,
        });
    }
    let known = by_code(capabilities, code).or_else(|| by_text(capabilities, transcript.kind(), code, &said));
    let words = without_stack(&said);
    if known.is_none() && (code == 130 || transcript.says_interrupted()) {
        return Outcome::Interrupted;
    }
    let failure = known.unwrap_or(FailureCode::Exit(code));
    let lock = (failure == FailureCode::RepoLocked)
        .then(|| LockOwner::find(&words))
        .flatten();
    let message = match &lock {
        Some(owner) => Cow::Owned(format!("the repository is {owner}")),
        None if cause::says_cache_unusable(&said) => Cow::Owned(format!("the cache directory cannot be used: {words}")),
        None if words.is_empty() => Cow::Owned(format!("restic ended with code {code} and said nothing")),
        None => Cow::Borrowed(words.as_str()),
    };
    Outcome::Failed {
        cause: FailureCause {
            code: failure,
            exit_code: Some(code),
            message: message.as_ref().into(),
        },
        lock,
    }
}

fn by_code(capabilities: &Capabilities, code: i32) -> Option<FailureCode> {
    match code {
        10 if capabilities.repository_exit_codes => Some(FailureCode::RepoMissing),
        11 if capabilities.repository_exit_codes => Some(FailureCode::RepoLocked),
        12 if capabilities.password_exit_code => Some(FailureCode::WrongPassword),
        _ => None,
    }
}

/// Only code 1 has many meanings; what another code means is not guessed from a text.
fn by_text(capabilities: &Capabilities, kind: Kind, code: i32, said: &str) -> Option<FailureCode> {
    if code != 1 {
        return None;
    }
    if !capabilities.password_exit_code && cause::says_wrong_password(said) {
        return Some(FailureCode::WrongPassword);
    }
    if !capabilities.repository_exit_codes && cause::says_locked(said) {
        return Some(FailureCode::RepoLocked);
    }
    if kind == Kind::Backup && cause::says_all_sources_missing(said) {
        return Some(FailureCode::SourceMissing);
    }
    if cause::says_cache_unusable(said) {
        return None;
    }
    // Before 0.17 the storage's answer stands in the very sentence that asks for a repository, so it is heard first.
    cause::of_storage(said).or_else(|| {
        let missing = !capabilities.repository_exit_codes && cause::says_repository_missing(said);
        missing.then_some(FailureCode::RepoMissing)
    })
}

fn without_stack(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !cause::is_stack_frame(line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
