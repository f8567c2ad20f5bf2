//! What a person needs to know at the end.

use super::place::Place;
use super::run::System;
use super::session::Admin;

/// Prints where everything is and how to sign in.
pub(crate) fn print(place: &Place, system: &System) {
    let System {
        server,
        agent,
        admin,
        host,
        backup,
    } = system;
    println!(
        "\nrestic-manager is running on this machine, and {} is backed up.",
        host.name
    );
    println!("  snapshot      {}", backup.snapshot);
    println!("  snapshots     {} of this host so far", backup.snapshots);
    println!("  look at it    restic -r {} ls latest", place.repository().display());
    if let Some(password) = &host.repository_password {
        println!("  its password  {password}   (shown only now: note it)");
    } else {
        println!("                with the repository's password that the first run showed");
    }
    println!("  console       {}", server.web_url());
    println!(
        "  API           {}/api, described by {0}/api/openapi.json",
        server.web_url()
    );
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
    println!("  agents' port  {}", server.agent_url());
    println!(
        "  install       {}/install/install.sh; the answer to a new enrollment token has the whole command",
        server.web_url()
    );
    println!("  logs          {}", server.log().display());
    println!("                {}", agent.log().display());
    println!("  data          {}", place.state().display());
}
