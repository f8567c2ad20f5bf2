//! [`Capabilities`]: what a restic version can do. The only place that compares versions for behaviour.

use crate::Version;

/// What one restic binary can do, as far as this crate makes use of it.
///
/// Source: restic's release notes, checked against recordings of 0.14.0, 0.16.5, 0.17.3, 0.18.0 and 0.19.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent yes and no")]
pub struct Capabilities {
    /// The version they were derived from.
    pub version: Version,
    /// `--retry-lock`, a polite wait for a lock (0.16.0).
    pub retry_lock: bool,
    /// `backup --group-by`, which parent to compare with (0.16.0).
    pub backup_group_by: bool,
    /// `RESTIC_REST_USERNAME` and `RESTIC_REST_PASSWORD` (0.16.1). Older ones need the login inside the URL.
    pub rest_login_variables: bool,
    /// Exit codes 10 for a missing and 11 for a locked repository (0.17.0). Older ones exit 1 with a text.
    pub repository_exit_codes: bool,
    /// Exit code 12 for a wrong password (0.17.1). Older ones exit 1 with a text.
    pub password_exit_code: bool,
}

impl Capabilities {
    /// Looks a version up. Versions newer than the table can do what the newest in it can.
    pub fn of(version: Version) -> Self {
        let since = |minor, patch| version >= Version::new(0, minor, patch);
        Self {
            version,
            retry_lock: since(16, 0),
            backup_group_by: since(16, 0),
            rest_login_variables: since(16, 1),
            repository_exit_codes: since(17, 0),
            password_exit_code: since(17, 1),
        }
    }
}
