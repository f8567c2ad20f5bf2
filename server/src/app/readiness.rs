//! Whether the server can do its work.

use super::App;

/// One check of readiness.
#[derive(Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, without internals; `None` when it passes.
    pub error: Option<&'static str>,
}

impl App {
    /// Runs the checks that decide whether the server can do its work. Schema and key were checked at start: a server
    /// with a wrong one does not come this far.
    pub async fn readiness(&self) -> Vec<Check> {
        let database = self
            .0
            .store
            .ping()
            .await
            .is_err()
            .then_some("the database does not answer");
        vec![
            Check {
                name: "database",
                error: database,
            },
            Check {
                name: "migrations",
                error: None,
            },
            Check {
                name: "key",
                error: None,
            },
            Check {
                name: "ca",
                error: self
                    .agent_port()
                    .is_err()
                    .then_some("the certificate authority is not open"),
            },
        ]
    }
}
