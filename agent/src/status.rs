//! [`Status`]: how the running agent stands, in a file for the command line. The state itself is held by the agent alone.

use std::fmt;
use std::path::Path;

use domain::Timestamp;
use domain::id::{HostId, JobId, RepositoryId};
use domain::job::JobKind;

use crate::sysinfo::boot_id;
use crate::{durable, space};

/// How the running agent stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Status {
    /// The agent's process.
    pub pid: u32,
    /// The start of the machine that the process belongs to.
    pub boot_id: String,
    /// The agent's version.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The host's id.
    pub host_id: HostId,
    /// Where it connects.
    pub agent_endpoint: String,
    /// Whether the session with the server is open.
    pub online: bool,
    /// Why it is not.
    pub trouble: Option<String>,
    /// The restic that jobs use; `None` when there is none.
    pub restic_version: Option<String>,
    /// Jobs that run.
    pub running: Vec<JobLine>,
    /// How many jobs wait.
    pub waiting: usize,
    /// Events that the server has not committed.
    pub unacknowledged_events: u64,
    /// When the host's certificate ends, unless it is renewed before.
    pub certificate_ends: Timestamp,
    /// Why it was not renewed although that is due.
    pub renewal_trouble: Option<RenewalTrouble>,
}

/// A renewal that does not come about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RenewalTrouble {
    /// Since when.
    pub since: Timestamp,
    /// What happened last.
    pub why: String,
}

/// A running job.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JobLine {
    /// Its id.
    pub job_id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// The repository it works on.
    pub repository_id: RepositoryId,
}

impl Status {
    /// Writes the file, whole. On a full disk in the place of the former one: this is when people look at it.
    pub fn write(&self, path: &Path) -> Result<(), durable::Error> {
        let content = serde_json::to_vec_pretty(self).unwrap_or_default();
        durable::write(path, &content).or_else(|error| {
            if space::is_used_up(&error) {
                durable::overwrite(path, &content)
            } else {
                Err(error)
            }
        })
    }

    /// Reads the file; `None` when no agent runs. One that a crash left behind is told by its process.
    pub fn read(path: &Path) -> Result<Option<Self>, durable::Error> {
        let content = durable::read(path)?;
        let status = content.and_then(|content| serde_json::from_slice::<Self>(&content).ok());
        Ok(status.filter(Self::is_of_a_living_process))
    }

    fn is_of_a_living_process(&self) -> bool {
        let is_there = !cfg!(target_os = "linux") || Path::new(&format!("/proc/{}", self.pid)).exists();
        is_there && self.boot_id == boot_id()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "host       {}", self.host_id)?;
        writeln!(f, "server     {}", self.agent_endpoint)?;
        match (self.online, &self.trouble) {
            (true, _) => writeln!(f, "session    open")?,
            (false, Some(trouble)) => writeln!(f, "session    none: {trouble}")?,
            (false, None) => writeln!(f, "session    none yet")?,
        }
        writeln!(
            f,
            "certificate until {}, renewed by itself before",
            self.certificate_ends
        )?;
        if let Some(trouble) = &self.renewal_trouble {
            writeln!(f, "           NOT RENEWED since {}: {}", trouble.since, trouble.why)?;
        }
        writeln!(
            f,
            "agent      {} since {}, process {}",
            self.version, self.started_at, self.pid
        )?;
        writeln!(
            f,
            "restic     {}",
            self.restic_version.as_deref().unwrap_or("none: no job can run")
        )?;
        for job in &self.running {
            writeln!(
                f,
                "running    {} {} on repository {}",
                job.kind, job.job_id, job.repository_id
            )?;
        }
        writeln!(f, "waiting    {}", self.waiting)?;
        write!(f, "to report  {}", self.unacknowledged_events)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_status_of_a_living_agent_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.json");
        let status = status();

        status.write(&path).unwrap();

        assert_eq!(Status::read(&path).unwrap(), Some(status));
    }

    #[test]
    fn a_status_that_a_crash_left_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.json");
        assert_eq!(Status::read(&path).unwrap(), None);

        let of_another_boot = Status {
            boot_id: "another".to_owned(),
            ..status()
        };
        of_another_boot.write(&path).unwrap();

        assert_eq!(Status::read(&path).unwrap(), None);
    }

    #[test]
    fn a_person_reads_what_is_wrong() {
        let offline = Status {
            online: false,
            trouble: Some("127.0.0.1:8443 does not answer".to_owned()),
            restic_version: None,
            renewal_trouble: Some(RenewalTrouble {
                since: Timestamp::UNIX_EPOCH,
                why: "Too many attempts. (rate_limited)".to_owned(),
            }),
            ..status()
        };

        let text = offline.to_string();

        assert!(
            text.contains("session    none: 127.0.0.1:8443 does not answer"),
            "{text}"
        );
        assert!(text.contains("no job can run"), "{text}");
        assert!(
            text.contains("NOT RENEWED since 1970-01-01T00:00:00Z: Too many attempts."),
            "{text}"
        );
    }

    fn status() -> Status {
        Status {
            pid: std::process::id(),
            boot_id: boot_id(),
            version: "0.1.0".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            host_id: HostId::from_uuid(Uuid::from_u128(1)),
            agent_endpoint: "https://backup.example.org:8443".to_owned(),
            online: true,
            trouble: None,
            restic_version: Some("0.18.0".to_owned()),
            running: vec![JobLine {
                job_id: JobId::from_uuid(Uuid::from_u128(2)),
                kind: JobKind::Backup,
                repository_id: RepositoryId::from_uuid(Uuid::from_u128(3)),
            }],
            waiting: 1,
            unacknowledged_events: 4,
            certificate_ends: Timestamp::UNIX_EPOCH,
            renewal_trouble: None,
        }
    }
}
