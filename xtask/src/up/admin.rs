//! The first admin.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::http::Api;

use super::password;
use super::server::Server;

const USERNAME: &str = "admin";

/// Whom a person signs in as.
pub(crate) enum Admin {
    /// Made by this run, which is the only one that knows the password.
    Created { username: &'static str, password: String },
    /// Made by an earlier run.
    Existed,
}

/// Makes the first admin on a server that has no users, and signs in once to see that it works.
pub(crate) fn ensure(server: &Server) -> Result<Admin> {
    let mut api = Api::new(server.web_url());
    let required = api.get("/api/bootstrap")?["required"].as_bool();
    if !required.context("the server did not say whether it needs a first admin")? {
        println!("this server has its first admin from an earlier run");
        return Ok(Admin::Existed);
    }

    let password = password::generate()?;
    let token = server.setup_token()?;
    api.post(
        "/api/bootstrap",
        &json!({ "token": token, "username": USERNAME, "password": password }),
    )?;
    server.forget_setup_token(&token)?;
    api.post(
        "/api/auth/login",
        &json!({ "username": USERNAME, "password": password }),
    )?;
    let session = api.get("/api/auth/session")?;
    ensure!(
        session["role"] == "admin",
        "the first admin signed in, but not as an admin: {session}"
    );
    println!("made the first admin and signed in");
    Ok(Admin::Created {
        username: USERNAME,
        password,
    })
}
