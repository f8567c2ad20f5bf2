//! Connected agents.
//!
//! Each open stream is a task of its own that reads, asks the app and answers, one message after the other. What such a
//! task has to know is here: [`Session`] says what a message means and when something is due, [`queue`] holds what waits to
//! be sent, and the registry knows which host has which session, so that others can reach it through a [`Handle`].
//!
//! ```text
//! app ──nudge, cut──► Handle ──► registry ──signals──► Seat ─┐
//!                                                              ├─ the stream's task (grpc/agent)
//!                                              Session (pure) ─┘        │
//!                                                              queue ◄──┘──► HTTP/2
//! ```
//!
//! **Invariant:** one session per host. A newer one, told by its epoch, takes over, and the older one is told so.
//!
//! **Invariant:** a nudge carries nothing. What there is to send is in the database, and a lost nudge only means later.
//!
//! **Invariant:** nothing here grows without bound: the queue by messages and bytes, signals by coalescing, the registry by
//! the number of hosts and of jobs that run or are watched.
//!
//! Source: agent-protocol.md §3, §8, §9.

pub mod queue;
mod registry;
mod service;
mod session;
mod signal;
#[cfg(test)]
mod tests;
mod watch;

pub use registry::{Handle, Seat};
pub use service::{Service, channel};
pub use session::{Effect, Exceeded, Ingested, Limits, Options, PROTOCOL, Session};
pub use signal::Signal;
pub use watch::{JobWatch, Pulse};
