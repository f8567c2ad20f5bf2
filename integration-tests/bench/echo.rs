//! The echo server as a process beside the measured one.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use proto::agent::v1::Heartbeat;
use proto::agent::v1::agent_message::Body as Up;
use restic_manager_integration_tests::process::{self, Process};
use restic_manager_integration_tests::{ports, programs, wait};

use crate::fleetsim::{Played, Wire};
use crate::stopwatch::Stopwatch;

/// A running echo server.
pub(crate) struct Echo {
    process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What agents know it by.
    pub(crate) root_pem: String,
}

impl Echo {
    /// Starts it for agents with certificates of this CA, with its files in a directory.
    pub(crate) fn start(directory: &Path, agents_ca_pem: &str) -> Self {
        fs::create_dir_all(directory).expect("the temporary directory can be written");
        let (agents, root) = (directory.join("agents.pem"), directory.join("root.pem"));
        fs::write(&agents, agents_ca_pem).expect("the temporary directory can be written");
        fs::remove_file(&root).ok();
        let address = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        let mut command = process::command(&programs::build_folder().join("restic-manager-bench-echo"), directory);
        command.arg(address.to_string()).arg(agents).arg(&root);
        let process = Process::start("the echo server", command, &directory.join("echo.log"));
        let root_pem = wait::until("the echo server", wait::SHORTLY, || fs::read_to_string(&root).ok());
        Self {
            process,
            address,
            root_pem,
        }
    }

    /// Its process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }
}

/// A connection to an echo server.
pub(crate) struct Line(Wire);

impl Line {
    /// Opens it as this agent.
    pub(crate) async fn open(agent: &Played, address: SocketAddr) -> Self {
        let mut wire = agent.dial(address).await;
        wire.hear().await.expect("the echo server answers");
        Self(wire)
    }

    /// Says something and answers how long the echo took, in milliseconds.
    pub(crate) async fn ask(&mut self) -> f64 {
        let watch = Stopwatch::start();
        self.0.say(Up::Heartbeat(Heartbeat {})).await;
        self.0.hear().await.expect("the echo server answers");
        watch.milliseconds()
    }
}
