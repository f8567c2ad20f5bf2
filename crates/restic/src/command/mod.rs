//! Typed commands and the one place that turns them into arguments.
//!
//! The grammar is `global flags, subcommand, its flags, "--", absolute paths`. Every flag is written as
//! `--name=value`, so no value can be read as a flag; values that begin with `-` are refused all the same.
//!
//! **Invariant:** nothing here takes a flag, an `-o` option or a ready-made argument from outside. A new command is a
//! variant of [`Command`], a [`Kind`], and an arm in `exit.rs` that says how its success is recognised.

mod backup;
mod snapshots;

use std::ffi::OsString;
use std::num::NonZeroU32;

pub use backup::{Backup, BackupOptions};
pub use snapshots::Snapshots;

use crate::{Access, Capabilities, Environment, LockId, Places, Refused};

/// What restic is asked to do.
#[derive(Debug, Clone)]
pub enum Command {
    /// Saves paths as one snapshot.
    Backup(Backup),
    /// Makes a repository.
    Init,
    /// Reads the repository's config without a lock: the probe for location, login and password.
    CatConfig,
    /// Lists snapshots without a lock.
    Snapshots(Snapshots),
    /// Lists the ids of locks, taking none.
    ListLocks,
    /// Reads a lock without taking one.
    CatLock(LockId),
    /// Removes locks that are older than 30 minutes or whose process on this host is gone. Never others.
    Unlock,
    /// Removes all locks, also those of a restic that is at work: what that one does may then be lost.
    UnlockAll,
    /// Counts without a lock.
    Stats(StatsMode),
}

/// What [`Command::Stats`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatsMode {
    /// What the repository takes at its location. Reads the whole index.
    RawData,
    /// What all snapshots would take when restored. Reads the trees of all snapshots.
    RestoreSize,
}

/// A [`Command`] without its values: what is needed to judge how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// See [`Command::Backup`].
    Backup,
    /// See [`Command::Init`].
    Init,
    /// See [`Command::CatConfig`].
    CatConfig,
    /// See [`Command::Snapshots`].
    Snapshots,
    /// See [`Command::ListLocks`].
    ListLocks,
    /// See [`Command::CatLock`].
    CatLock,
    /// See [`Command::Unlock`] and [`Command::UnlockAll`].
    Unlock,
    /// See [`Command::Stats`].
    Stats,
}

/// How fast restic may talk to the storage. `None` is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// KiB per second to the storage.
    pub upload_kib_per_s: Option<NonZeroU32>,
    /// KiB per second from the storage.
    pub download_kib_per_s: Option<NonZeroU32>,
}

/// One call of restic. The program's own name is not among the arguments.
///
/// The child gets a cleared environment plus [`Self::env`], `/dev/null` as stdin, and the pipe with the password under
/// the number in [`Places::password_descriptor`].
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The arguments; never a secret.
    pub args: Vec<OsString>,
    /// The environment; holds secrets.
    pub env: Environment,
}

impl Command {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Backup(_) => Kind::Backup,
            Self::Init => Kind::Init,
            Self::CatConfig => Kind::CatConfig,
            Self::Snapshots(_) => Kind::Snapshots,
            Self::ListLocks => Kind::ListLocks,
            Self::CatLock(_) => Kind::CatLock,
            Self::Unlock | Self::UnlockAll => Kind::Unlock,
            Self::Stats(_) => Kind::Stats,
        }
    }

    /// Writes the command down for a restic with these capabilities.
    pub fn invocation(
        &self,
        capabilities: &Capabilities,
        access: &Access,
        places: &Places,
        limits: Limits,
    ) -> Invocation {
        Invocation {
            args: self.args(capabilities, limits),
            env: Environment::new(capabilities, access, places),
        }
    }

    fn args(&self, capabilities: &Capabilities, limits: Limits) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        // Under `--json`, 0.19 does not say how many locks it removed; that sentence is all that unlock tells.
        if self.kind() != Kind::Unlock {
            args.push("--json".into());
        }
        match self.kind() {
            Kind::CatConfig | Kind::Snapshots | Kind::ListLocks | Kind::CatLock | Kind::Stats => {
                args.push("--no-lock".into());
            }
            Kind::Backup | Kind::Init | Kind::Unlock => {}
        }
        if let Some(kib) = limits.upload_kib_per_s {
            args.push(format!("--limit-upload={kib}").into());
        }
        if let Some(kib) = limits.download_kib_per_s {
            args.push(format!("--limit-download={kib}").into());
        }
        match self {
            Self::Backup(backup) => backup.append_to(&mut args, capabilities),
            Self::Init => args.push("init".into()),
            Self::CatConfig => args.extend(["cat".into(), "config".into()]),
            Self::Snapshots(snapshots) => snapshots.append_to(&mut args),
            Self::ListLocks => args.extend(["list".into(), "locks".into()]),
            Self::CatLock(lock) => args.extend(["cat".into(), "lock".into(), lock.to_string().into()]),
            Self::Unlock => args.push("unlock".into()),
            Self::UnlockAll => args.extend(["unlock".into(), "--remove-all".into()]),
            Self::Stats(mode) => {
                let mode = match mode {
                    StatsMode::RawData => "--mode=raw-data",
                    StatsMode::RestoreSize => "--mode=restore-size",
                };
                args.extend(["stats".into(), mode.into()]);
            }
        }
        args
    }
}

/// Refuses what restic could take for something else than a value.
fn checked(what: &'static str, value: &str) -> Result<(), Refused> {
    if value.is_empty() || value.starts_with('-') || value.chars().any(char::is_control) {
        return Err(Refused::Value { what });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
