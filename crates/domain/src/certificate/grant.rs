//! [`grant`]: who may have another certificate, and which.

use std::time::Duration;

use super::Lifetime;
use crate::Timestamp;
use crate::host::HostStatus;

/// How long after its end a certificate can still be renewed, with the identity key.
pub const RENEWABLE_FOR: Duration = Duration::from_hours(24 * 60);
/// Certificates for different keys of one host are issued at least this part of their life apart.
const APART: u32 = 100;

/// A certificate that the host was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// SHA-256 of its public key info.
    pub key: [u8; 32],
    /// When it is in force.
    pub lifetime: Lifetime,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Whether it was declared void: revoked, or replaced by one that was seen in a session.
    pub is_void: bool,
}

/// What the host gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The certificate at this place of the list: the answer to the first of these requests, which may have got lost.
    Again(usize),
    /// A new one.
    New,
}

/// Why the host gets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It is quarantined or revoked.
    Inactive(HostStatus),
    /// The key had its time. A new one is needed each time.
    KeyUsed,
    /// One was issued a moment ago.
    TooSoon {
        /// How long to wait.
        wait: Duration,
    },
}

/// Decides about a request for `key` of a host that holds these certificates, newest first.
pub fn grant(held: &[Held], key: &[u8; 32], status: HostStatus, now: Timestamp) -> Result<Grant, Denied> {
    if !status.is_active() {
        return Err(Denied::Inactive(status));
    }
    if let Some(place) = held.iter().position(|held| held.key == *key) {
        let is_good = held
            .get(place)
            .is_some_and(|held| !held.is_void && !held.lifetime.has_ended(now));
        return if is_good {
            Ok(Grant::Again(place))
        } else {
            Err(Denied::KeyUsed)
        };
    }
    let Some(newest) = held.first() else {
        return Ok(Grant::New);
    };
    let wait = newest
        .issued_at
        .saturating_add(newest.lifetime.length() / APART)
        .since(now);
    if wait.is_zero() {
        Ok(Grant::New)
    } else {
        Err(Denied::TooSoon { wait })
    }
}

/// Whether a host whose newest certificate ended then may still have another with its identity key alone. One that has not
/// ended is no reason to refuse: the host's clock may be ahead of ours, or we may have forgotten its newest one.
pub fn may_renew_expired(newest: Lifetime, now: Timestamp) -> bool {
    now <= newest.not_after.saturating_add(RENEWABLE_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn an_active_host_gets_a_certificate_for_a_new_key() {
        for status in [HostStatus::Pending, HostStatus::Online, HostStatus::Offline] {
            assert_eq!(grant(&[held(1, 0)], &[2; 32], status, day(3)), Ok(Grant::New));
        }
    }

    #[test]
    fn a_host_that_is_not_active_gets_none_whatever_it_holds() {
        for status in [HostStatus::Quarantined, HostStatus::Revoked] {
            for key in [1, 2] {
                let denied = grant(&[held(1, 0)], &[key; 32], status, day(3));

                assert_eq!(denied, Err(Denied::Inactive(status)));
            }
        }
    }

    #[test]
    fn a_repeated_request_gets_the_same_certificate_also_behind_a_newer_one() {
        let all = [held(3, 4), held(2, 3)];

        assert_eq!(grant(&all, &[3; 32], HostStatus::Online, day(5)), Ok(Grant::Again(0)));
        assert_eq!(grant(&all, &[2; 32], HostStatus::Online, day(5)), Ok(Grant::Again(1)));
    }

    #[test]
    fn a_key_whose_certificate_is_void_or_over_is_used_up() {
        let void = Held {
            is_void: true,
            ..held(1, 0)
        };

        assert_eq!(
            grant(&[void], &[1; 32], HostStatus::Online, day(1)),
            Err(Denied::KeyUsed)
        );
        assert_eq!(
            grant(&[held(1, 0)], &[1; 32], HostStatus::Online, day(8)),
            Err(Denied::KeyUsed)
        );
    }

    #[test]
    fn certificates_for_different_keys_are_issued_apart() {
        let hundredth = Duration::from_secs(7 * 864);
        let issued = day(0);
        let ask = |after: Duration| {
            grant(
                &[held(1, 0)],
                &[2; 32],
                HostStatus::Online,
                issued.saturating_add(after),
            )
        };

        assert_eq!(ask(Duration::ZERO), Err(Denied::TooSoon { wait: hundredth }));
        assert_eq!(ask(hundredth), Ok(Grant::New));
        assert_eq!(
            ask(hundredth.saturating_sub(Duration::from_secs(1))),
            Err(Denied::TooSoon {
                wait: Duration::from_secs(1)
            })
        );
    }

    #[test]
    fn sixty_days_after_its_end_it_is_too_late() {
        let newest = held(1, 0).lifetime;

        for (at, expected) in [(0, true), (7, true), (67, true), (68, false)] {
            assert_eq!(may_renew_expired(newest, day(at)), expected, "day {at}");
        }
    }

    fn held(key: u8, since: i64) -> Held {
        Held {
            key: [key; 32],
            lifetime: Lifetime {
                not_before: day(since),
                not_after: day(since + 7),
            },
            issued_at: day(since),
            is_void: false,
        }
    }

    fn day(day: i64) -> Timestamp {
        Timestamp::from_seconds(day * DAY, 0).unwrap()
    }
}
