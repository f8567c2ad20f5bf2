//! The steps in order.

use std::path::Path;
use std::thread;

use anyhow::Result;

use crate::packages::{self, Consent};
use crate::process::POLL;
use crate::stages::Stages;
use crate::{check, interrupt, process};

use super::admin::{self, Admin};
use super::server::Server;

/// Runs all steps, prints the addresses, and waits for Ctrl-C unless only one pass was asked for.
pub(crate) fn run(root: &Path, once: bool, consent: &Consent) -> Result<()> {
    let mut stages = Stages::default();
    let outcome = steps(root, consent, &mut stages);
    stages.print_table();
    let (mut server, admin) = outcome?;

    print_summary(&server, &admin);
    if !once {
        println!("\nPress Ctrl-C to stop.");
        while !interrupt::requested() {
            server.check()?;
            thread::sleep(POLL);
        }
        println!();
    }
    println!("Stopping the server.");
    drop(server);
    println!("Stopped. What it stored is kept; the next `cargo xtask up` continues with it.");
    Ok(())
}

fn steps(root: &Path, consent: &Consent, stages: &mut Stages) -> Result<(Server, Admin)> {
    stages.require("packages", || packages::ensure(packages::FOR_UP, consent))?;
    stages.require("build", || build(root))?;
    let server = stages.require("server", || Server::start(root))?;
    let admin = stages.require("first admin", || admin::ensure(&server))?;
    Ok((server, admin))
}

/// Builds the programs as they are shipped, with cargo's own progress.
fn build(root: &Path) -> Result<()> {
    let programs = [
        "--package",
        "restic-manager-server",
        "--package",
        "restic-manager-agent",
    ];
    process::run(check::cargo(root).args(["build", "--release", "--bins"]).args(programs))
}

fn print_summary(server: &Server, admin: &Admin) {
    println!("\nrestic-manager is running on this machine.");
    println!(
        "  API           {}/api, described by {0}/api/openapi.json",
        server.web_url()
    );
    println!("  agents' port  {}", server.agent_url());
    println!("  server log    {}", server.log().display());
    println!("  data          {}", server.data().display());
    match admin {
        Admin::Created { username, password } => {
            println!("  sign in as    {username}");
            println!("  password      {password}   (shown only now: note it)");
        }
        Admin::Existed => {
            println!(
                "  sign in       with the name and password shown by the first run; for a new password stop this and run"
            );
            println!("                {}", server.reset_password_command());
        }
    }
    println!(
        "\nNot built yet, and so not started: the console, and enrolling this machine's own agent for a first backup."
    );
}
