//! A small client for servers on this machine.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, BodyReader};

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

    /// Opens an event stream. Errors as [`Self::get`].
    pub(crate) fn events(&self, path: &str) -> Result<Events> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        request = request.header("accept", "text/event-stream");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        // A job may take as long as it likes; the server's signs of life come more often than this.
        let request = request.config().timeout_global(None).timeout_per_read(Some(DEADLINE));
        let response = request
            .build()
            .call()
            .with_context(|| format!("no answer to GET {path}"))?;
        if !response.status().is_success() {
            answer("GET", path, response)?;
            bail!("GET {path} was not answered with a stream");
        }
        Ok(Events(BufReader::new(response.into_body().into_reader())))
    }
}

/// One server-sent event.
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// An open stream of events; ends with the stream or behind an error.
pub(crate) struct Events(BufReader<BodyReader<'static>>);

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error).context("the event stream broke off")),
            }
            match line.trim_end().split_once(": ") {
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => {
                    let data = serde_json::from_str(value).context("an event is not JSON");
                    return Some(data.map(|data| Event { name, data }));
                }
                Some(_) | None => {}
            }
        }
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
