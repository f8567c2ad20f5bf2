//! The list of the host's snapshots: taken after a backup, and by the job that is about nothing else.

use std::path::Path;
use std::time::Duration;

use domain::job::{BackupSummary, FailureCode};
use domain::session::BackupOrder;
use domain::snapshot::Snapshot;
use restic::{Command, Exit, Kind, Snapshots, read_snapshots};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Job, LISTING_WITHIN, Prepared, Run};
use crate::core::{Report, SnapshotList};
use crate::runner::process;
use crate::{space, telemetry};

/// More snapshots than this are not reported: half a list must not replace a whole one.
const MAX_SNAPSHOTS: usize = 50_000;

/// How often it is looked whether a list would fit on the disk.
const LOOK_FOR_SPACE_EVERY: Duration = Duration::from_secs(2);
/// How long is looked. A job that does not end keeps its repository from the next ones.
const LOOK_FOR_SPACE_WITHIN: Duration = Duration::from_hours(1);

/// What became of the search for the snapshot of a backup that did not say what it made.
pub(super) enum Search {
    /// There it is, and all that are listed.
    Found(Box<BackupSummary>, Vec<Snapshot>),
    /// The list has none.
    Nothing,
    /// Somebody cancelled the job meanwhile.
    Cancelled,
    /// Whether there is one is not known, and why.
    Unknown(String),
}

/// How waiting for space on the disk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    There,
    Cancelled,
    StillShort,
}

impl Job {
    /// Lists the host's snapshots after a backup; `None` when there is no whole list.
    pub(super) async fn list(&mut self, prepared: &Prepared) -> Option<Vec<Snapshot>> {
        let command = Snapshots::of_host(self.settings.restic_host.clone()).ok()?;
        let run = self
            .aside(prepared, "snapshots", Command::Snapshots(command), LISTING_WITHIN)
            .await?;
        let listed = if let restic::Outcome::Ok(_) = run.outcome {
            read_list(&run.step)
        } else {
            Err(format!(
                "the snapshots could not be listed: {}",
                run.outcome.result_code()
            ))
        };
        match listed {
            Ok(snapshots) => Some(snapshots),
            Err(why) => {
                self.journal.say(&why);
                None
            }
        }
    }

    /// Finds the snapshot of a backup that ended well and did not say what it made: its last words did not fit on the disk.
    /// While that is full nothing can be listed, and the job waits, within its time.
    pub(super) async fn unreported(&mut self, prepared: &Prepared, order: &BackupOrder) -> Search {
        self.journal
            .say("restic ended well, and its last words are missing; its snapshot is looked for");
        let longest = Instant::now() + LOOK_FOR_SPACE_WITHIN;
        let until = self.deadline().map_or(longest, |deadline| deadline.min(longest));
        let state = self.options.places.state_dir();
        match wait_for_space(|| space::is_short(state), &self.cancel, until).await {
            Space::There => {}
            Space::Cancelled => return Search::Cancelled,
            Space::StillShort => return Search::Unknown("the disk of the agent's state stayed full".to_owned()),
        }
        let Some(list) = self.list(prepared).await else {
            return Search::Unknown("the snapshots could not be listed".to_owned());
        };
        let is_wanted = |snapshot: &&Snapshot| {
            let paths = snapshot.paths.iter().map(|path| Path::new(path.as_str()));
            snapshot.time >= self.started_at
                && paths.eq(order.paths.as_slice().iter().map(|path| Path::new(path.as_str())))
        };
        let Some(found) = list.iter().filter(is_wanted).max_by_key(|snapshot| snapshot.time) else {
            return Search::Nothing;
        };
        let summary = BackupSummary {
            snapshot: Some(found.id),
            files_processed: found.file_count.unwrap_or_default(),
            bytes_processed: found.size.unwrap_or_default(),
            ..BackupSummary::default()
        };
        Search::Found(Box::new(summary), list)
    }

    pub(super) async fn report_snapshots(&mut self, snapshots: Vec<Snapshot>) {
        self.journal.report_growth().await;
        let list = SnapshotList {
            repository: self.order.repository,
            snapshots,
        };
        self.journal.report(Report::Snapshots(list)).await;
    }
}

async fn wait_for_space(is_short: impl Fn() -> bool, cancel: &CancellationToken, until: Instant) -> Space {
    while is_short() {
        tokio::select! {
            () = cancel.cancelled() => return Space::Cancelled,
            () = tokio::time::sleep_until(until) => return Space::StillShort,
            () = tokio::time::sleep(LOOK_FOR_SPACE_EVERY) => {}
        }
    }
    Space::There
}

/// Whether a backup ended well by its code, and nothing it printed shows that.
pub(super) fn lacks_result(run: &Run) -> bool {
    let is_empty = matches!(&run.outcome, restic::Outcome::Failed { cause, .. } if cause.code == FailureCode::NoResult);
    is_empty && run.kind == Kind::Backup && run.exit == Exit::Code(0)
}

/// restic 0.14 names its snapshot by eight digits; the list has all of them.
pub(super) fn complete(summary: &mut BackupSummary, printed: &str, list: Option<&[Snapshot]>) {
    if summary.snapshot.is_none() {
        let found = list
            .unwrap_or_default()
            .iter()
            .find(|snapshot| snapshot.id.to_string().starts_with(printed));
        summary.snapshot = found.map(|snapshot| snapshot.id);
    }
}

pub(super) fn read_list(step: &Path) -> Result<Vec<Snapshot>, String> {
    let failed =
        |error: &dyn std::error::Error| format!("the snapshots could not be listed: {}", telemetry::chain(error));
    let file = std::fs::File::open(process::stdout_path(step)).map_err(|error| failed(&error))?;
    let mut snapshots = Vec::new();
    let listing = read_snapshots(file, MAX_SNAPSHOTS, |snapshot| snapshots.push(reported(snapshot)));
    match listing {
        Ok(listing) if listing.truncated => Err(format!(
            "this host has more than {MAX_SNAPSHOTS} snapshots in the repository; the list is not reported"
        )),
        Ok(_) => Ok(snapshots),
        Err(error) => Err(failed(&error)),
    }
}

fn reported(snapshot: restic::Snapshot) -> Snapshot {
    let restic::Snapshot {
        id,
        time,
        hostname,
        paths,
        tags,
        program_version,
        size,
        file_count,
    } = snapshot;
    Snapshot {
        id,
        time,
        restic_host: hostname.into(),
        paths: paths.into_iter().map(Into::into).collect(),
        tags: tags.into_iter().map(Into::into).collect(),
        size,
        file_count,
        program_version: program_version.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn space_is_waited_for_until_it_is_there_or_the_time_is_over_or_somebody_cancels() {
        let began = Instant::now();
        let until = began + Duration::from_mins(3);
        let freed = began + Duration::from_mins(1);
        let cancelled = CancellationToken::new();

        let there = wait_for_space(|| Instant::now() < freed, &cancelled, until).await;
        let after = began.elapsed();
        let short = wait_for_space(|| true, &cancelled, until).await;
        let at_last = began.elapsed();
        cancelled.cancel();
        let withdrawn = wait_for_space(|| true, &cancelled, until + Duration::from_mins(9)).await;

        assert_eq!(
            (there, short, withdrawn),
            (Space::There, Space::StillShort, Space::Cancelled)
        );
        assert!(
            after >= Duration::from_mins(1) && after < Duration::from_secs(63),
            "{after:?}"
        );
        assert_eq!(at_last, Duration::from_mins(3));
    }
}
