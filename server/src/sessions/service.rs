//! [`Service`]: says goodbye to all agents when the server stops.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Handle;

/// Farewells per step and the pause behind it: 500 a second. Source: agent-protocol.md §8.
const STEP: usize = 50;
const PAUSE: Duration = Duration::from_millis(100);
/// How long sessions may take to end once all were told.
const DRAIN: Duration = Duration::from_secs(20);

/// Ends all sessions in order when the server stops.
#[derive(Debug)]
pub struct Service {
    registry: Handle,
}

/// Makes an empty registry and what ends its sessions in order.
pub fn channel() -> (Handle, Service) {
    let registry = Handle::new();
    (registry.clone(), Service { registry })
}

impl Service {
    /// Waits for `shutdown`; then lets nobody in, says goodbye to each agent with a time of its own to come back, and waits
    /// until the sessions have ended, at most 20 seconds.
    pub async fn run(self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
        let hosts = self.registry.close();
        for step in hosts.chunks(STEP) {
            for host in step {
                self.registry.say_farewell(*host, hosts.len());
            }
            if step.len() == STEP {
                tokio::time::sleep(PAUSE).await;
            }
        }
        if tokio::time::timeout(DRAIN, self.registry.empty()).await.is_err() {
            let left = self.registry.connected_hosts().len();
            tracing::warn!(
                sessions = left,
                "some agents did not take the farewell; they come back by themselves"
            );
        }
    }
}
