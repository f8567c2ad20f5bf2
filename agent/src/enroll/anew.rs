//! Enrolling a machine that is enrolled already.
//!
//! What the machine has stays until the server has given it something new: that is asked for and kept in a directory beside,
//! and takes the place of the old in the end. An end that a crash cut short is taken up by the next call.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use domain::Clock;

use super::{Error, Request, enroll_at};
use crate::clock::{SystemClock, SystemIds};
use crate::config::Places;
use crate::durable;
use crate::identity::{Facts, Identity};
use crate::legacy;
use crate::wipe;

/// Enrolls the machine and removes all that belonged to what it was: key, credentials, what was to be reported.
pub(super) async fn enroll(request: &Request, places: &Places, clock: &dyn Clock) -> Result<Facts, Error> {
    if wipe::is_running(places, &SystemIds::new(Arc::new(SystemClock))) {
        return Err(Error::Running);
    }
    legacy::migrate(places).map_err(Error::Legacy)?;
    let beside = places.beside();
    if Identity::load(&beside).map_err(Error::Identity)?.is_none() {
        enroll_at(request, &beside, clock).await?;
    }
    finish(places)?.ok_or(Error::Answer("it was not stored"))
}

/// Puts what was enrolled beside in the place of what there is; `None` when there is nothing.
pub(super) fn finish(places: &Places) -> Result<Option<Facts>, Error> {
    let beside = places.beside();
    let Some(identity) = Identity::load(&beside).map_err(Error::Identity)? else {
        return Ok(None);
    };
    wipe::clear(places).map_err(Error::Directory)?;
    move_into_place(&beside.ca_bundle(), &places.ca_bundle())?;
    move_into_place(&beside.identity_dir(), &places.identity_dir())?;
    durable::remove_directory(beside.state_dir()).map_err(Error::Directory)?;
    Ok(Some(identity.facts))
}

/// The bundle comes before the identity, so a second attempt may find it moved already.
fn move_into_place(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.exists() {
        return Ok(());
    }
    fs::rename(from, to)
        .map_err(|source| durable::Error::new("write", to, source))
        .and_then(|()| durable::sync_directory(durable::parent(to)))
        .map_err(Error::Directory)
}
