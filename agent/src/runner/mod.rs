//! Runs restic: one task per job, one wrapper process per run of restic, its output in the spool.
//!
//! ```text
//! Runner::start ─► Job ─► prepare   credentials, binary, sources, address
//!                      ─► process   agent ─► exec-restic (wrapper) ─► restic
//!                      ─► follow    stdout, stderr ─► transcript, log, progress;  cancel, deadline
//!                      ─► restic::classify ─► the end
//! ```
//!
//! **Invariant:** the death of the agent does not touch a running restic. It writes into files, its password is in a pipe
//! that it has read, and its wrapper waits for it. The next agent finds it and goes on.
//!
//! **Invariant:** a run has a directory that must not exist before, and is locked as long as anybody of it lives. So there
//! are never two restics for one run.
//!
//! **Invariant:** the password is in a pipe and nowhere else: not in an argument, not in an environment, not in a file.

mod doubt;
mod endpoint;
mod follow;
mod job;
mod journal;
mod log;
mod mark;
mod prepare;
mod process;
mod spool;
pub mod wrapper;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::id::JobId;
use domain::job::FailureCause;
use domain::session::{AgentSettings, HeldRepository};
use domain::{Clock, Timestamp};
use restic::Search;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use log::{Lines, LogReader};
pub use spool::{Leftover, Spool};

use crate::config::Places;
use crate::core::{Order, Report};
use crate::durable;
use job::Job;
use journal::Journal;

/// Reports that wait for the core. A job waits when there are more.
const REPORTS: usize = 64;

/// What all jobs share.
pub struct Options {
    /// The agent's own directories.
    pub places: Places,
    /// The agent's own program, for the wrapper.
    pub wrapper: PathBuf,
    /// Where restic is.
    pub search: Search,
    /// The pause between asking restic to stop, telling it to terminate and killing it.
    pub grace: Duration,
    /// For the log.
    pub clock: Arc<dyn Clock>,
}

/// A job whose turn has come, with what it needs.
#[derive(Debug)]
pub struct Task {
    /// What to do.
    pub order: Order,
    /// When its turn came.
    pub started_at: Timestamp,
    /// What opens the repository, or why it cannot be had.
    pub credentials: Result<HeldRepository, FailureCause>,
    /// How jobs run on this host.
    pub settings: AgentSettings,
}

/// How a job that runs is reached.
struct Running {
    cancel: CancellationToken,
    task: AbortHandle,
}

/// Runs jobs.
pub struct Runner {
    options: Arc<Options>,
    spool: Spool,
    running: HashMap<JobId, Running>,
    tasks: TaskTracker,
    reports: mpsc::Sender<(JobId, Report)>,
}

impl Runner {
    /// Makes the directories that restic needs. The receiver hands on what the jobs report.
    pub fn open(options: Options) -> Result<(Self, mpsc::Receiver<(JobId, Report)>), durable::Error> {
        let places = &options.places;
        let spool = Spool::open(places.spool())?;
        durable::create_directory(places.cache_dir())?;
        durable::create_directory(&places.temporary())?;
        let (reports, receiver) = mpsc::channel(REPORTS);
        let runner = Self {
            options: Arc::new(options),
            spool,
            running: HashMap::new(),
            tasks: TaskTracker::new(),
            reports,
        };
        Ok((runner, receiver))
    }

    /// The directories of jobs.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Runs a job, or goes on with what an earlier life of the agent began of it.
    pub fn start(&mut self, task: Task) {
        let Task {
            order,
            started_at,
            credentials,
            settings,
        } = task;
        let id = order.job;
        let directory = self.spool.job(id);
        let credentials = match directory.begin(started_at) {
            Ok(()) => credentials,
            // A restic without this would be unknown to the next life of the agent, and be started again.
            Err(error) => Err(prepare::not_begun(&error)),
        };
        let log = directory.log();
        if let Err(error) = &log {
            tracing::warn!(job.id = %id, %error, "the job runs without a log");
        }
        let cancel = CancellationToken::new();
        let job = Job {
            journal: Journal::new(id, Arc::clone(&self.options.clock), log.ok(), self.reports.clone()),
            options: Arc::clone(&self.options),
            order,
            started_at,
            credentials,
            settings,
            directory,
            cancel: cancel.clone(),
        };
        let task = self.tasks.spawn(job.run()).abort_handle();
        self.running.insert(id, Running { cancel, task });
    }

    /// Ends a running job.
    pub fn cancel(&self, job: JobId) {
        if let Some(running) = self.running.get(&job) {
            running.cancel.cancel();
        }
    }

    /// Stops following all jobs, whose restics go on. Nobody follows them any more when this returns.
    pub async fn halt(&mut self) {
        for (_, running) in self.running.drain() {
            running.task.abort();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The end of a job is on disk: what restic wrote is not needed any more.
    pub fn ended(&mut self, job: JobId) -> Result<(), durable::Error> {
        self.running.remove(&job);
        self.spool.job(job).remove_steps()
    }

    /// Stops waiting for jobs to say something, and gives those that were cancelled a moment to end.
    pub async fn abandon(&self, within: Duration) {
        self.tasks.close();
        // Whether they end in time is no matter: their processes are told already.
        let _ = tokio::time::timeout(within, self.tasks.wait()).await;
    }

    /// The server has the end of a job and its log.
    pub fn forget(&self, job: JobId) -> Result<(), durable::Error> {
        self.spool.job(job).remove()
    }
}
