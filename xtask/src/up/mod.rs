//! `cargo xtask up`: from a clone to a running system, step by step.
//!
//! Each step is a function that returns what later steps need, and each is safe to repeat: a second run continues with
//! the state under `target/up`. **Invariant:** no secret lies in clear below `target/up`. The first admin's password is
//! printed once; the setup token lives in a private temporary directory until it is used, and is then taken out of the
//! server's log, where the server announced it.

mod admin;
mod blank;
mod password;
pub(crate) mod ports;
mod run;
mod server;

pub(crate) use run::run;
