//! This machine as a host of the server, with a repository in a local directory.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::http::Api;
use crate::interrupt;
use crate::process::{self, POLL};

use super::agent::{self, Agent};
use super::place::Place;
use super::secrets::Secrets;
use super::server::Server;

/// Making a repository takes restic a few seconds.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// The enrolled host.
pub(crate) struct Host {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What encrypts the repository: made by the server, and shown to the run that asked for it alone.
    pub(crate) repository_password: Option<String>,
}

/// Enrolls this machine with a token of its own unless an earlier run has.
pub(crate) fn enroll(place: &Place, server: &Server, api: &mut Api, secrets: &mut Secrets) -> Result<Host> {
    let name = machine_name();
    match (find(api, &name)?, agent::is_enrolled(place)) {
        (Some(id), true) => {
            println!("{name} was enrolled by an earlier run");
            Ok(Host {
                id,
                name,
                repository_password: None,
            })
        }
        (None, false) => {
            let made = api.post(
                "/api/enrollment-tokens",
                &json!({ "hostname": name, "repo_url": place.repository(), "initial_paths": place.sources }),
            )?;
            let token = made["token"].as_str().context("the server gave no token")?;
            let password = made["generated_repo_password"].as_str().map(str::to_owned);
            // The one part of the token that is secret.
            secrets.add("the enrollment token", token.split('_').nth(2).unwrap_or(token));
            if let Some(password) = &password {
                secrets.add("the repository's password", password);
            }
            agent::enroll(place, server, token)?;
            let id = find(api, &name)?.context("the agent has enrolled, but the server does not list it")?;
            Ok(Host {
                id,
                name,
                repository_password: password,
            })
        }
        (Some(_), false) | (None, true) => bail!(
            "the server and the agent of an earlier run do not belong together any more, because one of them was \
             removed; remove {} and run this again to start anew",
            place.state().display()
        ),
    }
}

/// Waits until the agent is online and its repository ready.
pub(crate) fn wait_until_ready(host: &Host, api: &Api, agent: &mut Agent) -> Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        let seen = api.get(&format!("/api/hosts/{}", host.id))?;
        let detail = || seen["repo_status_detail"].as_str().unwrap_or_default();
        match (seen["status"].as_str(), seen["repo_status"].as_str()) {
            (Some("online"), Some("ready")) => {
                println!("{} is online and its repository ready", host.name);
                return Ok(());
            }
            (_, Some("init_failed" | "error")) => bail!(
                "the repository cannot be used: {}; see {}",
                detail(),
                agent.log().display()
            ),
            _ => {}
        }
        agent.check()?;
        interrupt::check()?;
        if waited >= READY_WITHIN {
            bail!("{} was not ready in time; at last it was {seen}", host.name);
        }
        thread::sleep(POLL);
        waited += POLL;
    }
}

fn find(api: &Api, name: &str) -> Result<Option<String>> {
    let hosts = api.get("/api/hosts")?;
    let hosts = hosts.as_array().context("the server's list of hosts is no list")?;
    let host = hosts.iter().find(|host| host["hostname"] == name);
    Ok(host.and_then(|host| host["id"].as_str()).map(str::to_owned))
}

/// What this machine calls itself, as far as it is a name that a host may have.
fn machine_name() -> String {
    let name = process::output(Command::new("uname").arg("-n")).unwrap_or_default();
    let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = name.chars().filter(is_allowed).collect();
    if name.is_empty() {
        "this-machine".to_owned()
    } else {
        name
    }
}
