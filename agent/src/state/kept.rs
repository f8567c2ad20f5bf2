//! What is kept of events that the server has committed: the beginning and the end of jobs, and the latest list of snapshots
//! of each repository.
//!
//! A server that is restored from a backup asks to go on behind an event that was deleted here long ago. With this it is
//! told again what it has lost. For 30 days, as long as the inbox knows which commands were done, and up to 16 MiB; the
//! oldest go first.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Timestamp;
use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::outbox::{Row, SNAPSHOTS, length};
use super::{COUNTERS, Error, State};

/// Tag, subject, scope, when it was committed in microseconds, and body.
type KeptRow<'a> = (u8, u128, u128, i64, &'a [u8]);

/// A row by the generation of the outbox that it was in, and its number there.
const KEPT: TableDefinition<'_, (u64, u64), KeptRow<'static>> = TableDefinition::new("outbox kept");
/// How often the outbox was numbered anew.
const GENERATION: &str = "outbox generation";

/// Events are kept for this long.
const KEPT_FOR: Duration = Duration::from_hours(30 * 24);
/// They have this in all.
const CAP_BYTES: u64 = 16 * 1024 * 1024;

/// Tag, subject, scope and body of an event that goes back into the outbox.
pub(super) type Taken = (u8, u128, u128, Vec<u8>);

/// Keeps what leaves the outbox, in the write in which it leaves.
pub(super) struct Keeper<'a> {
    table: Table<'a, (u64, u64), KeptRow<'static>>,
    generation: u64,
    now: Timestamp,
    added: u64,
    /// Repositories of which a new list came, and the jobs that made them.
    lists: BTreeSet<(u128, u128)>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(transaction: &'a WriteTransaction, now: Timestamp) -> Result<Self, redb::Error> {
        let generation = transaction
            .open_table(COUNTERS)?
            .get(GENERATION)?
            .map_or(0, |row| row.value());
        Ok(Self {
            table: transaction.open_table(KEPT)?,
            generation,
            now,
            added: 0,
            lists: BTreeSet::new(),
        })
    }

    pub(super) fn keep(&mut self, seq: u64, (tag, subject, scope, body): Row<'_>) -> Result<(), redb::Error> {
        if tag == SNAPSHOTS {
            self.lists.insert((subject, scope));
        }
        self.added += length(body);
        let row = (tag, subject, scope, self.now.as_micros(), body);
        self.table.insert((self.generation, seq), row)?;
        Ok(())
    }

    /// Drops what a newer list replaces and what is beyond the cap. Returns the bytes that are kept, which were `before`.
    pub(super) fn finish(mut self, before: u64) -> Result<u64, redb::Error> {
        let mut bytes = before + self.added;
        let newest: BTreeSet<(u128, u128)> = std::mem::take(&mut self.lists);
        if !newest.is_empty() {
            let is_replaced = |tag: u8, repository: u128, job: u128| {
                tag == SNAPSHOTS
                    && newest.iter().any(|(listed, _)| *listed == repository)
                    && !newest.contains(&(repository, job))
            };
            let replaced = self
                .table
                .extract_if(|_, (tag, subject, scope, _, _)| is_replaced(tag, subject, scope))?;
            for row in replaced {
                bytes = bytes.saturating_sub(length(row?.1.value().4));
            }
        }
        while bytes > CAP_BYTES {
            let Some((_, row)) = self.table.pop_first()? else { break };
            bytes = bytes.saturating_sub(length(row.value().4));
        }
        Ok(bytes)
    }
}

impl State {
    /// Forgets what was committed so long ago that no backup of a server is that old.
    pub fn forget_old_events(&mut self, now: Timestamp) -> Result<(), Error> {
        let oldest = now.saturating_sub(KEPT_FOR).as_micros();
        self.write("shorten what is kept of the outbox", |transaction| {
            transaction
                .open_table(KEPT)?
                .retain(|_, (_, _, _, kept_at, _)| kept_at >= oldest)?;
            Ok(())
        })?;
        self.kept_bytes = self.count_kept_bytes()?;
        Ok(())
    }

    pub(super) fn count_kept_bytes(&self) -> Result<u64, Error> {
        self.read("read what is kept of the outbox", |transaction| {
            let table = match transaction.open_table(KEPT) {
                // An earlier version kept nothing.
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
                other => other?,
            };
            let mut bytes = 0;
            for row in table.iter()? {
                bytes += length(row?.1.value().4);
            }
            Ok(bytes)
        })
    }
}

/// Takes out what a server lacks that has the events of the present generation up to `known`, and begins another
/// generation. One that has none of them may lack what was committed in earlier ones, too.
pub(super) fn take_behind(transaction: &WriteTransaction, known: u64) -> Result<Vec<Taken>, redb::Error> {
    let mut counters = transaction.open_table(COUNTERS)?;
    let generation = counters.get(GENERATION)?.map_or(0, |row| row.value());
    counters.insert(GENERATION, generation + 1)?;
    let first = if known == 0 { (0, 0) } else { (generation, known + 1) };
    let mut table = transaction.open_table(KEPT)?;
    let mut taken = Vec::new();
    for row in table.extract_from_if(first.., |_, _| true)? {
        let (_, row) = row?;
        let (tag, subject, scope, _, body) = row.value();
        taken.push((tag, subject, scope, body.to_vec()));
    }
    Ok(taken)
}
