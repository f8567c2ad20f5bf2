//! [`Caller`]: who asks, from where.

use std::net::IpAddr;
use std::sync::Arc;

use domain::id::{HostId, LoginSessionId, RequestId, UserId};
use domain::{Role, Timestamp};
use uuid::Uuid;

use super::Once;

/// Who asks, as the door established it. Every method of [`super::App`] takes one first.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub who: Who,
    /// Where the request came from.
    pub origin: Origin,
}

/// The identity behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nobody is signed in.
    Anonymous,
    /// A person with a valid login session.
    User(SignedInUser),
    /// An agent, proven by its client certificate.
    Agent(HostId),
    /// The server itself: reconcilers and the command line on the server's host.
    System,
}

/// A person with a valid login session, as the database had it when the request arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInUser {
    /// The user.
    pub id: UserId,
    /// The user's name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The session that carries the request.
    pub session: LoginSessionId,
    /// When that session ends.
    pub expires_at: Timestamp,
}

/// Where a request came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The client's address behind trusted proxies; absent for the server itself.
    pub address: Option<IpAddr>,
    /// The request's id in logs and error bodies.
    pub request: RequestId,
    /// Whether the client's connection is encrypted, as far as trusted proxies tell.
    pub secure: bool,
    /// The key under which the request may be repeated, if it has one.
    pub once: Option<Arc<Once>>,
}

impl Caller {
    /// The server itself.
    pub fn system() -> Self {
        let origin = Origin {
            address: None,
            request: RequestId::from_uuid(Uuid::nil()),
            secure: false,
            once: None,
        };
        Self {
            who: Who::System,
            origin,
        }
    }

    /// The signed-in user, if there is one.
    pub fn user(&self) -> Option<&SignedInUser> {
        match &self.who {
            Who::User(user) => Some(user),
            Who::Anonymous | Who::Agent(_) | Who::System => None,
        }
    }
}
