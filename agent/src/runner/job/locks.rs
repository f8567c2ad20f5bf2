//! Locks: those that a killed restic left, and the job that removes them.

use domain::job::{Summary, UnlockSummary};
use domain::repository::RepositoryLock;
use restic::{Command, Facts, Kind, Lock, LockId};

use super::{Job, LISTING_WITHIN, Prepared, UNLOCK_WITHIN, Verdict, contradiction, endpoint};
use crate::runner::doubt::Doubt;

impl Job {
    /// Shows the locks, with owner and age, and then removes those that were left behind, or all.
    pub(super) async fn unlock(&mut self, prepared: &Prepared, all: bool) -> Verdict {
        const STEP: &str = "unlock";
        if let Err(verdict) = self.recognise(prepared, STEP).await {
            return *verdict;
        }
        let found = match self.locks(prepared).await {
            Ok(found) => found,
            Err(verdict) => return *verdict,
        };
        let command = if all { Command::UnlockAll } else { Command::Unlock };
        let run = match self.main(prepared, STEP, Kind::Unlock, Some(command), &[]).await {
            Ok(run) => run,
            Err(verdict) => return *verdict,
        };
        let problems = match self.judged(prepared, &run).await {
            Ok((_, problems)) => problems,
            Err(verdict) => return *verdict,
        };
        // Without a second list nothing is known to be gone.
        let remaining = self.remaining(prepared).await;
        let stayed = |lock: &RepositoryLock| {
            let Some(remaining) = &remaining else { return true };
            remaining.iter().any(|id| id.to_string() == lock.id.as_str())
        };
        let (left, removed): (Vec<_>, Vec<_>) = found.into_iter().partition(stayed);
        self.journal
            .say(&format!("{} locks are gone, {} stay", removed.len(), left.len()));
        if remaining.is_some() {
            self.settle_doubt();
        }
        let summary = Summary::Unlock(UnlockSummary { removed, left });
        self.succeeded(summary, problems, run.exit, None)
    }

    /// Reads the locks and says in the log whose they are. Those beyond [`RepositoryLock::KEPT`] are only counted.
    pub(super) async fn locks(&mut self, prepared: &Prepared) -> Result<Vec<RepositoryLock>, Box<Verdict>> {
        let listed = self
            .ahead(prepared, "locks", Kind::ListLocks, Command::ListLocks)
            .await?;
        let Facts::ListLocks { ids } = self.judged(prepared, &listed).await?.0 else {
            return Err(Box::new(self.failed(contradiction())));
        };
        let mut locks = Vec::new();
        for (number, id) in ids.iter().take(RepositoryLock::KEPT).enumerate() {
            let step = format!("lock-{}", number + 1);
            let read = self
                .ahead(prepared, &step, Kind::CatLock, Command::CatLock(id.clone()))
                .await?;
            if let restic::Outcome::Failed { .. } = read.outcome {
                // Its owner has ended in the meantime.
                self.journal.say(&format!("lock {id} is gone, or cannot be read"));
                continue;
            }
            let Facts::CatLock { lock } = self.judged(prepared, &read).await?.0 else {
                return Err(Box::new(self.failed(contradiction())));
            };
            let lock = reported(id, lock);
            let age = self.options.clock.now().since(lock.since).as_secs() / 60;
            self.journal.say(&format!("found: {lock}, {age} minutes ago"));
            locks.push(lock);
        }
        match ids.len().saturating_sub(RepositoryLock::KEPT) {
            0 if ids.is_empty() => self.journal.say("there is no lock"),
            0 => {}
            more => self.journal.say(&format!("{more} more locks are not shown")),
        }
        Ok(locks)
    }

    /// What is to be done before a restic that takes a lock: an earlier one may have left its own.
    pub(super) async fn clear_doubt(&mut self, prepared: &Prepared) {
        if self.doubt().is_open() {
            self.journal
                .say("an earlier job on this repository was cut off; whether its lock stayed is looked at first");
            self.leave_no_lock(prepared).await;
        }
    }

    /// Notes that a restic is about to take a lock. A disk that does not take the note does not hold up the job.
    pub(super) fn raise_doubt(&mut self) {
        if let Err(error) = self.doubt().raise() {
            self.journal.say(&error.to_string());
        }
    }

    /// Notes that no lock of ours has stayed.
    pub(super) fn settle_doubt(&mut self) {
        if let Err(error) = self.doubt().settle() {
            self.journal.say(&error.to_string());
        }
    }

    /// restic that is killed leaves its lock, and retention then fails for days. Plain `unlock` removes only what is old
    /// or belongs to a process of this host that is gone. When it cannot be done now, the next job does it.
    pub(super) async fn leave_no_lock(&mut self, prepared: &Prepared) {
        if let Err(why) = endpoint::answers(prepared.access.url()).await {
            self.journal.say(&format!("whether a lock stayed is not known: {why}"));
            return;
        }
        let Some(listed) = self.remaining(prepared).await else {
            return;
        };
        if !listed.is_empty() {
            let unlocked = self.aside(prepared, "unlocking", Command::Unlock, UNLOCK_WITHIN).await;
            if !unlocked.is_some_and(|run| matches!(run.outcome, restic::Outcome::Ok(_))) {
                return;
            }
        }
        self.settle_doubt();
    }

    /// The ids of the locks that are there; `None` when they could not be listed.
    async fn remaining(&mut self, prepared: &Prepared) -> Option<Vec<LockId>> {
        let run = self
            .aside(prepared, "locks-left", Command::ListLocks, LISTING_WITHIN)
            .await?;
        match run.outcome {
            restic::Outcome::Ok(Facts::ListLocks { ids }) => Some(ids),
            restic::Outcome::Ok(_)
            | restic::Outcome::Issues { .. }
            | restic::Outcome::Failed { .. }
            | restic::Outcome::Cancelled
            | restic::Outcome::TimedOut
            | restic::Outcome::Interrupted => None,
        }
    }

    fn doubt(&self) -> Doubt {
        Doubt::about(&self.options.places, self.order.repository)
    }
}

fn reported(id: &LockId, lock: Lock) -> RepositoryLock {
    let Lock {
        time,
        exclusive,
        hostname,
        username,
        pid,
    } = lock;
    RepositoryLock {
        id: id.to_string().into(),
        exclusive,
        hostname: hostname.into(),
        username: username.into(),
        pid,
        since: time,
    }
}
