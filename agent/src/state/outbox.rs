//! The outbox: events in the order they happened, kept until the server has committed them.
//!
//! What tells the story of a job is kept beyond that, see `kept`: a server that is set back to an older copy of itself has
//! forgotten what it had committed.

use std::collections::BTreeMap;
use std::ops::Bound;

use domain::id::{CommandId, JobId, OutboxIncarnation, RepositoryId};
use domain::{IdSource, Timestamp};
use redb::{ReadableTable as _, ReadableTableMetadata as _, TableDefinition, WriteTransaction};
use uuid::Uuid;

use super::kept::{self, Keeper};
use super::{COUNTERS, DOCUMENTS, Error, INCARNATION, State, inbox};
use crate::core::Contents;

/// Tag, subject, scope and body of an event by its number. What subject and scope are depends on the tag.
pub(super) type Row<'a> = (u8, u128, u128, &'a [u8]);

const OUTBOX: TableDefinition<'_, u64, Row<'static>> = TableDefinition::new("outbox");
/// The number that the next event will bear. Acknowledged events are deleted, so the rows alone do not say it.
const NEXT_SEQ: &str = "outbox next seq";

/// What the events may have in all. Beyond it superseded lists are emptied and no listing is begun.
const CAP_BYTES: u64 = 64 * 1024 * 1024;

const PLAIN: u8 = 0;
const END: u8 = 1;
pub(super) const SNAPSHOTS: u8 = 2;
const START: u8 = 3;

/// An event to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// What the outbox must know about it.
    pub tag: Tag,
    /// The event, encoded, without its number.
    pub body: &'a [u8],
}

/// What the outbox must know about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Nothing.
    Plain,
    /// It is the beginning of a job's work.
    StartOf(JobId),
    /// It is the end of a job.
    EndOf(JobId),
    /// It is a part of a list of snapshots; a later list of the same repository makes it worthless.
    SnapshotsOf {
        /// The repository that is listed.
        repository: RepositoryId,
        /// The job that made the list.
        job: JobId,
    },
}

/// Events for one message.
pub type Batch = Vec<(u64, Vec<u8>)>;

impl State {
    /// Appends an event and returns its number. `closes` is marked as done in the same write.
    pub fn append(&mut self, entry: Entry<'_>, closes: Option<CommandId>) -> Result<u64, Error> {
        let (tag, subject, scope) = entry.tag.columns();
        let seq = self.write("append to the outbox", |transaction| {
            let mut counters = transaction.open_table(COUNTERS)?;
            let seq = counters.get(NEXT_SEQ)?.map_or(1, |next| next.value());
            counters.insert(NEXT_SEQ, seq + 1)?;
            transaction
                .open_table(OUTBOX)?
                .insert(seq, (tag, subject, scope, entry.body))?;
            if let Some(command) = closes {
                inbox::close(transaction, command)?;
            }
            Ok(seq)
        })?;
        self.outbox_bytes += length(entry.body);
        Ok(seq)
    }

    /// What the outbox holds.
    pub fn contents(&self) -> Result<Contents, Error> {
        self.read("read the outbox", |transaction| {
            let next_seq = transaction
                .open_table(COUNTERS)?
                .get(NEXT_SEQ)?
                .map_or(1, |next| next.value());
            let outbox = transaction.open_table(OUTBOX)?;
            let first = outbox.first()?.map_or(next_seq, |(seq, _)| seq.value());
            let mut ends = BTreeMap::new();
            for row in outbox.iter()? {
                let (seq, row) = row?;
                if let (END, job, _, _) = row.value() {
                    ends.insert(seq.value(), JobId::from_uuid(Uuid::from_u128(job)));
                }
            }
            Ok(Contents {
                next_seq,
                acknowledged: first - 1,
                ends,
            })
        })
    }

    /// Reads events for one message: those behind `after` up to `through`, at most `max_count` and, but for the first, at
    /// most `max_bytes`.
    pub fn batch(&self, after: u64, through: u64, max_count: usize, max_bytes: usize) -> Result<Batch, Error> {
        self.read("read the outbox", |transaction| {
            let outbox = transaction.open_table(OUTBOX)?;
            let mut batch = Batch::new();
            let mut bytes = 0;
            for row in outbox.range((Bound::Excluded(after), Bound::Included(through)))? {
                let (seq, row) = row?;
                let (_, _, _, body) = row.value();
                bytes += body.len();
                if batch.len() == max_count || (bytes > max_bytes && !batch.is_empty()) {
                    break;
                }
                batch.push((seq.value(), body.to_vec()));
            }
            Ok(batch)
        })
    }

    /// Deletes what the server has committed. What tells the story of a job goes to what is kept of it.
    pub fn forget_events(&mut self, through: u64, now: Timestamp) -> Result<(), Error> {
        let (freed, kept) = self.write("shorten the outbox", |transaction| {
            let mut outbox = transaction.open_table(OUTBOX)?;
            let mut keeper = Keeper::new(transaction, now)?;
            let mut freed = 0;
            for row in outbox.extract_from_if(..=through, |_, _| true)? {
                let (seq, row) = row?;
                let (tag, subject, scope, body) = row.value();
                freed += length(body);
                if matches!(tag, START | END | SNAPSHOTS) {
                    keeper.keep(seq.value(), (tag, subject, scope, body))?;
                }
            }
            Ok((freed, keeper.finish(self.kept_bytes)?))
        })?;
        self.outbox_bytes = self.outbox_bytes.saturating_sub(freed);
        self.kept_bytes = kept;
        Ok(())
    }

    /// Begins a new incarnation with what a server does not have that has the events up to `known` and no more: what it had
    /// committed once and has lost, as far as that is kept, and what is left. Numbered from 1.
    pub fn restart_outbox(&mut self, known: u64, ids: &dyn IdSource) -> Result<Contents, Error> {
        let incarnation = ids.next_uuid();
        self.write("restart the outbox", |transaction| {
            let mut missing = kept::take_behind(transaction, known)?;
            let mut outbox = transaction.open_table(OUTBOX)?;
            for row in outbox.extract_if(|_, _| true)? {
                let (_, row) = row?;
                let (tag, subject, scope, body) = row.value();
                missing.push((tag, subject, scope, body.to_vec()));
            }
            let mut next_seq = 1;
            for (tag, subject, scope, body) in missing {
                outbox.insert(next_seq, (tag, subject, scope, body.as_slice()))?;
                next_seq += 1;
            }
            transaction.open_table(COUNTERS)?.insert(NEXT_SEQ, next_seq)?;
            transaction
                .open_table(DOCUMENTS)?
                .insert(INCARNATION, incarnation.as_bytes().as_slice())?;
            Ok(())
        })?;
        self.incarnation = OutboxIncarnation::from_uuid(incarnation);
        self.outbox_bytes = self.count_outbox_bytes()?;
        self.kept_bytes = self.count_kept_bytes()?;
        self.contents()
    }

    /// Whether the outbox is beyond its cap.
    pub fn is_outbox_full(&self) -> bool {
        self.outbox_bytes > CAP_BYTES
    }

    /// Empties lists that a later list of the same repository replaces. They keep their numbers, since the server takes
    /// events without gaps; `emptied` makes the event that stands in their place.
    pub fn empty_superseded(&mut self, emptied: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), Error> {
        self.write("shorten the outbox", |transaction| {
            let mut outbox = transaction.open_table(OUTBOX)?;
            // The newest list of each repository, by the job that made it.
            let mut newest = BTreeMap::new();
            for row in outbox.iter()? {
                let (_, row) = row?;
                if let (SNAPSHOTS, repository, job, _) = row.value() {
                    newest.insert(repository, job);
                }
            }
            let mut shorter = Vec::new();
            for row in outbox.iter()? {
                let (seq, row) = row?;
                if let (SNAPSHOTS, repository, job, body) = row.value()
                    && newest.get(&repository) != Some(&job)
                {
                    shorter.push((seq.value(), repository, job, emptied(body)));
                }
            }
            for (seq, repository, job, body) in shorter {
                outbox.insert(seq, (SNAPSHOTS, repository, job, body.as_slice()))?;
            }
            Ok(())
        })?;
        self.outbox_bytes = self.count_outbox_bytes()?;
        Ok(())
    }

    pub(super) fn count_outbox_bytes(&self) -> Result<u64, Error> {
        self.read("read the outbox", |transaction| {
            let outbox = transaction.open_table(OUTBOX)?;
            if outbox.is_empty()? {
                return Ok(0);
            }
            let mut bytes = 0;
            for row in outbox.iter()? {
                bytes += length(row?.1.value().3);
            }
            Ok(bytes)
        })
    }
}

impl Tag {
    fn columns(self) -> (u8, u128, u128) {
        match self {
            Self::Plain => (PLAIN, 0, 0),
            Self::StartOf(job) => (START, job.as_uuid().as_u128(), 0),
            Self::EndOf(job) => (END, job.as_uuid().as_u128(), 0),
            Self::SnapshotsOf { repository, job } => {
                (SNAPSHOTS, repository.as_uuid().as_u128(), job.as_uuid().as_u128())
            }
        }
    }
}

pub(super) fn create(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(OUTBOX)?;
    Ok(())
}

pub(super) fn length(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}
