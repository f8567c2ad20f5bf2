//! The steps in order.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};

use crate::packages::{self, Consent};
use crate::process::POLL;
use crate::stages::Stages;
use crate::{check, interrupt, process, ui};

use super::agent::Agent;
use super::backup::{self, Backup};
use super::host::{self, Host};
use super::place::Place;
use super::secrets::Secrets;
use super::server::Server;
use super::session::{self, Admin, Session};
use super::summary;

/// Everything that runs at the end of the steps, and what they found out.
pub(crate) struct System {
    // Dropped in this order: the agent says goodbye to a server that is still there.
    pub(crate) agent: Agent,
    pub(crate) server: Server,
    pub(crate) admin: Admin,
    pub(crate) host: Host,
    pub(crate) backup: Backup,
}

/// Runs all steps, prints the addresses, and waits for Ctrl-C unless only one pass was asked for.
pub(crate) fn run(root: &Path, once: bool, consent: &Consent) -> Result<()> {
    let mut stages = Stages::default();
    let place = Place::of_clone(root);
    let outcome = prepare(root, consent, &mut stages).and_then(|()| steps(&place, &mut stages));
    stages.print_table();
    let mut system = outcome?;

    summary::print(&place, &system);
    if !once {
        println!("\nPress Ctrl-C to stop.");
        while !interrupt::requested() {
            system.server.check()?;
            system.agent.check()?;
            thread::sleep(POLL);
        }
        println!();
    }
    println!("Stopping agent and server.");
    drop(system);
    println!("Stopped. What they stored is kept; the next `cargo xtask up` continues with it.");
    Ok(())
}

/// The steps that need no network but the package sources, and change nothing under `target/up`.
fn prepare(root: &Path, consent: &Consent, stages: &mut Stages) -> Result<()> {
    stages.require("packages", || packages::ensure(packages::FOR_UP, consent))?;
    stages.require("console", || ui::build(root, false))?;
    stages.require("build", || build(root))
}

/// From stopped programs to a finished backup.
pub(crate) fn steps(place: &Place, stages: &mut Stages) -> Result<System> {
    let state = place.state();
    fs::create_dir_all(state).with_context(|| format!("could not make {}", state.display()))?;
    let mut secrets = Secrets::default();
    let (server, way_in) = stages.require("server", || {
        let way_in = session::prepare(place, &mut secrets)?;
        Ok((Server::start(place)?, way_in))
    })?;
    let Session { mut api, admin } = stages.require("sign in", || session::open(&server, way_in, &mut secrets))?;
    let (host, agent) = stages.require("this machine's agent", || {
        let host = host::enroll(place, &server, &mut api, &mut secrets)?;
        let mut agent = Agent::start(place, &server)?;
        host::wait_until_ready(&host, &api, &mut agent)?;
        Ok((host, agent))
    })?;
    let backup = stages.require("backup", || backup::run(place, &host, &mut api))?;
    stages.require("no secret in clear", || secrets.check_absent(state))?;
    Ok(System {
        agent,
        server,
        admin,
        host,
        backup,
    })
}

/// Builds the programs as they are shipped, the server with the console in it, with cargo's own progress.
fn build(root: &Path) -> Result<()> {
    let programs = [
        "--package",
        "restic-manager-server",
        "--package",
        "restic-manager-agent",
        "--features",
        "restic-manager-server/embed-ui",
    ];
    process::run(check::cargo(root).args(["build", "--release", "--bins"]).args(programs))
}
