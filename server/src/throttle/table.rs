//! A map with a bound: what was not touched for a while is forgotten, and under a flood the stalest goes first.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use domain::Timestamp;

#[derive(Debug)]
pub(super) struct Table<K, V> {
    entries: HashMap<K, Touched<V>>,
    capacity: usize,
    keep: Duration,
}

#[derive(Debug)]
struct Touched<V> {
    value: V,
    at: Timestamp,
}

impl<K: Eq + Hash, V: Default> Table<K, V> {
    /// Holds at most `capacity` entries, each for `keep` after it was last touched.
    pub(super) fn new(capacity: usize, keep: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            capacity,
            keep,
        }
    }

    /// The value of a key that was touched lately.
    pub(super) fn get(&self, key: &K, now: Timestamp) -> Option<&V> {
        let entry = self.entries.get(key)?;
        (now.since(entry.at) < self.keep).then_some(&entry.value)
    }

    /// The value of a key, new when the key was not touched lately. Touches it.
    pub(super) fn touch(&mut self, key: K, now: Timestamp) -> &mut V {
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        let new = || Touched {
            value: V::default(),
            at: now,
        };
        let entry = self.entries.entry(key).or_insert_with(new);
        if now.since(entry.at) >= self.keep {
            *entry = new();
        }
        entry.at = now;
        &mut entry.value
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Removes a quarter at once, so that a flood of new keys does not pay for a search each time.
    fn make_room(&mut self, now: Timestamp) {
        let keep = self.keep;
        self.entries.retain(|_, entry| now.since(entry.at) < keep);
        if self.entries.len() < self.capacity {
            return;
        }
        let mut times: Vec<Timestamp> = self.entries.values().map(|entry| entry.at).collect();
        let quarter = times.len() / 4;
        let (_, newest_to_go, _) = times.select_nth_unstable(quarter);
        let newest_to_go = *newest_to_go;
        let mut left_to_go = quarter + 1;
        self.entries.retain(|_, entry| {
            let goes = left_to_go > 0 && entry.at <= newest_to_go;
            left_to_go -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let mut table: Table<u32, u32> = Table::new(100, Duration::from_mins(1));

        for key in 0..10_000 {
            table.touch(key, at(0));
            assert!(table.entries.len() <= 100);
        }
        assert!(table.entries.len() >= 75, "only a quarter goes at once");
    }

    #[test]
    fn a_flood_drives_out_the_stalest_first() {
        let mut table: Table<u32, u32> = Table::new(100, Duration::from_mins(1));
        for key in 0..100 {
            *table.touch(key, at(i64::from(key % 50))) = 1;
        }

        table.touch(1_000, at(50));

        let survives = |key: u32| table.get(&key, at(50)).is_some();
        assert!((30..50).all(|key| survives(key) && survives(key + 50)));
        assert!(!survives(0) && !survives(50));
    }

    #[test]
    fn what_was_not_touched_lately_is_new_again() {
        let mut table: Table<&str, u32> = Table::new(100, Duration::from_mins(1));
        *table.touch("a", at(0)) = 7;

        assert_eq!(table.get(&"a", at(59)), Some(&7));
        assert_eq!(table.get(&"a", at(60)), None);
        assert_eq!(*table.touch("a", at(60)), 0);
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second, 0).unwrap()
    }
}
