//! How long to wait before the next connection.

use std::time::Duration;

use domain::retry::Backoff;
use domain::session::{Goodbye, GoodbyeReason};

const BASE: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_mins(1);
/// A stream that held this long was healthy; only then are earlier failures forgotten.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);
/// A server that does not want this agent is asked again after 5 to 15 minutes.
const SLOW_LANE: Duration = Duration::from_mins(5);
const SLOW_LANE_JITTER: Duration = Duration::from_mins(10);
/// The longest wait that the server can ask for.
const LONGEST_HINT: Duration = Duration::from_hours(1);

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// It could not be made or it broke.
    Broken,
    /// The server does not accept the certificate (any more), or does not know the host.
    Unauthenticated,
    /// The server knows the host and does not want it as it is: it is not active.
    Unwanted,
    /// The server does not speak this protocol.
    ProtocolTooOld,
    /// The server has too much to do.
    Busy {
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// Another agent with this identity is connected, or seems to be: this machine may have been restarted before the server
    /// knew that the old connection is dead.
    Duplicate {
        /// When the server will know better.
        retry_after: Option<Duration>,
    },
    /// The server said goodbye.
    Farewell(Goodbye),
}

/// The state of trying again.
#[derive(Debug)]
pub(super) struct Reconnect {
    backoff: Backoff,
    spread: Duration,
}

impl Reconnect {
    pub(super) fn new() -> Self {
        Self {
            backoff: Backoff::new(BASE, CAP),
            spread: Duration::ZERO,
        }
    }

    /// Notes what the server's welcome said about the first wait after this session.
    pub(super) fn welcomed(&mut self, spread: Duration) {
        self.spread = spread.min(LONGEST_HINT);
    }

    /// The wait before the first connection.
    pub(super) fn first_wait(random: f64) -> Duration {
        Backoff::new(BASE, CAP).next_wait(random)
    }

    /// The wait after a loss. `open_for` is how long the session was open; `None` when it never was.
    pub(super) fn next_wait(&mut self, loss: &Loss, open_for: Option<Duration>, random: f64) -> Duration {
        let was_healthy = open_for.is_some_and(|open| open >= HEALTHY_AFTER);
        if was_healthy {
            self.backoff.reset();
        }
        match loss {
            Loss::Unauthenticated | Loss::Unwanted | Loss::ProtocolTooOld | Loss::Duplicate { retry_after: None } => {
                slow_lane(random)
            }
            Loss::Duplicate {
                retry_after: Some(hint),
            } => hinted(*hint),
            Loss::Busy {
                retry_after: Some(hint),
            } => hinted(*hint) + self.backoff.next_wait(random),
            Loss::Farewell(farewell) => match (farewell.retry_after, farewell.reason) {
                (Some(hint), _) => hinted(hint),
                // Somebody else runs with this identity, or it is void. Coming back at once would start a tug of war.
                (
                    None,
                    GoodbyeReason::Superseded
                    | GoodbyeReason::Revoked
                    | GoodbyeReason::CertificateRevoked
                    | GoodbyeReason::Quarantined,
                ) => slow_lane(random),
                (None, GoodbyeReason::Shutdown | GoodbyeReason::SlowConsumer | GoodbyeReason::ProtocolError) => {
                    self.usual(was_healthy, random)
                }
            },
            Loss::Broken | Loss::Busy { retry_after: None } => self.usual(was_healthy, random),
        }
    }

    fn usual(&mut self, was_healthy: bool, random: f64) -> Duration {
        if was_healthy {
            return self.spread.mul_f64(random.clamp(0.0, 1.0));
        }
        self.backoff.next_wait(random)
    }
}

fn slow_lane(random: f64) -> Duration {
    SLOW_LANE + SLOW_LANE_JITTER.mul_f64(random.clamp(0.0, 1.0))
}

fn hinted(hint: Duration) -> Duration {
    hint.min(LONGEST_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_back_off_to_a_minute() {
        let mut reconnect = Reconnect::new();

        let waits: Vec<u64> = (0..9)
            .map(|_| {
                reconnect
                    .next_wait(&Loss::Broken, None, 0.999_999_999)
                    .as_secs_f64()
                    .ceil()
            })
            .map(|seconds| format!("{seconds}").parse().unwrap())
            .collect();

        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn only_a_minute_of_health_forgets_the_failures() {
        let mut reconnect = Reconnect::new();
        reconnect.welcomed(Duration::from_secs(100));
        for _ in 0..6 {
            reconnect.next_wait(&Loss::Broken, None, 0.5);
        }

        let after_a_short_session = reconnect.next_wait(&Loss::Broken, Some(Duration::from_secs(59)), 0.5);
        let after_a_healthy_one = reconnect.next_wait(&Loss::Broken, Some(Duration::from_mins(1)), 0.5);
        let and_when_that_fails = reconnect.next_wait(&Loss::Broken, None, 0.5);

        assert_eq!(after_a_short_session, Duration::from_secs(30));
        assert_eq!(after_a_healthy_one, Duration::from_secs(50));
        assert_eq!(and_when_that_fails, Duration::from_millis(500));
    }

    #[test]
    fn a_server_that_does_not_want_us_is_asked_seldom() {
        for loss in [
            Loss::Unauthenticated,
            Loss::Unwanted,
            Loss::ProtocolTooOld,
            Loss::Duplicate { retry_after: None },
            farewell(GoodbyeReason::Superseded, None),
            farewell(GoodbyeReason::CertificateRevoked, None),
            farewell(GoodbyeReason::Quarantined, None),
        ] {
            let mut reconnect = Reconnect::new();

            assert_eq!(
                reconnect.next_wait(&loss, None, 0.0),
                Duration::from_mins(5),
                "{loss:?}"
            );
            assert_eq!(
                reconnect.next_wait(&loss, None, 0.5),
                Duration::from_mins(10),
                "{loss:?}"
            );
        }
    }

    #[test]
    fn a_hint_of_the_server_counts_within_reason() {
        let mut reconnect = Reconnect::new();
        let busy = |seconds| Loss::Busy {
            retry_after: Some(Duration::from_secs(seconds)),
        };

        let leaving = farewell(GoodbyeReason::Shutdown, Some(Duration::from_secs(17)));
        let superseded = farewell(GoodbyeReason::Superseded, Some(Duration::from_mins(1)));
        let refused = Loss::Duplicate {
            retry_after: Some(Duration::from_secs(31)),
        };

        assert_eq!(reconnect.next_wait(&superseded, None, 0.9), Duration::from_mins(1));
        assert_eq!(reconnect.next_wait(&refused, None, 0.9), Duration::from_secs(31));
        assert_eq!(reconnect.next_wait(&leaving, None, 0.9), Duration::from_secs(17));
        assert_eq!(reconnect.next_wait(&busy(20), None, 0.5), Duration::from_millis(20_500));
        assert_eq!(
            reconnect.next_wait(&busy(1_000_000), None, 0.0),
            Duration::from_hours(1)
        );
    }

    fn farewell(reason: GoodbyeReason, retry_after: Option<Duration>) -> Loss {
        Loss::Farewell(Goodbye { reason, retry_after })
    }
}
