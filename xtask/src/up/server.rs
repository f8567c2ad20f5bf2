//! The server as a user would run it, with its data under `target/up`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::background::{Background, Launch, Stop};
use crate::{http, process};

use super::blank::blank;
use super::place::Place;
use super::ports;

const WEB_PORT: u16 = 8080;
const AGENT_PORT: u16 = 8443;
/// Creating the keys and the first schema takes a few seconds on a busy machine.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// The running server. Dropping it stops the program.
pub(crate) struct Server {
    process: Background,
    // Outside target/up, and gone at the end: what is in it is a secret.
    setup: TempDir,
    program: PathBuf,
    data: PathBuf,
    web_port: u16,
    agent_port: u16,
}

impl Server {
    /// Starts it on loopback ports and waits until it says that it is ready.
    pub(crate) fn start(place: &Place) -> Result<Self> {
        let (program, data) = (place.server_program(), place.server_data());
        let setup = TempDir::with_prefix("restic-manager-setup-").context("could not make a temporary directory")?;
        let (web_port, agent_port) = (ports::from(WEB_PORT)?, ports::from(AGENT_PORT)?);

        let process = Background::start(Launch {
            name: "the server",
            stop: Stop::Terminate,
            account: None,
            words: vec![program.clone().into(), "serve".into()],
            variables: variables(&data, setup.path(), web_port, agent_port),
            log: place.server_log(),
        })?;
        let mut server = Self {
            process,
            setup,
            program,
            data,
            web_port,
            agent_port,
        };
        let ready = format!("{}/readyz", server.web_url());
        server
            .process
            .wait_until(READY_WITHIN, || http::status(&ready).is_ok_and(|status| status == 200))?;
        println!("the server is ready at {}", server.web_url());
        Ok(server)
    }

    /// Fails when the server has ended by itself, showing its last lines.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.process.check()
    }

    /// The setup token of a server without users. Read it once: the file goes away with the server.
    pub(crate) fn setup_token(&self) -> Result<String> {
        let file = token_file(self.setup.path());
        let token = fs::read_to_string(&file)
            .with_context(|| format!("could not read the setup token at {}", file.display()))?;
        Ok(token.trim().to_owned())
    }

    /// Takes a setup token that has been used out of the log.
    pub(crate) fn forget_setup_token(&self, token: &str) -> Result<()> {
        blank(self.process.log(), token)
    }

    /// The address of console and API.
    pub(crate) fn web_url(&self) -> String {
        format!("http://localhost:{}", self.web_port)
    }

    /// The address for agents.
    pub(crate) fn agent_url(&self) -> String {
        format!("https://localhost:{}", self.agent_port)
    }

    /// Where the server's output goes.
    pub(crate) fn log(&self) -> &Path {
        self.process.log()
    }

    /// What a person types to choose a new password while the server is stopped.
    pub(crate) fn reset_password_command(&self) -> String {
        format!(
            "RM_DATA_DIR={} {} user reset-password admin",
            self.data.display(),
            self.program.display()
        )
    }
}

/// A command line of the server program on the same data, for use while the server is stopped.
pub(crate) fn command(place: &Place) -> Result<Command> {
    let data = place.server_data();
    fs::create_dir_all(&data).with_context(|| format!("could not make {}", data.display()))?;
    let mut command = Command::new(place.server_program());
    process::forget_settings(&mut command);
    command
        .env("RM_CONFIG", data.join("server.yaml"))
        .env("RM_DATA_DIR", data);
    Ok(command)
}

fn variables(data: &Path, setup: &Path, web_port: u16, agent_port: u16) -> Vec<(&'static str, OsString)> {
    vec![
        // A file that is not there: this machine's own configuration, if any, is not meant.
        ("RM_CONFIG", data.join("server.yaml").into()),
        ("RM_DATA_DIR", data.into()),
        ("RM_LISTEN", format!("127.0.0.1:{web_port}").into()),
        ("RM_AGENT_LISTEN", format!("127.0.0.1:{agent_port}").into()),
        ("RM_BASE_URL", format!("http://localhost:{web_port}").into()),
        ("RM_AGENT_URL", format!("https://localhost:{agent_port}").into()),
        ("RM_BOOTSTRAP_TOKEN_FILE", token_file(setup).into()),
    ]
}

fn token_file(setup: &Path) -> PathBuf {
    setup.join("token")
}
