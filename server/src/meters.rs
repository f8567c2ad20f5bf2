//! [`Meters`]: what is used of each limit at the moment, and how often it was reached since the server started.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::{INGEST_ROWS, Limits};

/// What is measured at one limit. Clones share it.
#[derive(Debug, Clone)]
pub struct Meter(Arc<Gauge>);

#[derive(Debug)]
struct Gauge {
    limit: u64,
    in_use: AtomicU64,
    reached: AtomicU64,
}

/// A part of what a limit allows, in use until it is dropped.
#[derive(Debug)]
pub struct InUse {
    gauge: Arc<Gauge>,
    amount: u64,
}

/// What a meter shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The limit's stable name.
    pub name: &'static str,
    /// What is limited, in which unit, and what happens at the limit.
    pub meaning: &'static str,
    /// How much is allowed.
    pub limit: u64,
    /// How much is used at the moment; 0 for what is not held, such as a rate.
    pub in_use: u64,
    /// How often it was reached.
    pub reached: u64,
}

impl Meter {
    fn new(limit: u64) -> Self {
        Self(Arc::new(Gauge {
            limit,
            in_use: AtomicU64::new(0),
            reached: AtomicU64::new(0),
        }))
    }

    /// Counts that the limit was reached.
    pub fn reached(&self) {
        self.0.reached.fetch_add(1, Ordering::Relaxed);
    }

    /// How much is used at the moment.
    pub fn in_use(&self) -> u64 {
        self.0.in_use.load(Ordering::Relaxed)
    }

    /// Counts something as used.
    pub fn hold(&self, amount: u64) -> InUse {
        self.0.in_use.fetch_add(amount, Ordering::Relaxed);
        InUse {
            gauge: Arc::clone(&self.0),
            amount,
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.gauge.in_use.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

macro_rules! meters {
    ($($name:ident $limit:expr, $meaning:literal;)+) => {
        /// One meter for each limit. Clones share them.
        #[derive(Debug, Clone)]
        pub struct Meters {
            $(#[doc = $meaning] pub $name: Meter,)+
        }

        impl Meters {
            /// Meters for these limits.
            pub fn new(limits: &Limits) -> Self {
                let limit = |of: fn(&Limits) -> u64| of(limits);
                Self { $($name: Meter::new(limit($limit)),)+ }
            }

            /// What all of them show, by name.
            pub fn readings(&self) -> Vec<Reading> {
                vec![$(Reading {
                    name: stringify!($name),
                    meaning: $meaning,
                    limit: self.$name.0.limit,
                    in_use: self.$name.in_use(),
                    reached: self.$name.0.reached.load(Ordering::Relaxed),
                },)+]
            }
        }
    };
}

meters! {
    agent_events |limits| limits.events.per_second,
        "Messages of one agent in a second; one that says more is read later.";
    agent_listings |limits| limits.listings,
        "Lists of snapshots of one agent in a minute; one that sends more is read later.";
    agent_log |limits| limits.log.per_second,
        "Bytes of log of one agent in a second; more is read later.";
    agent_log_window |limits| limits.log_window.into(),
        "Bytes of packed log that one agent may send without credit; beyond it the session ends.";
    agent_message |limits| limits.message as u64,
        "Bytes of one message of an agent; a larger one ends the session.";
    agent_queue |limits| limits.queue_bytes as u64,
        "Bytes that may wait for one agent; one that does not read for ten seconds is cut off.";
    handshake_queue |limits| limits.handshake_queue as u64,
        "Connections to the agent port that wait for their TLS handshake; more are closed.";
    handshakes |limits| limits.handshakes as u64,
        "TLS handshakes at the agent port at the same time; more wait, and one that takes longer than five seconds is closed.";
    idle_connections |limits| limits.idle.as_secs(),
        "Seconds that a connection to the agent port may stand without a call; then it is closed.";
    ingest |_| INGEST_ROWS as u64,
        "Reports and pieces of log that are written together; more wait for the next time. In use: messages that wait.";
    log_ingest |limits| limits.log_ingest,
        "Bytes of packed log of all agents on their way into the database; more is sent again later.";
    open_files |_| 0,
        "Connections to either port that could not be accepted because the system had no file or memory left; accepting pauses.";
    snapshot_lists |_| domain::session::SnapshotPart::MAX_SNAPSHOTS,
        "Snapshots in one host's list; those beyond are left out.";
    stranger_connection_rate |limits| limits.connection_rate.per_second,
        "New connections of one address without an agent's certificate in a second; more are closed.";
    stranger_connections |limits| limits.connections as u64,
        "Open connections of one address without an agent's certificate; more are closed. In use: those of all addresses.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_counted_until_it_is_given_back() {
        let meters = Meters::new(&Limits::default());

        let held = meters.log_ingest.hold(5);
        meters.log_ingest.reached();
        let during = reading(&meters, "log_ingest");
        drop(held);

        assert_eq!((during.in_use, during.reached), (5, 1));
        assert_eq!(reading(&meters, "log_ingest").in_use, 0);
    }

    #[test]
    fn meters_are_in_order_and_say_what_they_mean() {
        let readings = Meters::new(&Limits::default()).readings();

        assert!(readings.is_sorted_by_key(|reading| reading.name));
        assert!(readings.iter().all(|reading| reading.meaning.ends_with('.')));
    }

    fn reading(meters: &Meters, name: &str) -> Reading {
        let readings = meters.readings();
        *readings.iter().find(|reading| reading.name == name).unwrap()
    }
}
