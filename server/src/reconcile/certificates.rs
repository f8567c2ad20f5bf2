//! Replaces certificates that near their end, and forgets those of hosts that ended long ago.

use std::time::Duration;

use async_trait::async_trait;

use super::{Reconciler, Status};
use crate::app::{App, Caller, Renewed};

/// Renews the CA's intermediates and the certificate of the agent port. A day missed costs nothing: the shortest time left
/// at renewal is ten days.
pub(super) struct Certificates {
    app: App,
}

impl Certificates {
    /// Renews the certificates of this app.
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Reconciler for Certificates {
    fn name(&self) -> &'static str {
        "certificates"
    }

    fn period(&self) -> Duration {
        Duration::from_hours(24)
    }

    async fn activate(&mut self) -> Status {
        let renewed = match self.app.renew_certificates(&Caller::system()).await {
            Ok(renewed) => renewed,
            Err(error) => return Status::failed(&error),
        };
        match self.app.remove_ended_certificates().await {
            Ok(removed) => Status::done(describe(renewed, removed)),
            Err(error) => Status::failed(&error),
        }
    }
}

fn describe(renewed: Renewed, removed: u64) -> String {
    let Renewed { agents, servers, leaf } = renewed;
    let what: Vec<&str> = [
        ("the CA for agents", agents),
        ("the CA for the server", servers),
        ("the certificate of the agent port", leaf),
    ]
    .into_iter()
    .filter_map(|(what, is_new)| is_new.then_some(what))
    .collect();
    let renewed = if what.is_empty() {
        "nothing was due".to_owned()
    } else {
        format!("renewed: {}", what.join(", "))
    };
    match removed {
        0 => renewed,
        removed => format!("{renewed}; forgot {removed} certificates of hosts that ended long ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_page_says_what_was_renewed() {
        let both = Renewed {
            agents: false,
            servers: true,
            leaf: true,
        };

        assert_eq!(
            describe(both, 0),
            "renewed: the CA for the server, the certificate of the agent port"
        );
        assert_eq!(describe(Renewed::default(), 0), "nothing was due");
        assert_eq!(
            describe(Renewed::default(), 2),
            "nothing was due; forgot 2 certificates of hosts that ended long ago"
        );
    }
}
