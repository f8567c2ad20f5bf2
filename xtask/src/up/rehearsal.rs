//! `cargo xtask up` as a test: twice in a temporary directory, with the programs of the debug build.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::root;
use crate::stages::Stages;

use super::place::Place;
use super::run;
use super::session::Admin;
use super::summary;

/// Sees that a first run makes everything, and that a second one continues with it.
pub(crate) fn rehearse(root: &Path) -> Result<()> {
    let directory = TempDir::with_prefix("restic-manager-up-").context("could not make a temporary directory")?;
    let place = Place::new(root, root::target(root).join("debug"), directory.path().join("up"));

    let first = run::steps(&place, &mut Stages::default()).context("the first run failed")?;
    summary::print(&place, &first);
    ensure!(
        matches!(first.admin, Admin::Created { .. }),
        "the first run made no admin"
    );
    ensure!(
        first.host.repository_password.is_some(),
        "the first run was told no repository password"
    );
    let (host, snapshot) = (first.host.id.clone(), first.backup.snapshot.clone());
    drop(first);

    let second = run::steps(&place, &mut Stages::default()).context("the second run failed")?;
    summary::print(&place, &second);
    ensure!(
        matches!(second.admin, Admin::Existed),
        "the second run made another admin"
    );
    ensure!(second.host.id == host, "the second run enrolled another host");
    ensure!(
        second.backup.snapshot != snapshot && second.backup.snapshots == 2,
        "the second run did not add a snapshot to the first one's"
    );
    Ok(())
}
