//! Pages of long lists.

use domain::Timestamp;
use sea_orm::{ColumnTrait, Condition};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which part of a list is wanted. `C` is the list's cursor: the key of the last item of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<C> {
    /// How many items at most.
    pub size: u32,
    /// Begin behind this item; `None` is the beginning. The item need not exist any more.
    pub after: Option<C>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<C>,
    /// How many items the whole list has.
    pub total: u64,
}

/// The cursor of a list in the order of time: when the item was made, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeCursor {
    micros: i64,
    id: Uuid,
}

impl<C> PageRequest<C> {
    /// The first `size` items.
    pub const fn first(size: u32) -> Self {
        Self { size, after: None }
    }

    /// One row more than wanted tells whether a page follows.
    pub(super) fn limit(&self) -> u64 {
        u64::from(self.size) + 1
    }
}

impl<T, C> Page<T, C> {
    /// Makes a page of the up to [`PageRequest::limit`] rows that were found.
    pub(super) fn new(mut rows: Vec<T>, request: &PageRequest<C>, total: u64, cursor: impl Fn(&T) -> C) -> Self {
        let size = usize::try_from(request.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = if more { rows.last().map(cursor) } else { None };
        Self {
            items: rows,
            next,
            total,
        }
    }
}

impl TimeCursor {
    pub(super) fn new(at: Timestamp, id: Uuid) -> Self {
        Self {
            micros: at.as_micros(),
            id,
        }
    }

    /// What comes behind the cursor in a list with the newest first.
    pub(super) fn older<C: ColumnTrait>(&self, time: C, id: C) -> Condition {
        Condition::any()
            .add(time.lt(self.micros))
            .add(Condition::all().add(time.eq(self.micros)).add(id.lt(self.id)))
    }
}
