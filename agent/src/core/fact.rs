//! [`Fact`]: what must reach the server, whatever happens in between.

use domain::id::{JobId, RepositoryId};
use domain::job::JobKind;
use domain::session::{DesiredKind, Stamp};
use domain::snapshot::Snapshot;

use super::report::{End, SnapshotList};

/// A message has at most 256 KiB. A part stays at half of that, and one snapshot at half of a part.
const PART_BYTES: usize = 128 * 1024;
const SNAPSHOT_BYTES: usize = PART_BYTES / 2;
/// Ids, times, sizes and the lengths of texts.
const FIXED_BYTES: usize = 300;
/// A text has its length in front of it.
const TEXT_BYTES: usize = 4;

/// Something that happened, as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A job's turn came.
    JobStarted {
        /// Which.
        job: JobId,
        /// Its kind.
        kind: JobKind,
        /// The repository it works on.
        repository: RepositoryId,
    },
    /// restic runs.
    JobRunning {
        /// Which job.
        job: JobId,
    },
    /// restic has ended, the job has not.
    JobFinalizing {
        /// Which job.
        job: JobId,
    },
    /// A part of a list of snapshots; the list takes effect with its last part.
    Snapshots {
        /// The job that made the list.
        job: JobId,
        /// The repository it lists.
        repository: RepositoryId,
        /// Position of the part, from 0.
        part: u32,
        /// Whether it is the last.
        last: bool,
        /// The part.
        snapshots: Vec<Snapshot>,
    },
    /// A job has ended.
    JobFinished {
        /// Which.
        job: JobId,
        /// How.
        end: Box<End>,
    },
    /// A part of the desired state was stored, or could not be.
    DesiredApplied {
        /// Which part.
        kind: DesiredKind,
        /// Which version of it.
        stamp: Stamp,
        /// Why it could not be stored; `None` when it was.
        error: Option<String>,
    },
}

impl Fact {
    /// The job whose end it is.
    pub fn ends(&self) -> Option<JobId> {
        match self {
            Self::JobFinished { job, .. } => Some(*job),
            Self::JobStarted { .. }
            | Self::JobRunning { .. }
            | Self::JobFinalizing { .. }
            | Self::Snapshots { .. }
            | Self::DesiredApplied { .. } => None,
        }
    }
}

/// Cuts a list into parts. An empty list is one empty part: it says that there are no snapshots.
pub(super) fn snapshot_parts(job: JobId, list: SnapshotList) -> Vec<Fact> {
    let SnapshotList { repository, snapshots } = list;
    let mut parts: Vec<Vec<Snapshot>> = vec![Vec::new()];
    let mut bytes = 0;
    for mut snapshot in snapshots {
        shorten(&mut snapshot);
        let size = size(&snapshot);
        if bytes + size > PART_BYTES {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(snapshot);
        }
    }
    let final_part = parts.len() - 1;
    let parts = parts.into_iter().enumerate().map(|(part, snapshots)| Fact::Snapshots {
        job,
        repository,
        part: u32::try_from(part).unwrap_or(u32::MAX),
        last: part == final_part,
        snapshots,
    });
    parts.collect()
}

/// Names of others' snapshots come from the repository, which may be hostile. What does not fit is counted instead.
fn shorten(snapshot: &mut Snapshot) {
    let mut dropped = 0;
    while size(snapshot) > SNAPSHOT_BYTES {
        let dropped_one = snapshot.paths.pop().is_some() || snapshot.tags.pop().is_some();
        if !dropped_one {
            break;
        }
        dropped += 1;
    }
    if dropped > 0 {
        snapshot.paths.push(format!("… ({dropped} more)").into());
    }
}

fn size(snapshot: &Snapshot) -> usize {
    let paths = snapshot.paths.iter().map(|path| path.as_str().len() + TEXT_BYTES);
    let tags = snapshot.tags.iter().map(|tag| tag.as_str().len() + TEXT_BYTES);
    FIXED_BYTES + snapshot.restic_host.as_str().len() + paths.chain(tags).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_empty_list_is_one_empty_last_part() {
        let parts = parts(Vec::new());

        assert_eq!(parts, [(0, true, 0)]);
    }

    #[test]
    fn a_list_is_cut_by_size_and_only_the_last_part_says_so() {
        let small = parts(vec![snapshot(1); 10]);
        let large = parts(vec![snapshot(30); 5]);

        assert_eq!(small, [(0, true, 10)]);
        assert_eq!(large, [(0, false, 2), (1, false, 2), (2, true, 1)]);
    }

    #[test]
    fn a_snapshot_beyond_all_measure_is_shortened_and_says_so() {
        let mut huge = snapshot(1000);

        shorten(&mut huge);

        assert!(size(&huge) <= SNAPSHOT_BYTES + 100);
        let kept = huge.paths.len() - 1;
        assert_eq!(huge.paths[kept].as_str(), format!("… ({} more)", 1000 - kept));
    }

    fn parts(snapshots: Vec<Snapshot>) -> Vec<(u32, bool, usize)> {
        let list = SnapshotList {
            repository: RepositoryId::from_uuid(Uuid::nil()),
            snapshots,
        };
        let job = JobId::from_uuid(Uuid::nil());
        let cut = snapshot_parts(job, list).into_iter().map(|fact| match &fact {
            Fact::Snapshots {
                part, last, snapshots, ..
            } => (*part, *last, snapshots.len()),
            Fact::JobStarted { .. }
            | Fact::JobRunning { .. }
            | Fact::JobFinalizing { .. }
            | Fact::JobFinished { .. }
            | Fact::DesiredApplied { .. } => panic!("{fact:?}"),
        });
        cut.collect()
    }

    /// With paths of 2,000 bytes.
    fn snapshot(paths: usize) -> Snapshot {
        Snapshot {
            id: "ab".repeat(32).parse().unwrap(),
            time: Timestamp::UNIX_EPOCH,
            restic_host: "web-1".into(),
            paths: vec!["x".repeat(2000).as_str().into(); paths],
            tags: Vec::new(),
            size: None,
            file_count: None,
            program_version: None,
        }
    }
}
