//! What has to be installed on this machine, and installing it with apt.
//!
//! **Invariant:** nothing on the system changes before a person, `--yes` or CI has agreed to the list that was printed.

mod consent;
mod install;
mod mirror;
mod needs;
mod newer_restic;
mod restic_versions;

pub(crate) use consent::{Consent, under_ci};
pub(crate) use install::ensure;
pub(crate) use needs::{BUF, FOR_BENCH, FOR_CHECK, FOR_TEST, FOR_UP};
pub(crate) use restic_versions::ensure as ensure_restic_versions;
