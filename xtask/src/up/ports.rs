//! Choosing TCP ports on this machine.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// How many ports after the preferred one are tried.
const TRIES: u16 = 50;

/// A port that nobody listens on at this moment, chosen by the system.
pub(crate) fn free() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback address")?;
    Ok(listener
        .local_addr()
        .context("the system did not tell the port")?
        .port())
}

/// The preferred port, or the next one that nobody listens on.
pub(crate) fn from(preferred: u16) -> Result<u16> {
    let last = preferred.saturating_add(TRIES);
    (preferred..=last)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .with_context(|| format!("all ports from {preferred} to {last} are taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();

        let chosen = from(port).unwrap();

        assert!(chosen > port, "{chosen} must come after {port}");
    }
}
