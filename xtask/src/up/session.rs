//! How a run gets into the server that it starts.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::http::Api;
use crate::process;

use super::password;
use super::place::Place;
use super::secrets::Secrets;
use super::server::{self, Server};

/// The first admin.
const ADMIN: &str = "admin";
/// The user that later runs act as: it may run backups and nothing more.
const OPERATOR: &str = "xtask-up";

/// What is known about signing in before the server starts.
pub(crate) enum WayIn {
    /// The server has no users yet.
    FirstRun,
    /// The operator of these runs has a new password, which nobody else knows.
    Operator { password: String },
}

/// Whom a person signs in as.
pub(crate) enum Admin {
    /// Made by this run, which is the only one that knows the password.
    Created { username: &'static str, password: String },
    /// Made by an earlier run.
    Existed,
}

/// A signed-in client.
pub(crate) struct Session {
    pub(crate) api: Api,
    pub(crate) admin: Admin,
}

/// Looks whether the stopped server has users, and makes a way into one that has.
pub(crate) fn prepare(place: &Place, secrets: &mut Secrets) -> Result<WayIn> {
    let users = process::output(server::command(place)?.args(["user", "list"]))?;
    let mut names = users
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .peekable();
    if names.peek().is_none() {
        return Ok(WayIn::FirstRun);
    }
    let password = password::generate()?;
    secrets.add("the operator's password", &password);
    let mut command = server::command(place)?;
    if names.any(|name| name == OPERATOR) {
        command.args(["user", "reset-password", OPERATOR]);
    } else {
        command.args(["user", "create", OPERATOR, "--role", "operator"]);
    }
    process::output_for(&mut command, &password)?;
    Ok(WayIn::Operator { password })
}

/// Signs in: as the first admin, whom it makes, or as the operator of these runs.
pub(crate) fn open(server: &Server, way_in: WayIn, secrets: &mut Secrets) -> Result<Session> {
    let mut api = Api::new(server.web_url());
    match way_in {
        WayIn::FirstRun => {
            let password = make_admin(server, &mut api, secrets)?;
            secrets.add("the admin's password", &password);
            println!("made the first admin and signed in");
            Ok(Session {
                api,
                admin: Admin::Created {
                    username: ADMIN,
                    password,
                },
            })
        }
        WayIn::Operator { password } => {
            sign_in(&mut api, OPERATOR, &password)?;
            println!("signed in as {OPERATOR}, an operator whose password ends with this run");
            Ok(Session {
                api,
                admin: Admin::Existed,
            })
        }
    }
}

fn make_admin(server: &Server, api: &mut Api, secrets: &mut Secrets) -> Result<String> {
    let password = password::generate()?;
    let token = server.setup_token()?;
    secrets.add("the setup token", &token);
    api.post(
        "/api/bootstrap",
        &json!({ "token": token, "username": ADMIN, "password": password }),
    )?;
    server.forget_setup_token(&token)?;
    sign_in(api, ADMIN, &password)?;
    let session = api.get("/api/auth/session")?;
    ensure!(
        session["role"] == "admin",
        "the first admin signed in, but not as an admin: {session}"
    );
    Ok(password)
}

fn sign_in(api: &mut Api, username: &str, password: &str) -> Result<()> {
    api.post(
        "/api/auth/login",
        &json!({ "username": username, "password": password }),
    )
    .with_context(|| format!("could not sign in as {username}"))?;
    Ok(())
}
