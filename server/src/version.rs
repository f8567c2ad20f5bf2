//! What this build is.

/// Semantic version of server and agent, the same in every build path.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from, when the build said so in `RM_COMMIT`.
pub const COMMIT: &str = match option_env!("RM_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Oldest agent protocol that is accepted.
pub const PROTOCOL_MIN: u32 = 1;

/// Newest agent protocol that is spoken.
pub const PROTOCOL_MAX: u32 = 1;
