//! Hosts: [`HostStatus`], whether a host's agent is there, and [`Inventory`], what the agent says about the machine.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::{ByteSize, ReportedText, Timestamp};

/// Whether a host's agent is there.
///
/// Source of the transitions: features.md, "Host status transitions".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostStatus {
    /// Enrolled, but its agent never connected.
    Pending,
    /// Its agent was heard lately.
    Online,
    /// Its agent has been silent beyond the limit.
    Offline,
    /// Two machines use its identity. It gets no commands and no secrets until an admin releases it.
    Quarantined,
    /// Its certificates are void. Only enrolling it anew makes it a host that is managed again.
    Revoked,
}

/// What moves a [`HostStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostEvent {
    /// Its agent opened a session.
    Hello,
    /// It was found silent beyond the limit, see [`Silence::judge`].
    FellSilent,
    /// Two live agents were found to use its identity.
    Quarantined,
    /// An admin released it from quarantine.
    Released,
    /// Somebody revoked it.
    Revoked,
    /// A machine was put in its place: its earlier certificates are void, and the agent with the new one has not connected.
    EnrolledAnew,
}

/// A word that is no status of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a status of a host: pending, online, offline, quarantined or revoked is needed")]
pub struct InvalidHostStatus;

impl HostStatus {
    /// All statuses.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Online,
        Self::Offline,
        Self::Quarantined,
        Self::Revoked,
    ];

    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Quarantined => "quarantined",
            Self::Revoked => "revoked",
        }
    }

    /// Whether the host may have certificates.
    pub const fn is_active(self) -> bool {
        match self {
            Self::Pending | Self::Online | Self::Offline => true,
            Self::Quarantined | Self::Revoked => false,
        }
    }

    /// Moves the status by one event. A quarantined host stays so whatever its agents do, and so does a revoked one; both
    /// begin again when the host is enrolled anew, because that voids every certificate that was issued before.
    #[must_use]
    pub const fn next(self, event: HostEvent) -> Self {
        match (event, self) {
            (HostEvent::EnrolledAnew, _) => Self::Pending,
            (_, Self::Revoked) | (HostEvent::Revoked, _) => Self::Revoked,
            (HostEvent::Quarantined, _) => Self::Quarantined,
            (HostEvent::Released, Self::Quarantined) | (HostEvent::FellSilent, Self::Online) => Self::Offline,
            (HostEvent::Hello, Self::Pending | Self::Online | Self::Offline) => Self::Online,
            (HostEvent::Hello | HostEvent::FellSilent, Self::Quarantined)
            | (HostEvent::FellSilent, Self::Pending | Self::Offline)
            | (HostEvent::Released, Self::Pending | Self::Online | Self::Offline) => self,
        }
    }
}

impl fmt::Display for HostStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HostStatus {
    type Err = InvalidHostStatus;

    fn from_str(text: &str) -> Result<Self, InvalidHostStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(InvalidHostStatus)
    }
}

/// A silence beyond the limit, as the reason why a host counts as offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// When its agent was last heard.
    pub since: Timestamp,
    /// How long that was ago.
    pub lasting: Duration,
    /// The limit that it exceeds.
    pub limit: Duration,
}

impl Silence {
    /// The limit unless it is configured otherwise.
    pub const DEFAULT_LIMIT: Duration = Duration::from_secs(90);

    /// Judges a host whose agent was last heard at `last_heard`, by the server's clock. `None` while it counts as there: a
    /// stream that just broke does not make a host offline, and neither does a clock that was set back.
    pub fn judge(last_heard: Timestamp, limit: Duration, now: Timestamp) -> Option<Self> {
        let lasting = now.since(last_heard);
        (lasting > limit).then_some(Self {
            since: last_heard,
            lasting,
            limit,
        })
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { since, lasting, limit } = self;
        write!(
            f,
            "its agent was last heard at {since}, {} seconds ago; the limit is {} seconds",
            lasting.as_secs(),
            limit.as_secs()
        )
    }
}

/// What an agent says about its machine, with each session. A stored document.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inventory {
    /// The name that the machine calls itself.
    pub hostname: ReportedText<253>,
    /// `linux` or `windows`.
    pub os: ReportedText<32>,
    /// Name and version of the system, such as `Debian GNU/Linux 12 (bookworm)`.
    pub os_version: ReportedText<200>,
    /// Such as `x86_64`.
    pub arch: ReportedText<32>,
    /// Version of the kernel.
    pub kernel: ReportedText<200>,
    /// IANA name; `None` when the agent could not tell.
    pub time_zone: Option<ReportedText<64>>,
    /// Version of the agent.
    pub agent_version: ReportedText<64>,
    /// Version of the restic that the agent found; `None` when it found none.
    pub restic_version: Option<ReportedText<64>>,
    /// Where the agent found it.
    pub restic_path: Option<ReportedText<1024>>,
    /// Logical processors.
    pub cpu_count: u32,
    /// Main memory.
    pub memory: ByteSize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_meets_every_event() {
        use HostEvent::{EnrolledAnew, FellSilent, Hello, Quarantined, Released, Revoked};
        for (status, nexts) in [
            ("pending", ["online", "pending", "quarantined", "pending", "revoked"]),
            ("online", ["online", "offline", "quarantined", "online", "revoked"]),
            ("offline", ["online", "offline", "quarantined", "offline", "revoked"]),
            (
                "quarantined",
                ["quarantined", "quarantined", "quarantined", "offline", "revoked"],
            ),
            ("revoked", ["revoked", "revoked", "revoked", "revoked", "revoked"]),
        ] {
            for (event, next) in [Hello, FellSilent, Quarantined, Released, Revoked, EnrolledAnew]
                .into_iter()
                .zip(nexts.into_iter().chain(["pending"]))
            {
                let status: HostStatus = status.parse().unwrap();

                assert_eq!(status.next(event).as_str(), next, "{status} + {event:?}");
            }
        }
    }

    #[test]
    fn a_host_is_silent_only_beyond_the_limit() {
        for (heard, now, silent) in [(0, 0, false), (0, 90, false), (0, 91, true), (100, 0, false)] {
            let silence = Silence::judge(time(heard), Silence::DEFAULT_LIMIT, time(now));

            assert_eq!(silence.is_some(), silent, "heard at {heard}, now {now}");
        }
    }

    #[test]
    fn a_silence_says_why_it_counts() {
        let silence = Silence::judge(time(0), Silence::DEFAULT_LIMIT, time(300)).unwrap();

        assert_eq!(
            silence.to_string(),
            "its agent was last heard at 1970-01-01T00:00:00Z, 300 seconds ago; the limit is 90 seconds"
        );
    }

    #[test]
    fn a_stored_inventory_survives_and_is_cleaned_when_read() {
        let inventory = Inventory {
            hostname: "web-01".into(),
            restic_version: Some("0.18.0".into()),
            memory: ByteSize::from_mib(512),
            ..Inventory::default()
        };

        let stored = serde_json::to_string(&inventory).unwrap();

        assert_eq!(serde_json::from_str::<Inventory>(&stored).unwrap(), inventory);
        let hostile = stored.replace("web-01", "web\\u001b[2J-01");
        assert_eq!(
            serde_json::from_str::<Inventory>(&hostile).unwrap().hostname.as_str(),
            "web[2J-01"
        );
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_seconds(second, 0).unwrap()
    }
}
