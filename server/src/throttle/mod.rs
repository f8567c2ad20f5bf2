//! Slows down guessing: budgets per client address, and a growing delay per address and user name.
//!
//! Everything is in memory and bounded; a restart forgets it.
//!
//! **Invariant:** only the pair of address and name is delayed, never an account, so nobody can lock a person out from
//! elsewhere.

mod budget;
mod failures;
mod table;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_sign_in_of_a_minute_waits_until_the_first_is_a_minute_old() {
        let throttle = Throttle::default();
        for second in 0..10 {
            assert_eq!(
                throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(second)),
                Ok(())
            );
        }

        let refused = throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(10));

        assert_eq!(refused, Err(Wait(Duration::from_secs(50))));
        assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)).is_ok());
        assert_eq!(
            throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)),
            Err(Wait(Duration::from_secs(1)))
        );
    }

    #[test]
    fn a_refused_attempt_uses_up_nothing() {
        let throttle = Throttle::default();
        for _ in 0..30 {
            let _ = throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0));
        }

        assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)).is_ok());
    }

    #[test]
    fn addresses_and_purposes_have_budgets_of_their_own() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0)).unwrap();
        }

        assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0)).is_err());
        assert!(throttle.take_turn(client("192.0.2.2"), Purpose::SignIn, at(0)).is_ok());
        assert!(throttle.take_turn(None, Purpose::SignIn, at(0)).is_ok());
        for _ in 0..60 {
            throttle.take_turn(client("192.0.2.1"), Purpose::Enroll, at(0)).unwrap();
        }
        assert!(throttle.take_turn(client("192.0.2.1"), Purpose::Enroll, at(0)).is_err());
    }

    #[test]
    fn one_ipv6_customer_and_one_mapped_address_count_as_one() {
        let throttle = Throttle::default();
        for host in 0..10 {
            let address = format!("2001:db8:0:1::{host}");
            throttle.take_turn(client(&address), Purpose::SignIn, at(0)).unwrap();
            throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0)).unwrap();
        }

        assert!(
            throttle
                .take_turn(client("2001:db8:0:1:ffff::"), Purpose::SignIn, at(0))
                .is_err()
        );
        assert!(
            throttle
                .take_turn(client("2001:db8:0:2::"), Purpose::SignIn, at(0))
                .is_ok()
        );
        assert!(
            throttle
                .take_turn(client("::ffff:192.0.2.1"), Purpose::SignIn, at(0))
                .is_err()
        );
    }

    #[test]
    fn five_failures_are_free_and_then_the_delay_doubles_to_a_quarter_of_an_hour() {
        let throttle = Throttle::default();
        let address = client("192.0.2.1");
        let mut now = at(0);
        let mut delays = Vec::new();
        for _ in 0..12 {
            let wait = throttle
                .check_failures(address, "anna", now)
                .err()
                .map_or(0, |wait| wait.0.as_secs());
            delays.push(wait);
            now = now.saturating_add(Duration::from_secs(wait));
            assert!(
                throttle.check_failures(address, "anna", now).is_ok(),
                "the wait is enough"
            );
            throttle.count_failure(address, "anna", now);
        }

        assert_eq!(delays, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn the_victim_can_sign_in_from_elsewhere_and_others_from_here() {
        let throttle = Throttle::default();
        for _ in 0..20 {
            throttle.count_failure(client("192.0.2.1"), "anna", at(0));
        }

        assert!(throttle.check_failures(client("192.0.2.1"), "anna", at(0)).is_err());
        assert!(throttle.check_failures(client("192.0.2.1"), "ANNA", at(0)).is_err());
        assert!(throttle.check_failures(client("192.0.2.2"), "anna", at(0)).is_ok());
        assert!(throttle.check_failures(client("192.0.2.1"), "bert", at(0)).is_ok());
    }

    #[test]
    fn a_good_sign_in_forgets_the_failures() {
        let throttle = Throttle::default();
        for _ in 0..6 {
            throttle.count_failure(client("192.0.2.1"), "anna", at(0));
        }

        throttle.forget_failures(client("192.0.2.1"), "anna");

        assert!(throttle.check_failures(client("192.0.2.1"), "anna", at(0)).is_ok());
    }

    #[test]
    fn an_hour_without_a_failure_forgets_them() {
        let throttle = Throttle::default();
        for _ in 0..12 {
            throttle.count_failure(client("192.0.2.1"), "anna", at(0));
        }

        throttle.count_failure(client("192.0.2.1"), "anna", at(3_600));

        assert!(throttle.check_failures(client("192.0.2.1"), "anna", at(3_600)).is_ok());
    }

    #[test]
    fn failures_of_one_minute_are_recorded_once() {
        let throttle = Throttle::default();
        let count = |name, second| throttle.count_failure(client("192.0.2.1"), name, at(second));

        assert!(count("anna", 0));
        assert!(!count("anna", 59));
        assert!(count("bert", 59));
        assert!(count("anna", 60));
        assert!(!count("anna", 61));
    }

    #[test]
    fn a_clock_that_steps_back_neither_frees_nor_traps() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            throttle
                .take_turn(client("192.0.2.1"), Purpose::SignIn, at(7_200))
                .unwrap();
        }

        let refused = throttle
            .take_turn(client("192.0.2.1"), Purpose::SignIn, at(0))
            .unwrap_err();

        assert_eq!(refused, Wait(WINDOW));
        assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)).is_ok());
    }

    #[expect(clippy::unnecessary_wraps, reason = "the form in which callers have it")]
    fn client(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_777_600_000 + second, 0).unwrap()
    }
}
