//! Hosts as people see and change them: one host with its projections, the list, the numbers over all.

mod change;
mod host;
mod query;
mod summary;

pub use change::{DeleteHost, RevokeHost, UpdateHost};
pub use host::{HostView, LastEndedBackup};
pub use query::{HostOrder, HostOrderKey, HostQuery, InvalidHostOrder};
pub use summary::FleetSummary;
