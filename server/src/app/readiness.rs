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
    /// Runs the checks that decide whether the server can do its work.
    pub async fn readiness(&self) -> Vec<Check> {
        let database = self
            .0
            .store
            .ping()
            .await
            .is_err()
            .then_some("the database does not answer");
        let (migrations, key) = self.look_at_key().await;
        vec![
            Check {
                name: "database",
                error: database,
            },
            Check {
                name: "migrations",
                error: migrations,
            },
            Check {
                name: "key",
                error: key,
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
