//! [`Actor`]: who did something, as the record keeps it.

use std::fmt;
use std::str::FromStr;

use crate::id::{HostId, UserId};

/// Whoever caused a job or a change. Names are looked up for display; the record keeps the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A person who was signed in.
    User(UserId),
    /// The server by itself: a reconciler, or an effect of another act.
    System,
    /// A host through its agent, known by its certificate.
    Host(HostId),
}

/// The kind of an [`Actor`] without its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// See [`Actor::User`].
    User,
    /// See [`Actor::System`].
    System,
    /// See [`Actor::Host`].
    Host,
}

/// A word that is no kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of actor: user, system or host is needed")]
pub struct InvalidActorKind;

impl Actor {
    /// The kind.
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::User(_) => ActorKind::User,
            Self::System => ActorKind::System,
            Self::Host(_) => ActorKind::Host,
        }
    }

    /// The id of the user or host as text; `None` for the system.
    pub fn id(self) -> Option<String> {
        match self {
            Self::User(id) => Some(id.to_string()),
            Self::System => None,
            Self::Host(id) => Some(id.to_string()),
        }
    }
}

impl ActorKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::User, Self::System, Self::Host];

    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::System => "system",
            Self::Host => "host",
        }
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ActorKind {
    type Err = InvalidActorKind;

    fn from_str(text: &str) -> Result<Self, InvalidActorKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(InvalidActorKind)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn words_and_kinds_agree() {
        for kind in ActorKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("root".parse::<ActorKind>(), Err(InvalidActorKind));
    }

    #[test]
    fn an_actor_is_stored_as_kind_and_id() {
        let host = Actor::Host(HostId::from_uuid(Uuid::from_u128(7)));

        let stored = serde_json::to_string(&[host, Actor::System]).unwrap();

        assert_eq!(
            stored,
            r#"[{"kind":"host","id":"00000000-0000-0000-0000-000000000007"},{"kind":"system"}]"#
        );
        assert_eq!(
            serde_json::from_str::<[Actor; 2]>(&stored).unwrap(),
            [host, Actor::System]
        );
    }
}
