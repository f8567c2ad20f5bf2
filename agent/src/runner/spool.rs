//! [`Spool`]: what running jobs leave on the disk.
//!
//! ```text
//! spool/<job>/job.json            when the job's turn came
//! spool/<job>/log/<line>.log      the log as it is sent, in segments
//! spool/<job>/<step>/             one run of restic: its output, and who it is
//! ```
//!
//! A job's directory lives until the server has committed its end and its log. The steps go as soon as the end is in the
//! outbox: until then they are what an interrupted agent continues from.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use domain::Timestamp;
use domain::id::JobId;

use super::log::LogWriter;
use crate::durable;
use crate::sysinfo::SinceBoot;

const FACTS: &str = "job.json";
const LOG: &str = "log";

/// The directory of all jobs.
#[derive(Debug, Clone)]
pub struct Spool {
    root: PathBuf,
}

/// The directory of one job.
#[derive(Debug, Clone)]
pub struct JobDirectory {
    path: PathBuf,
}

/// A job that an earlier life of the agent left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leftover {
    /// Which.
    pub job: JobId,
    /// When its turn came.
    pub started_at: Timestamp,
    /// Lines of its log.
    pub log_lines: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Facts {
    started_at: Timestamp,
    /// The same by the clock that never steps; `None` where there is none, and before an agent wrote it.
    #[serde(default)]
    since_boot: Option<SinceBoot>,
}

impl Spool {
    /// Names the directory and makes it.
    pub fn open(root: PathBuf) -> Result<Self, durable::Error> {
        durable::create_directory(&root)?;
        Ok(Self { root })
    }

    /// The directory of a job, which may not be there.
    pub fn job(&self, job: JobId) -> JobDirectory {
        JobDirectory {
            path: self.root.join(job.to_string()),
        }
    }

    /// The jobs that an earlier life of the agent left. A directory without facts belongs to a job that did not begin, and is
    /// removed, unless something was begun in it: then its facts are damaged, and taking it for one that did not begin would
    /// run the job twice.
    pub fn leftovers(&self) -> Result<Vec<Leftover>, durable::Error> {
        let read = |source| durable::Error::new("read", &self.root, source);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(read)? {
            let name = entry.map_err(read)?.file_name();
            let Some(job) = name.to_str().and_then(|name| name.parse::<JobId>().ok()) else {
                continue;
            };
            let directory = self.job(job);
            let log_lines = directory.log().map_or(0, |log| log.lines());
            let started_at = match directory.started_at()? {
                Some(started_at) => started_at,
                None if log_lines > 0 || directory.has_steps()? => {
                    let path = directory.path.join(FACTS);
                    tracing::error!(job.id = %job, "{} is damaged; the job is taken up all the same", path.display());
                    directory.made_at()
                }
                None => {
                    directory.remove()?;
                    continue;
                }
            };
            found.push(Leftover {
                job,
                started_at,
                log_lines,
            });
        }
        found.sort_by_key(|leftover| leftover.started_at);
        Ok(found)
    }

    /// Removes the oldest of these jobs until the logs of the rest have at most `cap` bytes. Returns those that went.
    pub fn shorten(&self, mut ended: Vec<Leftover>, cap: u64) -> Result<Vec<JobId>, durable::Error> {
        ended.sort_by_key(|leftover| leftover.started_at);
        let sizes: Vec<u64> = ended.iter().map(|one| self.job(one.job).log_bytes()).collect();
        let mut total: u64 = sizes.iter().sum();
        let mut gone = Vec::new();
        for (one, size) in ended.into_iter().zip(sizes) {
            if total <= cap {
                break;
            }
            self.job(one.job).remove()?;
            total -= size;
            gone.push(one.job);
        }
        Ok(gone)
    }
}

impl JobDirectory {
    /// Makes the directory when a job's turn has come; what is there stays.
    pub fn begin(&self, started_at: Timestamp) -> Result<(), durable::Error> {
        durable::create_directory(&self.log_directory())?;
        if self.started_at()?.is_some() {
            return Ok(());
        }
        let facts = Facts {
            started_at,
            since_boot: SinceBoot::now(),
        };
        let content = serde_json::to_vec(&facts).unwrap_or_default();
        durable::write(&self.path.join(FACTS), &content)?;
        durable::sync_directory(durable::parent(&self.path))
    }

    /// When the job's turn came; `None` when that was never written.
    pub fn started_at(&self) -> Result<Option<Timestamp>, durable::Error> {
        Ok(self.facts()?.map(|facts| facts.started_at))
    }

    /// How long ago the job's turn came, which was `started_at` by the wall clock. That may have been set since, so it is asked
    /// only where there is no other.
    pub fn running_for(&self, started_at: Timestamp, now: Timestamp) -> Duration {
        let begun = self.facts().ok().flatten().and_then(|facts| facts.since_boot);
        let elapsed = begun.and_then(|begun| SinceBoot::now()?.since(&begun));
        elapsed.unwrap_or_else(|| now.since(started_at))
    }

    fn facts(&self) -> Result<Option<Facts>, durable::Error> {
        let content = durable::read(&self.path.join(FACTS))?;
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// Whether a restic was started in it, or was about to be.
    fn has_steps(&self) -> Result<bool, durable::Error> {
        let read = |source| durable::Error::new("read", &self.path, source);
        for entry in fs::read_dir(&self.path).map_err(read)? {
            let entry = entry.map_err(read)?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != LOG {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When something was last made or removed in it, which is not before the job's turn came.
    fn made_at(&self) -> Timestamp {
        let modified = fs::metadata(&self.path).and_then(|metadata| metadata.modified());
        let since_epoch = modified
            .ok()
            .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Timestamp::UNIX_EPOCH.saturating_add(since_epoch.unwrap_or_default())
    }

    /// The directory of one run of restic.
    pub fn step(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens the log for writing, behind what is there.
    pub fn log(&self) -> std::io::Result<LogWriter> {
        LogWriter::open(self.log_directory())
    }

    /// The directory of the log's segments.
    pub fn log_directory(&self) -> PathBuf {
        self.path.join(LOG)
    }

    fn log_bytes(&self) -> u64 {
        let entries = fs::read_dir(self.log_directory()).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    /// Removes what restic wrote; the log stays.
    pub fn remove_steps(&self) -> Result<(), durable::Error> {
        let read = |source| durable::Error::new("read", &self.path, source);
        let entries = match fs::read_dir(&self.path) {
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(read)?,
        };
        for entry in entries {
            let entry = entry.map_err(read)?;
            let is_step = entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != LOG;
            if is_step {
                durable::remove_directory(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes all of it.
    pub fn remove(&self) -> Result<(), durable::Error> {
        durable::remove_directory(&self.path)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::wire::{LogLine, LogStream};

    #[test]
    fn a_begun_job_is_found_again_with_its_start_and_its_log() {
        let (_directory, spool) = spool();
        let began = spool.job(job(1));
        began.begin(time(5)).unwrap();
        began.begin(time(9)).unwrap();
        began.log().unwrap().append(&line("one")).unwrap();
        fs::create_dir(spool.job(job(2)).path()).unwrap();
        fs::create_dir(spool.root.join("something else")).unwrap();

        let leftovers = spool.leftovers().unwrap();

        let expected = Leftover {
            job: job(1),
            started_at: time(5),
            log_lines: 1,
        };
        assert_eq!(leftovers, [expected]);
        assert!(!spool.job(job(2)).path().exists());
    }

    #[test]
    fn a_job_whose_facts_are_damaged_is_not_taken_for_one_that_never_began() {
        let (_directory, spool) = spool();
        for (number, facts) in [(1, ""), (2, "{\"started_at\":")] {
            let directory = spool.job(job(number));
            directory.begin(time(5)).unwrap();
            fs::create_dir(directory.step("backup")).unwrap();
            fs::write(directory.path().join(FACTS), facts).unwrap();
        }

        let jobs: Vec<JobId> = spool.leftovers().unwrap().into_iter().map(|found| found.job).collect();

        assert_eq!(jobs, [job(1), job(2)]);
        assert!(spool.job(job(1)).step("backup").exists());
    }

    #[test]
    fn how_long_a_job_runs_does_not_depend_on_the_wall_clock() {
        let (_directory, spool) = spool();
        let directory = spool.job(job(1));
        directory.begin(time(5)).unwrap();
        let years_later = time(5).saturating_add(Duration::from_hours(10 * 365 * 24));

        assert!(directory.running_for(time(5), years_later) < Duration::from_mins(1));
        // Facts of an agent that wrote less.
        fs::write(directory.path().join(FACTS), r#"{"started_at":"1970-01-01T00:00:05Z"}"#).unwrap();
        assert_eq!(directory.started_at().unwrap(), Some(time(5)));
        assert_eq!(directory.running_for(time(5), time(8)), Duration::from_secs(3));
    }

    #[test]
    fn steps_go_before_the_log_does() {
        let (_directory, spool) = spool();
        let directory = spool.job(job(1));
        directory.begin(time(5)).unwrap();
        directory.log().unwrap().append(&line("one")).unwrap();
        fs::create_dir(directory.step("backup")).unwrap();

        directory.remove_steps().unwrap();
        assert!(!directory.step("backup").exists());
        assert_eq!(directory.log().unwrap().lines(), 1);

        directory.remove().unwrap();
        assert!(!directory.path().exists());
        assert!(directory.remove_steps().is_ok() && directory.remove().is_ok());
    }

    #[test]
    fn the_oldest_logs_go_first_and_no_more_than_needed() {
        let (_directory, spool) = spool();
        for number in 1..=4 {
            let directory = spool.job(job(number));
            directory.begin(time(i64::try_from(number).unwrap())).unwrap();
            fs::write(directory.log_directory().join("1.log"), [0; 100]).unwrap();
        }
        let mut all = spool.leftovers().unwrap();
        all.reverse();

        let gone = spool.shorten(all, 250).unwrap();

        assert_eq!(gone, [job(1), job(2)]);
        assert!(!spool.job(job(2)).path().exists() && spool.job(job(3)).path().exists());
    }

    fn spool() -> (tempfile::TempDir, Spool) {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path().join("spool")).unwrap();
        (directory, spool)
    }

    fn line(text: &str) -> LogLine {
        LogLine {
            at: time(1),
            stream: LogStream::Agent,
            text: text.to_owned(),
        }
    }

    fn job(number: u128) -> JobId {
        JobId::from_uuid(Uuid::from_u128(number))
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_seconds(second, 0).unwrap()
    }
}
