//! This machine's agent as a user would run it, with its state under `target/up`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::background::{Background, Launch, Stop};
use crate::process;

use super::place::Place;
use super::server::Server;

/// The running agent. Dropping it stops the program.
pub(crate) struct Agent {
    process: Background,
}

/// Whether an earlier run has enrolled it.
pub(crate) fn is_enrolled(place: &Place) -> bool {
    let identity = fs::read_dir(place.agent_state().join("identity"));
    identity.is_ok_and(|mut entries| entries.next().is_some())
}

/// Enrolls it with a token, which travels by a pipe.
pub(crate) fn enroll(place: &Place, server: &Server, token: &str) -> Result<()> {
    let mut command = Command::new(place.agent_program());
    command
        .args(words(place))
        .args(["enroll", "--server", &server.web_url()]);
    command.args(["--token-file", "-"]);
    process::forget_settings(&mut command);
    print!("{}", process::output_for(&mut command, token)?);
    Ok(())
}

impl Agent {
    /// Starts it. It is told the server's address anew, because the port may be another than in an earlier run.
    pub(crate) fn start(place: &Place, server: &Server) -> Result<Self> {
        let settings = format!("server: {}\nagent_url: {}\n", server.web_url(), server.agent_url());
        let config = place.agent_config();
        fs::write(&config, settings).with_context(|| format!("could not write {}", config.display()))?;
        let mut command: Vec<OsString> = vec![place.agent_program().into()];
        command.extend(words(place));
        command.push("run".into());
        let process = Background::start(Launch {
            name: "the agent",
            stop: Stop::Terminate,
            account: None,
            words: command,
            variables: Vec::new(),
            log: place.agent_log(),
        })?;
        Ok(Self { process })
    }

    /// Fails when the agent has ended by itself, showing its last lines.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.process.check()
    }

    /// Where its output goes.
    pub(crate) fn log(&self) -> &Path {
        self.process.log()
    }
}

/// The flags that keep everything of it under `target/up`.
fn words(place: &Place) -> [OsString; 4] {
    [
        "--config".into(),
        place.agent_config().into(),
        "--state-dir".into(),
        place.agent_state().into(),
    ]
}
