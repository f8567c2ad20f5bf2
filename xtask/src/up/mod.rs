//! `cargo xtask up`: from a clone to a running system with a first backup, step by step.
//!
//! Each step is a function that returns what later steps need, and each is safe to repeat: a second run continues with
//! the state under `target/up`, that is with the same server, host and repository, and makes another backup.
//!
//! **Invariant:** no secret lies in clear below `target/up`, and the last step looks for every secret that the run knew.
//! The first admin's password and the repository's are printed once. The setup token lies in a private temporary
//! directory until it is used, and is then taken out of the server's log, where the server announced it. The enrollment
//! token reaches the agent by a pipe. A later run has no password at hand and needs none: while the server is stopped, it
//! gives a user of its own a new one, which it forgets at its end.

mod agent;
mod backup;
mod blank;
mod host;
mod password;
mod place;
pub(crate) mod ports;
mod progress;
mod rehearsal;
mod run;
mod secrets;
mod server;
mod session;
mod summary;

pub(crate) use rehearsal::rehearse;
pub(crate) use run::run;
