//! Replaces certificates that near their end.

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
        match self.app.renew_certificates(&Caller::system()).await {
            Ok(renewed) => Status::done(describe(renewed)),
            Err(error) => Status::failed(&error),
        }
    }
}

fn describe(renewed: Renewed) -> String {
    let Renewed { agents, servers, leaf } = renewed;
    let what: Vec<&str> = [
        ("the CA for agents", agents),
        ("the CA for the server", servers),
        ("the certificate of the agent port", leaf),
    ]
    .into_iter()
    .filter_map(|(what, is_new)| is_new.then_some(what))
    .collect();
    if what.is_empty() {
        "nothing was due".to_owned()
    } else {
        format!("renewed: {}", what.join(", "))
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
            describe(both),
            "renewed: the CA for the server, the certificate of the agent port"
        );
        assert_eq!(describe(Renewed::default()), "nothing was due");
    }
}
