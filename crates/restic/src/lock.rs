//! [`LockOwner`]: who holds the lock that restic ran into; [`LockId`] and [`Lock`]: a lock that was listed and read.

use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use serde_json::Value;

/// The owner of a lock, read from restic's sentence.
///
/// Source: "repository is already locked exclusively by PID 7 on host by root (UID 0, GID 0)", alike from 0.14 to 0.19.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockOwner {
    /// Nobody else may use the repository meanwhile.
    pub exclusive: bool,
    /// The process on its host.
    pub pid: u32,
    /// The host's own name.
    pub host: String,
    /// The operating system's user.
    pub user: String,
    /// When it was taken, as restic wrote it: in the time zone of the host that ran into it, without saying so.
    pub since: Option<String>,
}

/// The name of a lock's file: 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockId(String);

/// A text that is no [`LockId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a lock: 64 lower-case hex digits are needed")]
pub struct InvalidLockId;

/// What a lock's file says. Source: `restic cat lock`, alike from 0.14 to 0.19.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// When it was taken or last renewed, by its host's clock.
    pub time: Timestamp,
    /// Nobody else may use the repository meanwhile.
    pub exclusive: bool,
    /// The host's own name.
    pub hostname: String,
    /// The operating system's user.
    pub username: String,
    /// The process on its host.
    pub pid: u32,
}

impl FromStr for LockId {
    type Err = InvalidLockId;

    fn from_str(text: &str) -> Result<Self, InvalidLockId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 64 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidLockId)
        }
    }
}

impl fmt::Display for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Lock {
    /// Reads what `cat lock` printed; `None` when it is no lock.
    pub(crate) fn parse(output: &str) -> Option<Self> {
        let lock: Value = serde_json::from_str(output).ok()?;
        let text = |name: &str| lock.get(name).and_then(Value::as_str).unwrap_or_default();
        Some(Self {
            time: text("time").parse().ok()?,
            exclusive: lock.get("exclusive").and_then(Value::as_bool).unwrap_or(false),
            hostname: text("hostname").to_owned(),
            username: text("username").to_owned(),
            pid: lock
                .get("pid")
                .and_then(Value::as_u64)
                .and_then(|pid| pid.try_into().ok())
                .unwrap_or(0),
        })
    }
}

impl LockOwner {
    /// Finds the sentence in what restic said; `None` when it is not there.
    pub fn find(text: &str) -> Option<Self> {
        let (_, owner) = text.split_once("repository is already locked ")?;
        let exclusive = owner.starts_with("exclusively ");
        let owner = owner
            .strip_prefix("exclusively ")
            .unwrap_or(owner)
            .strip_prefix("by PID ")?;
        let (pid, owner) = owner.split_once(" on ")?;
        let line = owner.lines().next()?;
        let line = line.split_once(" (UID ").map_or(line, |(line, _)| line);
        let (host, user) = line.rsplit_once(" by ")?;
        let since = text.split_once("lock was created at ").and_then(|(_, since)| {
            let (since, _) = since.split_once(" (")?;
            Some(since.to_owned())
        });
        Some(Self {
            exclusive,
            pid: pid.parse().ok()?,
            host: host.to_owned(),
            user: user.to_owned(),
            since,
        })
    }
}

impl fmt::Display for LockOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.exclusive { "locked exclusively" } else { "locked" };
        let Self { pid, host, user, .. } = self;
        write!(f, "{how} by process {pid} of {user} on {host}")?;
        match &self.since {
            Some(since) => write!(f, " since {since} (local time)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_restic_lists_and_nothing_else() {
        let id = "7e93be8de0f0582db89253b629f58d8ae0c725e6b9311428d026c2863fbbf10a";

        assert_eq!(id.parse::<LockId>().unwrap().to_string(), id);
        for text in ["", "7e93be8d", &id.to_uppercase(), "--remove-all", &format!("{id}0")] {
            assert_eq!(text.parse::<LockId>(), Err(InvalidLockId), "{text}");
        }
    }

    #[test]
    fn a_lock_without_a_time_is_none() {
        let lock =
            r#"{"time":"2026-11-22T01:37:07.715456896Z","exclusive":true,"hostname":"h","username":"u","pid":7}"#;

        let read = Lock::parse(lock).unwrap();

        assert_eq!((read.exclusive, read.pid, read.hostname.as_str()), (true, 7, "h"));
        assert_eq!(Lock::parse("{}"), None);
        assert_eq!(Lock::parse("unable to read"), None);
    }

    #[test]
    fn the_owner_is_found_in_the_sentence() {
        let text = "unable to create lock in backend: repository is already locked exclusively by PID 17257 on \
                    sample-host by root (UID 0, GID 0)\nlock was created at 2026-11-22 01:37:07 (1.6s ago)\n\
                    storage ID 7e93be8d";

        let owner = LockOwner::find(text).unwrap();

        assert_eq!(
            owner.to_string(),
            "locked exclusively by process 17257 of root on sample-host since 2026-11-22 01:37:07 (local time)"
        );
    }

    #[test]
    fn odd_names_and_missing_parts_are_taken_as_they_come() {
        for (text, expected) in [
            (
                "repository is already locked by PID 7 on HOST 1 by DOM\\back by up",
                Some("locked by process 7 of up on HOST 1 by DOM\\back"),
            ),
            ("repository is already locked by PID x on host by root", None),
            ("repository is already locked", None),
            ("another text", None),
        ] {
            let owner = LockOwner::find(text).map(|owner| owner.to_string());

            assert_eq!(owner.as_deref(), expected, "{text}");
        }
    }
}
