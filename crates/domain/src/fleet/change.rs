//! What people change of a host.

use crate::id::HostId;
use crate::name::{Hostname, Tags};

/// Changes a host; what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateHost {
    /// Which host.
    pub id: HostId,
    /// New name.
    pub hostname: Option<Hostname>,
    /// New labels, all of them.
    pub tags: Option<Tags>,
    /// False for a machine that sleeps.
    pub is_always_on: Option<bool>,
    /// Upload limit of restic in KiB per second; 0: none.
    pub limit_upload_kib_per_s: Option<u32>,
    /// Download limit of restic in KiB per second; 0: none.
    pub limit_download_kib_per_s: Option<u32>,
    /// The host's version as it was read.
    pub version: u64,
}

/// Declares a host's certificates void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeHost {
    /// Which host.
    pub id: HostId,
    /// The host's name as it was typed to confirm.
    pub confirmation: String,
}

/// Deletes a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteHost {
    /// Which host.
    pub id: HostId,
    /// The host's name as it was typed to confirm.
    pub confirmation: String,
}
