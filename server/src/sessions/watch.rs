//! [`JobWatch`]: the news of one job, for whoever watches it live.

use domain::id::JobId;
use domain::job::Progress;
use tokio::sync::watch;

use super::Handle;

/// The latest that is known of a job beside its row. It says that something is new; what it is, the database says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulse {
    /// The latest numbers; `None` while it does not run, or none have come yet.
    pub progress: Option<Progress>,
    /// Every line of the log before this one is committed, as far as this process has seen; 0 before any was.
    pub next_line: u64,
    /// Grows with every change of the job's row that this process has seen.
    pub changes: u64,
}

/// A watcher of one job. What it costs ends when it is dropped.
#[derive(Debug)]
pub struct JobWatch {
    job: JobId,
    news: Option<watch::Receiver<Pulse>>,
    registry: Handle,
}

impl JobWatch {
    pub(super) const fn new(job: JobId, news: watch::Receiver<Pulse>, registry: Handle) -> Self {
        Self {
            job,
            news: Some(news),
            registry,
        }
    }

    /// What is known now. What came before the watch began is not, but for the progress.
    pub fn pulse(&mut self) -> Pulse {
        self.news
            .as_mut()
            .map(|news| news.borrow_and_update().clone())
            .unwrap_or_default()
    }

    /// Waits for news; those that were not looked at are one. Dropping the future loses nothing.
    pub async fn changed(&mut self) -> Pulse {
        if let Some(news) = &mut self.news
            && news.changed().await.is_err()
        {
            // The server is ending; whoever watches is told so by others.
            std::future::pending::<()>().await;
        }
        self.pulse()
    }
}

impl Drop for JobWatch {
    fn drop(&mut self) {
        self.news = None;
        self.registry.unwatch(self.job);
    }
}
