//! `restic backup`.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::checked;
use crate::{Capabilities, Refused};

/// What to save, and how. Becomes a [`Backup`] once it is checked.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// The host name in the snapshot: always the same for one host, since parents and retention go by it.
    pub host: String,
    /// The snapshot's one tag: the name of the source group.
    pub tag: String,
    /// The paths to save: at least one, all absolute, none inside `own_paths`. By name only: whoever calls this
    /// resolves symbolic links first.
    pub sources: Vec<PathBuf>,
    /// Patterns to leave out, in restic's notation. A later one wins over an earlier one, and `!` takes back.
    pub excludes: Vec<String>,
    /// The agent's own secrets, state, spool and cache: left out whatever the patterns say.
    pub own_paths: Vec<PathBuf>,
    /// Leaves out directories marked by a `CACHEDIR.TAG`.
    pub exclude_caches: bool,
    /// Stays on the file systems of the paths themselves.
    pub one_file_system: bool,
    /// How long to wait for another's exclusive lock; whole seconds. Without effect before restic 0.16, which fails at
    /// once.
    pub lock_wait: Duration,
}

/// A checked `backup` command.
#[derive(Debug, Clone)]
pub struct Backup(BackupOptions);

impl Backup {
    /// Checks the values.
    pub fn new(options: BackupOptions) -> Result<Self, Refused> {
        checked("a host name", &options.host)?;
        checked("a tag", &options.tag)?;
        if options.tag.contains(',') {
            return Err(Refused::CommaInTag);
        }
        if options.sources.is_empty() {
            return Err(Refused::NoSource);
        }
        for path in options.sources.iter().chain(&options.own_paths) {
            checked_path(path)?;
        }
        for pattern in &options.excludes {
            checked("an exclude pattern", pattern)?;
        }
        let is_own = |path: &&PathBuf| options.own_paths.iter().any(|own| path.starts_with(own));
        if let Some(path) = options.sources.iter().find(is_own) {
            return Err(Refused::OwnPath { path: path.clone() });
        }
        Ok(Self(options))
    }

    /// The paths that are saved, in the order given.
    pub fn sources(&self) -> &[PathBuf] {
        &self.0.sources
    }

    pub(super) fn append_to(&self, args: &mut Vec<OsString>, capabilities: &Capabilities) {
        let options = &self.0;
        if capabilities.retry_lock && !options.lock_wait.is_zero() {
            args.push(format!("--retry-lock={}s", options.lock_wait.as_secs()).into());
        }
        args.push("backup".into());
        args.push(format!("--host={}", options.host).into());
        args.push(format!("--tag={}", options.tag).into());
        if capabilities.backup_group_by {
            // Without it a changed path list has no parent and every file is read again.
            args.push("--group-by=host,tags".into());
        }
        if options.exclude_caches {
            args.push("--exclude-caches".into());
        }
        if options.one_file_system {
            args.push("--one-file-system".into());
        }
        args.extend(options.excludes.iter().map(|pattern| exclude(pattern.as_ref())));
        // Last, because a later pattern wins: no `!pattern` can take these back.
        args.extend(options.own_paths.iter().map(|path| exclude(&literal(path))));
        args.push("--".into());
        args.extend(options.sources.iter().map(|path| path.clone().into_os_string()));
    }
}

fn checked_path(path: &Path) -> Result<(), Refused> {
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if !path.is_absolute() || climbs || path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Refused::Path { path: path.to_owned() });
    }
    Ok(())
}

fn exclude(pattern: &std::ffi::OsStr) -> OsString {
    let mut arg = OsString::from("--exclude=");
    arg.push(pattern);
    arg
}

/// A pattern that matches this path and nothing else. A path that is not UTF-8 is taken as it is: bytes above 127 are
/// never special.
fn literal(path: &Path) -> OsString {
    let Some(text) = path.to_str() else {
        return path.as_os_str().to_owned();
    };
    // On Windows the backslash separates and cannot escape.
    if cfg!(windows) {
        return text.into();
    }
    let escaped = text.chars().fold(String::new(), |mut pattern, character| {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
        pattern
    });
    escaped.into()
}
