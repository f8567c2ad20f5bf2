//! [`Connection`]: what a call came over, as far as a service may act on it.

use tokio_util::sync::CancellationToken;

/// The connection of a call. The listener puts one into the extensions of each request.
#[derive(Debug, Clone, Default)]
pub struct Connection(CancellationToken);

impl Connection {
    /// Closes it at once, whatever is under way on it: a peer that does not read would keep what waits for it alive.
    pub fn close(&self) {
        self.0.cancel();
    }

    /// Ends when it is to be closed.
    pub async fn closed(&self) {
        self.0.cancelled().await;
    }
}
