//! [`JobView`]: a job as it is shown.

use super::{Job, LogExtent, Progress};
use crate::name::Hostname;
use crate::reported::ReportedText;

/// A job with what is looked up for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// The host's name at the moment.
    pub hostname: Hostname,
    /// The name of whoever caused it.
    pub actor_name: ReportedText<256>,
    /// How much log there is.
    pub log: LogExtent,
    /// The latest numbers; `None` unless it runs.
    pub progress: Option<Progress>,
    /// Its host has it and is not connected, so what is shown may be old.
    pub unreachable: bool,
}
