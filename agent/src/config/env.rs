//! The names of all environment variables that the agent reads.

/// The configuration file.
pub const CONFIG: &str = "RM_CONFIG";
/// The directory of the agent's state.
pub const STATE_DIR: &str = "RM_STATE_DIR";
/// URL of the web server, for enrolling.
pub const SERVER: &str = "RM_SERVER";
/// The enrollment token. The only variable that holds one.
pub const TOKEN: &str = "RM_TOKEN";
/// The pin of the server's root certificate.
pub const CA_PIN: &str = "RM_CA_PIN";
/// `1` enrolls a machine anew that is enrolled already.
pub const FORCE_REENROLL: &str = "RM_FORCE_REENROLL";
/// The restic to use.
pub const RESTIC: &str = "RM_RESTIC";
/// What is logged: a level, or a filter such as `agent=debug`.
pub const LOG: &str = "RM_LOG";
