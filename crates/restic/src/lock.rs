//! [`LockOwner`]: who holds the lock that restic ran into.

use std::fmt;

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
