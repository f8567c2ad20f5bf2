//! Ctrl-C and SIGTERM as a flag, so that a stopping command still ends what it started.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Turns SIGINT, SIGTERM and SIGHUP into [`requested`] instead of an end without cleaning up.
pub(crate) fn listen() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&REQUESTED)).context("could not listen for signals")?;
    }
    Ok(())
}

/// Whether somebody asked this command to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Fails when somebody asked this command to stop, so that a loop ends by `?`.
pub(crate) fn check() -> Result<()> {
    ensure!(!requested(), "stopped on request");
    Ok(())
}
