//! Slows down guessing: budgets per client address, and a growing delay per address and user name.
//!
//! Everything is in memory and bounded; a restart forgets it.
//!
//! **Invariant:** only the pair of address and name is delayed, never an account, so nobody can lock a person out from
//! elsewhere.

mod budget;
mod failures;
mod table;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;

use budget::Budgets;
use failures::Failures;

/// The window of a budget.
const WINDOW: Duration = Duration::from_mins(1);
const SIGN_INS: usize = 10;
/// More than for people, because a rollout comes from behind one address.
const ENROLLMENTS: usize = 60;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To sign in, or to make the first admin: 10 times a minute.
    SignIn,
    /// To enroll a host: 60 times a minute.
    Enroll,
}

/// Not now: how long to wait before trying again. At least a second and whole seconds, as clients are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct Wait(pub Duration);

/// Remembers who tried what, and when. An address that is not known counts as one client of its own.
#[derive(Debug, Default)]
pub struct Throttle {
    sign_ins: Mutex<Budgets<SIGN_INS>>,
    enrollments: Mutex<Budgets<ENROLLMENTS>>,
    failures: Mutex<Failures>,
}

impl Throttle {
    /// Counts an attempt of an address, unless its budget for the last minute is used up.
    pub fn take_turn(&self, address: Option<IpAddr>, purpose: Purpose, now: Timestamp) -> Result<(), Wait> {
        let client = Client::from(address);
        let wait = match purpose {
            Purpose::SignIn => lock(&self.sign_ins).take(client, now),
            Purpose::Enroll => lock(&self.enrollments).take(client, now),
        };
        refused(wait)
    }

    /// Whether an address must still wait before it may try this user name again: after 5 failures for half a
    /// minute, which doubles with each further one up to 15 minutes. An hour without a failure forgets them.
    pub fn check_failures(&self, address: Option<IpAddr>, username: &str, now: Timestamp) -> Result<(), Wait> {
        refused(lock(&self.failures).wait(Client::from(address), username, now))
    }

    /// Counts a failed sign-in. True when it should be recorded: the first of its address and name within a minute.
    pub fn count_failure(&self, address: Option<IpAddr>, username: &str, now: Timestamp) -> bool {
        lock(&self.failures).count(Client::from(address), username, now)
    }

    /// Forgets the failures of an address and name, after a sign-in that went well.
    pub fn forget_failures(&self, address: Option<IpAddr>, username: &str) {
        lock(&self.failures).forget(Client::from(address), username);
    }
}

/// Who is counted as one: an IPv4 address, or the /64 that one IPv6 customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Client(Option<IpAddr>);

impl From<Option<IpAddr>> for Client {
    fn from(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            IpAddr::V4(address) => address.into(),
        }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(wait: Option<Duration>) -> Result<(), Wait> {
    match wait {
        None => Ok(()),
        Some(wait) => {
            let started_second = u64::from(wait.subsec_nanos() > 0);
            Err(Wait(Duration::from_secs((wait.as_secs() + started_second).max(1))))
        }
    }
}
