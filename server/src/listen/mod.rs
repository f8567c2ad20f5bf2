//! The accept loop of both ports: TCP, limits, TLS, hyper, and what the services need to know of the connection.
//!
//! Both ports run this one loop, and neither `axum::serve` nor tonic's own accept: those leave handshakes unbounded.
//!
//! **Invariant:** nothing that a peer does ends the loop. Running out of descriptors pauses it; a broken handshake ends
//! in its own task.
//!
//! **Invariant:** every wait on a peer has a deadline, every count a limit.

mod accept;
mod arrivals;
mod connections;
mod in_use;
mod origin;

pub use accept::{Limits, Listener, Protocol, TlsSource, serve};
pub use origin::{OriginService, TrustedProxies};
