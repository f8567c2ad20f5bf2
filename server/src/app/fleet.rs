//! The fleet in numbers.

use domain::fleet::FleetSummary;

use super::{App, Caller, Error};

impl App {
    /// Counts hosts and jobs.
    pub async fn fleet_summary(&self, _: &Caller) -> Result<FleetSummary, Error> {
        Ok(self.0.store.read().await?.fleet_summary().await?)
    }
}
