//! The fleet in numbers.

use domain::fleet::{AttentionList, FleetSummary};

use super::{App, Caller, Error};

impl App {
    /// Counts hosts and jobs.
    pub async fn fleet_summary(&self, _: &Caller) -> Result<FleetSummary, Error> {
        Ok(self.0.store.read().await?.fleet_summary().await?)
    }

    /// Lists what somebody has to look at.
    pub async fn attention(&self, _: &Caller) -> Result<AttentionList, Error> {
        Ok(self.0.store.read().await?.attention().await?)
    }
}
