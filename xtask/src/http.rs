//! A small client for servers on this machine.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

const DEADLINE: Duration = Duration::from_secs(30);

/// The status that a plain GET of this address gets.
pub(crate) fn status(url: &str) -> Result<u16> {
    let response = agent()
        .get(url)
        .call()
        .with_context(|| format!("no answer from {url}"))?;
    Ok(response.status().as_u16())
}

/// The server's API with the login session it gave us, if any.
pub(crate) struct Api {
    base: String,
    agent: Agent,
    cookie: Option<String>,
}

impl Api {
    /// A client without a login session. `base` ends without a slash.
    pub(crate) fn new(base: String) -> Self {
        Self {
            base,
            agent: agent(),
            cookie: None,
        }
    }

    /// Reads a resource. An answer other than success is an error that carries the server's code and sentence.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let response = request.call().with_context(|| format!("no answer to GET {path}"))?;
        answer("GET", path, response)
    }

    /// Posts a body, keeping the login session that the answer may bring. Errors as [`Self::get`].
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let response = request
            .send_json(body)
            .with_context(|| format!("no answer to POST {path}"))?;
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().context("the server's cookie is not text")?;
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        answer("POST", path, response)
    }
}

fn agent() -> Agent {
    // Never by a proxy: the addresses are this machine's own.
    Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(DEADLINE))
        .build()
        .into()
}

fn answer(method: &str, path: &str, mut response: Response<ureq::Body>) -> Result<Value> {
    let status = response.status();
    let text = response
        .body_mut()
        .read_to_string()
        .with_context(|| format!("the answer to {method} {path} broke off"))?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    if !status.is_success() {
        let code = body["code"].as_str().unwrap_or("no code");
        let message = body["message"].as_str().unwrap_or(&text);
        bail!("{method} {path} was answered with {status}: {message} ({code})");
    }
    Ok(body)
}
