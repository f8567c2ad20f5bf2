//! Hosts as people see and change them: one host with its projections, the list, the numbers over all.

mod attention;
mod change;
mod host;
mod query;
mod runs;
mod summary;

pub use attention::{Attention, AttentionList, HostName, MOST_LINES, RepositoryNamed, TOGETHER};
pub use change::{DeleteHost, RevokeHost, UpdateHost};
pub use host::{HostView, LastEndedBackup};
pub use query::{HostOrder, HostOrderKey, HostQuery, InvalidHostOrder};
pub use runs::{InvalidRuns, RecentRuns, Run};
pub use summary::FleetSummary;
