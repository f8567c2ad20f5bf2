//! `cargo xtask gen`: the documents that are made from code, committed, and compared by the tests.

use std::path::Path;

use anyhow::Result;

use crate::packages::{self, Consent};
use crate::{buf, check, process};

/// Writes the reference pages anew, and the accepted contract when asked.
pub(crate) fn run(root: &Path, accept_contract: bool, consent: &Consent) -> Result<()> {
    let mut write = check::cargo(root);
    write
        .args(["test", "--package", "restic-manager-server", "--test", "reference"])
        .env("RM_WRITE_REFERENCE", "1");
    process::run(&mut write)?;
    println!("wrote the pages under docs/src/reference; read the difference as a user would before you commit it");
    if accept_contract {
        packages::ensure(packages::BUF, consent)?;
        buf::accept(root)?;
    }
    Ok(())
}
