//! The server's configuration: environment before YAML file before defaults.
//!
//! One struct per section, each in its own file, all read through one `Reader` over the one table of [`keys`]. A bad value
//! is noted and replaced by the default, so that reading goes on and every problem is found in one run.
//!
//! To add a setting: a name in [`env`](mod@env), a line in [`keys`], a field in its section. The reference page follows by itself.

mod agents;
mod auth;
mod database;
mod duration;
pub mod env;
mod history;
pub mod keys;
mod limits;
mod listen;
mod problems;
mod reader;
mod reference;
mod secrets;
mod telemetry;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::ffi::OsString;

pub use agents::Agents;
pub use auth::Auth;
pub use database::Database;
pub use history::History;
pub use limits::{INGEST_ROWS, Limits};
pub use listen::Listen;
pub use problems::{Problem, Problems, Source};
pub use reader::ReadFile;
pub use reference::reference;
pub use secrets::Secrets;
pub use telemetry::{LogFormat, Telemetry};
pub use tls::Tls;
pub use url::{Host, InvalidPublicUrl, PublicUrl};

use reader::Reader;

/// Everything that can be set. Valid by construction: whoever holds one need not check anything again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Data directory and database.
    pub database: Database,
    /// Both listeners, and the console's address.
    pub listen: Listen,
    /// The agents' address and when one is missed.
    pub agents: Agents,
    /// How long what has happened is kept.
    pub history: History,
    /// What agents may use up.
    pub limits: Limits,
    /// Certificate of the web listener; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// Place of the master key.
    pub secrets: Secrets,
    /// Login sessions and the first start.
    pub auth: Auth,
    /// The log.
    pub telemetry: Telemetry,
}

impl Config {
    /// Reads the variables that begin with `RM_`, and the file that they or the default name. Of two variables of one
    /// name the later wins, so flags can be appended as variables.
    ///
    /// A file that does not exist is an empty one. Fails with every problem there is: unknown keys first, then values in
    /// the order of the reference page.
    pub fn load(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        read_file: &ReadFile<'_>,
    ) -> Result<Self, Problems> {
        let mut reader = Reader::new(variables, read_file);
        let database = Database::read(&mut reader);
        let listen = Listen::read(&mut reader);
        let config = Self {
            agents: Agents::read(&mut reader, &listen),
            history: History::read(&mut reader),
            limits: Limits::read(&mut reader),
            tls: Tls::read(&mut reader),
            secrets: Secrets::read(&mut reader, &database.data_dir),
            auth: Auth::read(&mut reader, &listen.base_url),
            telemetry: Telemetry::read(&mut reader),
            database,
            listen,
        };
        let problems = reader.into_problems();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(Problems(problems))
        }
    }
}
