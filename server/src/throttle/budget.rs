//! So many attempts per client within any minute.

use std::collections::VecDeque;
use std::time::Duration;

use domain::Timestamp;

use super::table::Table;
use super::{Client, WINDOW};

/// Clients that are remembered at the same time.
const CLIENTS: usize = 10_000;

/// The attempts of the last minute, at most `N` per client.
#[derive(Debug)]
pub(super) struct Budgets<const N: usize>(Table<Client, VecDeque<Timestamp>>);

impl<const N: usize> Default for Budgets<N> {
    fn default() -> Self {
        Self(Table::new(CLIENTS, WINDOW))
    }
}

impl<const N: usize> Budgets<N> {
    /// Counts an attempt, or says how long to wait. A refused attempt is not counted.
    pub(super) fn take(&mut self, client: Client, now: Timestamp) -> Option<Duration> {
        let attempts = self.0.touch(client, now);
        for attempt in attempts.iter_mut() {
            // After the clock stepped back: as if it had just been made, instead of blocking until the clock is there again.
            *attempt = (*attempt).min(now);
        }
        while attempts.front().is_some_and(|oldest| now.since(*oldest) >= WINDOW) {
            attempts.pop_front();
        }
        if attempts.len() < N {
            attempts.push_back(now);
            return None;
        }
        attempts.front().map(|oldest| WINDOW.saturating_sub(now.since(*oldest)))
    }
}
