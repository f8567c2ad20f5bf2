//! The registry of id newtypes.
//!
//! Inside each is a UUID, version 7 unless a comment says otherwise, so ids sort by creation. The text form on every
//! face is the plain hyphenated UUID; `Debug` and parse errors name the kind.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind} id: a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057 is needed")]
pub struct InvalidId {
    /// The kind of id that was wanted, such as `host`.
    pub kind: &'static str,
}

/// Where new ids come from. Tests seed it; applications draw from the clock and the system's random source.
pub trait IdSource: Send + Sync {
    /// Returns a UUID that was never returned before.
    fn next_uuid(&self) -> Uuid;
}

/// An id that an [`IdSource`] can make.
pub trait Id: Sized {
    /// Takes a new id from the source.
    fn generate(source: &dyn IdSource) -> Self;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $kind:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The word for this kind of id in messages and logs.
            pub const KIND: &'static str = $kind;

            /// Wraps a UUID that is known to be an id of this kind: read from the database, or derived from a slot.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside, for storing.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl Id for $name {
            fn generate(source: &dyn IdSource) -> Self {
                Self(source.next_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($kind, ":{}"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Accepts the hyphenated form only, in either case.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let uuid = if text.len() == 36 { Uuid::try_parse(text).ok() } else { None };
                uuid.map(Self).ok_or(InvalidId { kind: $kind })
            }
        }
    )+};
}

ids! {
    /// A person who signs in.
    UserId: "user",
    /// One sign-in of a person, the row behind a cookie.
    LoginSessionId: "login session",
    /// A machine we protect.
    HostId: "host",
    /// A single-use right to enroll one host.
    EnrollmentTokenId: "enrollment token",
    /// A certificate that was issued to a host or to the server.
    CertificateId: "certificate",
    /// A restic repository: location and credentials.
    RepositoryId: "repository",
    /// What to back up on a host.
    SourceGroupId: "source group",
    /// One piece of work with a state. A scheduled job's is a version 5 UUID over its slot and attempt.
    JobId: "job",
    /// A durable instruction to an agent.
    CommandId: "command",
    /// One open stream of one agent.
    SessionId: "session",
    /// One life of an agent's outbox; a reinstalled host starts a new one.
    OutboxIncarnation: "outbox incarnation",
    /// One request of an operator, as it appears in logs and error bodies.
    RequestId: "request",
    /// A caller's name for something wanted once, however often it is asked for. The caller makes it, in any version.
    IdempotencyKey: "idempotency key",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_the_plain_uuid() {
        let id: HostId = "01890A5D-AC96-774B-BCCE-B302099A8057".parse().unwrap();

        assert_eq!(id.to_string(), "01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(format!("{id:?}"), "host:01890a5d-ac96-774b-bcce-b302099a8057");
    }

    #[test]
    fn other_spellings_are_refused_by_kind() {
        for text in [
            "",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "host",
        ] {
            let refused = text.parse::<JobId>().unwrap_err();

            assert_eq!(refused, InvalidId { kind: "job" }, "{text}");
        }
    }
}
