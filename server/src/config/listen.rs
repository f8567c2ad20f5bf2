//! The web listener: where it listens, what it is called, which proxies stand before it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::PublicUrl;
use super::keys;
use super::reader::{Reader, parsed, path};

/// The web listener and what is known of the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Where console and API are served.
    pub web: SocketAddr,
    /// Where agents connect.
    pub agents: SocketAddr,
    /// The console's address as people type it.
    pub base_url: PublicUrl,
    /// The folder of another console than the one built in.
    pub ui_dir: Option<PathBuf>,
    /// Peers whose forwarded headers count; empty when the server is reached directly.
    pub trusted_proxies: Vec<IpNet>,
}

impl Listen {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            web: reader.required(&keys::LISTEN, parsed),
            agents: reader.required(&keys::AGENT_LISTEN, parsed),
            base_url: reader.required(&keys::BASE_URL, parsed),
            ui_dir: reader.optional(&keys::UI_DIR, path),
            trusted_proxies: reader.optional(&keys::TRUSTED_PROXY, networks).unwrap_or_default(),
        }
    }
}

fn networks(text: &str) -> Option<Vec<IpNet>> {
    text.split(',').map(|part| network(part.trim())).collect()
}

/// A single address is a network of one.
fn network(text: &str) -> Option<IpNet> {
    let network: Option<IpNet> = text.parse().ok();
    // Host bits are dropped, so that 10.0.0.5/8 means what it says.
    network
        .map(|network| network.trunc())
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
