//! The job that finds out how large the repository is, and which locks it holds.

use domain::job::{Problems, Summary};
use domain::repository::RepositoryStats;
use restic::{Command, Facts, Kind, Stats, StatsMode};

use super::{Job, Prepared, Run, Verdict, contradiction};

impl Job {
    /// Counts what the repository takes and what its snapshots would take, and looks at the locks.
    pub(super) async fn stats(&mut self, prepared: &Prepared) -> Verdict {
        const STEP: &str = "raw-data";
        if let Err(verdict) = self.recognise(prepared, STEP).await {
            return *verdict;
        }
        let command = Command::Stats(StatsMode::RawData);
        let run = match self.main(prepared, STEP, Kind::Stats, Some(command), &[]).await {
            Ok(run) => run,
            Err(verdict) => return *verdict,
        };
        match self.counted(prepared, &run).await {
            Ok(stats) => self.succeeded(Summary::Stats(stats), Problems::default(), run.exit, None),
            Err(verdict) => *verdict,
        }
    }

    async fn counted(&mut self, prepared: &Prepared, raw: &Run) -> Result<RepositoryStats, Box<Verdict>> {
        let raw = self.numbers(prepared, raw).await?;
        let command = Command::Stats(StatsMode::RestoreSize);
        let restored = self.ahead(prepared, "restore-size", Kind::Stats, command).await?;
        let restored = self.numbers(prepared, &restored).await?;
        let locks = self.locks(prepared).await?;
        Ok(RepositoryStats {
            raw_size: Some(raw.total),
            uncompressed_size: raw.uncompressed,
            restore_size: Some(restored.total),
            snapshot_count: restored.snapshots.or(raw.snapshots),
            locks: Some(locks),
        })
    }

    async fn numbers(&mut self, prepared: &Prepared, run: &Run) -> Result<Stats, Box<Verdict>> {
        match self.judged(prepared, run).await? {
            (Facts::Stats { stats }, _) => Ok(stats),
            _ => Err(Box::new(self.failed(contradiction()))),
        }
    }
}
