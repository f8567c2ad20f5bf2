//! What agents are told, and when one is missed.

use std::time::Duration;

use super::duration;
use super::keys;
use super::reader::{Reader, parsed};
use super::{Listen, PublicUrl};

/// Settings of the agents' side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agents {
    /// The address that agents are told; always `https://`. Its host is in the server's certificate.
    pub url: PublicUrl,
    /// Silence after which a host is offline.
    pub offline_after: Duration,
    /// How long a certificate of an agent is in force.
    pub certificate_ttl: Duration,
}

impl Agents {
    pub(super) fn read(reader: &mut Reader<'_>, listen: &Listen) -> Self {
        let url = reader.optional(&keys::AGENT_URL, |text| parsed(text).filter(PublicUrl::is_secure));
        Self {
            url: url.unwrap_or_else(|| PublicUrl::https(listen.base_url.host().clone(), listen.agents.port())),
            offline_after: reader.required(
                &keys::OFFLINE_AFTER,
                duration::within(Duration::from_secs(5), Duration::from_hours(24)),
            ),
            certificate_ttl: reader.required(
                &keys::AGENT_CERTIFICATE_TTL,
                duration::within(Duration::from_secs(10), Duration::from_hours(24 * 30)),
            ),
        }
    }
}
