//! [`read_snapshots`]: reads the one huge line of `snapshots --json` entry by entry.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use domain::{ByteSize, SnapshotId, Timestamp};
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::fields::Fields;
use crate::{Error, Redactor};

/// The most that one entry may take. An honest one has a few hundred bytes and a path list.
pub const MAX_ENTRY_BYTES: usize = 1024 * 1024;

/// One snapshot as restic lists it.
///
/// Names and paths come from the repository, which may be hostile: they are neither shortened nor cleaned here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// When it was begun, by the clock of the host that made it.
    pub time: Timestamp,
    /// The host name it carries.
    pub hostname: String,
    /// The paths it was made of, absolute.
    pub paths: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The program that made it, such as `restic 0.18.0`; `None` before 0.16.
    pub program_version: Option<String>,
    /// Size of all its files; `None` before 0.17.
    pub size: Option<ByteSize>,
    /// How many files it has; `None` before 0.17.
    pub file_count: Option<u64>,
}

/// How a listing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// Entries handed on.
    pub count: usize,
    /// There were more than the limit; the rest was not looked at.
    pub truncated: bool,
}

/// Reads `snapshots --json`, in restic's order, and hands on at most `limit` entries.
///
/// Holds one entry at a time. An error means that the listing is not whole: what was handed on must not replace an
/// older list. Errors: [`Error::BrokenListing`], [`Error::OversizedEntry`], [`Error::UnusableEntry`].
pub fn read_snapshots(from: impl Read, limit: usize, each: impl FnMut(Snapshot)) -> Result<Listing, Error> {
    let budget = Budget::default();
    let reader = Budgeted {
        inner: BufReader::new(from),
        budget: budget.clone(),
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut entries = Entries {
        budget: budget.clone(),
        limit,
        each,
        count: 0,
        truncated: false,
        unusable: None,
    };
    let read = deserializer.deserialize_seq(&mut entries);
    if let Some((index, field)) = entries.unusable {
        return Err(Error::UnusableEntry { index, field });
    }
    // At the limit the rest stays unread, which serde_json reports as an array without an end.
    if !entries.truncated {
        read.and_then(|()| deserializer.end()).map_err(|source| {
            if budget.is_spent() {
                Error::OversizedEntry
            } else {
                Error::BrokenListing { source }
            }
        })?;
    }
    Ok(Listing {
        count: entries.count,
        truncated: entries.truncated,
    })
}

impl Snapshot {
    fn from_object(object: &Map<String, Value>) -> Result<Self, &'static str> {
        let redactor = Redactor::default();
        let fields = Fields::new(object, &redactor);
        let parsed = fields.raw("id").and_then(|id| id.parse().ok());
        let id = parsed.ok_or("id")?;
        let parsed = fields.raw("time").and_then(|time| time.parse().ok());
        let time = parsed.ok_or("time")?;
        let summary = fields.object("summary");
        let counted = |name| summary.and_then(|summary| summary.maybe_count(name));
        Ok(Self {
            id,
            time,
            hostname: fields.text("hostname"),
            paths: fields.texts("paths"),
            tags: fields.texts("tags"),
            program_version: fields.raw("program_version").map(str::to_owned),
            size: counted("total_bytes_processed").map(ByteSize::from_bytes),
            file_count: counted("total_files_processed"),
        })
    }
}

/// Walks over the array.
struct Entries<F> {
    budget: Budget,
    limit: usize,
    each: F,
    count: usize,
    truncated: bool,
    unusable: Option<(usize, &'static str)>,
}

impl<'de, F: FnMut(Snapshot)> Visitor<'de> for &mut Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of snapshots")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            self.budget.refill();
            if self.count == self.limit {
                self.truncated = list.next_element::<IgnoredAny>()?.is_some();
                return Ok(());
            }
            let Some(object) = list.next_element_seed(Entry)? else {
                return Ok(());
            };
            match Snapshot::from_object(&object) {
                Ok(snapshot) => (self.each)(snapshot),
                Err(field) => {
                    self.unusable = Some((self.count, field));
                    return Ok(());
                }
            }
            self.count += 1;
        }
    }
}

/// One entry as an object, whatever is in it.
struct Entry;

impl<'de> DeserializeSeed<'de> for Entry {
    type Value = Map<String, Value>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

/// How many bytes the entry at hand may still take. Shared between the reader, which spends it, and the walk over the
/// array, which refills it.
#[derive(Clone)]
struct Budget(Rc<Cell<usize>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MAX_ENTRY_BYTES)))
    }
}

impl Budget {
    fn refill(&self) {
        self.0.set(MAX_ENTRY_BYTES);
    }

    fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

struct Budgeted<R> {
    inner: R,
    budget: Budget,
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.0.get();
        if left == 0 {
            return Err(io::Error::other("an entry is too large"));
        }
        let most = buffer.len().min(left);
        let read = self.inner.read(&mut buffer[..most])?;
        self.budget.0.set(left - read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_one_by_one_with_what_the_version_knows() {
        let listing = format!(
            r#"[{{"time":"2026-05-01T02:00:00.5+02:00","paths":["/etc"],"hostname":"web-1","id":"{}"}},
                {{"time":"2026-05-02T00:00:00Z","tags":["a","b"],"program_version":"restic 0.18.0","id":"{}",
                  "summary":{{"total_files_processed":0,"total_bytes_processed":12}}}}]
            "#,
            id(1),
            id(2)
        );

        let (result, snapshots) = read(listing.as_bytes(), 10);

        let expected = Listing {
            count: 2,
            truncated: false,
        };
        assert_eq!(result.unwrap(), expected);
        assert_eq!(snapshots[0].time.to_string(), "2026-05-01T00:00:00.5Z");
        assert_eq!((snapshots[0].size, snapshots[0].file_count), (None, None));
        assert_eq!(snapshots[1].tags, ["a", "b"]);
        assert_eq!(
            (snapshots[1].size, snapshots[1].file_count),
            (Some(ByteSize::from_bytes(12)), Some(0))
        );
    }

    #[test]
    fn an_empty_list_is_whole_and_an_empty_output_is_not() {
        assert_eq!(read(b"[]\n", 10).0.unwrap().count, 0);
        for broken in ["", "null", "{}", "[", "[] trailing", "Fatal: no"] {
            assert!(
                matches!(read(broken.as_bytes(), 10).0, Err(Error::BrokenListing { .. })),
                "{broken}"
            );
        }
    }

    #[test]
    fn a_list_that_breaks_off_is_an_error_after_its_whole_entries() {
        let listing = entries(3);
        let (result, snapshots) = read(&listing.as_bytes()[..listing.len() - 20], 10);

        assert!(matches!(result, Err(Error::BrokenListing { .. })), "{result:?}");
        assert_eq!(snapshots.len(), 2);
    }

    #[test]
    fn reading_stops_at_the_limit_and_says_so() {
        let listing = entries(5);

        for (limit, count, truncated) in [(4, 4, true), (5, 5, false), (0, 0, true)] {
            let (result, snapshots) = read(listing.as_bytes(), limit);

            assert_eq!(result.unwrap(), Listing { count, truncated });
            assert_eq!(snapshots.len(), count);
        }
    }

    #[test]
    fn an_entry_beyond_the_limit_is_refused_while_it_is_read() {
        let endless = br#"[{"hostname":""#.chain(io::repeat(b'x'));
        let mut nothing = 0;

        let result = read_snapshots(endless, 10, |_| nothing += 1);

        assert!(matches!(result, Err(Error::OversizedEntry)), "{result:?}");
        assert_eq!(nothing, 0);
    }

    #[test]
    fn many_entries_may_together_be_larger_than_one() {
        let listing = entries(20_000);
        assert!(listing.len() > 2 * MAX_ENTRY_BYTES);

        let (result, _) = read(listing.as_bytes(), usize::MAX);

        assert_eq!(result.unwrap().count, 20_000);
    }

    #[test]
    fn an_entry_without_id_or_time_spoils_the_listing() {
        for (entry, field) in [
            (r#"{"time":"2026-05-01T00:00:00Z"}"#.to_owned(), "id"),
            (r#"{"time":"2026-05-01T00:00:00Z","id":"0f1e2d3c"}"#.to_owned(), "id"),
            (format!(r#"{{"time":"yesterday","id":"{}"}}"#, id(1)), "time"),
        ] {
            let (result, _) = read(format!("[{entry}]").as_bytes(), 10);

            assert!(
                matches!(result, Err(Error::UnusableEntry { index: 0, field: told }) if told == field),
                "{result:?}"
            );
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let deep = format!("[{{\"x\":{}", "[".repeat(100_000));

        assert!(matches!(read(deep.as_bytes(), 10).0, Err(Error::BrokenListing { .. })));
    }

    fn read(listing: &[u8], limit: usize) -> (Result<Listing, Error>, Vec<Snapshot>) {
        let mut snapshots = Vec::new();
        let result = read_snapshots(listing, limit, |snapshot| snapshots.push(snapshot));
        (result, snapshots)
    }

    fn entries(count: usize) -> String {
        let entries: Vec<String> = (0..count)
            .map(|number| {
                format!(
                    r#"{{"time":"2026-05-01T00:00:00Z","hostname":"web-1","id":"{}"}}"#,
                    id(number)
                )
            })
            .collect();
        format!("[{}]", entries.join(","))
    }

    fn id(number: usize) -> String {
        format!("{number:064x}")
    }
}
