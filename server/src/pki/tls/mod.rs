//! TLS of both ports: what is offered, what is demanded, and how certificates are exchanged while it runs.

mod agent_port;
mod presented;
mod web_port;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Timestamp};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

pub use super::Error;
pub use agent_port::AgentPort;
pub use web_port::WebPort;

/// Passed explicitly everywhere, so that nothing depends on what another crate installed for the process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The server's clock, as rustls asks for it.
struct ServerTime(Arc<dyn Clock>);

impl TimeProvider for ServerTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since_epoch: Duration = self.0.now().since(Timestamp::UNIX_EPOCH);
        Some(UnixTime::since_unix_epoch(since_epoch))
    }
}

impl fmt::Debug for ServerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTime")
    }
}
